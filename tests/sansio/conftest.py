"""Tests of the pure rules."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", params=[0, 10], ids=["compiled", "not yet"])
def compiled_after(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each promise holds for a schema that is new, and for one that is compiled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("specter.sansio.schema._COMPILED_AFTER", request.param)
        yield
