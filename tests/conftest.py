"""Fixtures of all tests: each async test runs on asyncio and on trio, unless its folder says otherwise."""

import asyncio
import gc
import signal

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

# A shell that starts the tests in the background has them ignore what they send to themselves and to what they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more about the machine than about the code. `.ci/run` tries more of them.
settings.register_profile("specter", deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("specter"), max_examples=200)
settings.load_profile("specter")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--uvloop", action="store_true", help="run what runs on asyncio on uvloop")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--uvloop"):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


def pytest_collection_finish() -> None:
    # What was imported lives to the end: a test that collects garbage need not look through it.
    gc.collect()
    gc.freeze()


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The event loop under an async test."""
    return str(request.param)
