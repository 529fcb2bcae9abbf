"""Tests of what asyncio and trio have."""

from collections.abc import AsyncIterator, Iterator

import anyio
import pytest
from children import nothing_left

from specter import EventBus, Model, Runtime, Service
from specter._process_watchdog import watchdog
from specter.testing import isolated


@pytest.fixture(autouse=True)
def own_bus_and_registry() -> Iterator[None]:
    """A bus and a registry of the test's own."""
    with isolated():
        yield


@pytest.fixture
async def runtime() -> AsyncIterator[Runtime]:
    """An open runtime, which is closed after the test."""
    async with Runtime() as runtime:
        yield runtime


@pytest.fixture
async def service(runtime: Runtime) -> Service:
    """A service that runs."""
    return await Service("svc").start()


@pytest.fixture(scope="module")
def warm() -> None:
    """What stays open as long as this process lives: the watchdog's pipe, and one of uvloop."""
    watchdog.forget(watchdog.begin("warm"))
    anyio.run(anyio.sleep, 0, backend_options={"use_uvloop": True})


@pytest.fixture
def no_child_left(warm: None) -> Iterator[None]:
    """The test fails if it leaves a child or an open file behind."""
    with nothing_left():
        yield


@pytest.fixture
def heard() -> list[object]:
    """For a test to note what its subscribers hear."""
    return []


@pytest.fixture
def model() -> Model:
    """A model of some depth."""
    return Model("m", {"a": {"b": 1, "c": {"d": 2}}, "list": [1, {"x": 2}], "n": None})


@pytest.fixture
def events() -> EventBus:
    """A bus that nobody listens to."""
    return EventBus()
