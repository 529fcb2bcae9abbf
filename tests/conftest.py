"""Fixtures of all tests: each async test runs on asyncio and on trio, unless its folder says otherwise."""

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says more about the machine than about the code.
settings.register_profile("specter", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("specter")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The event loop under an async test."""
    return str(request.param)
