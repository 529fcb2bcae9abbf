"""Fixtures of all tests: each async test runs on asyncio and on trio, unless its folder says otherwise."""

import asyncio

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says more about the machine than about the code.
settings.register_profile("specter", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("specter")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--uvloop", action="store_true", help="run what runs on asyncio on uvloop")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--uvloop"):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The event loop under an async test."""
    return str(request.param)
