"""Tests of what asyncio and trio have."""

from collections.abc import Iterator

import pytest

from specter.testing import isolated


@pytest.fixture(autouse=True)
def own_bus_and_registry() -> Iterator[None]:
    """A bus and a registry of the test's own."""
    with isolated():
        yield
