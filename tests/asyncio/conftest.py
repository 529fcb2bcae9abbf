"""Tests of what asyncio and trio have."""

from collections.abc import AsyncIterator, Iterator

import pytest

from specter import Runtime, Service
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
