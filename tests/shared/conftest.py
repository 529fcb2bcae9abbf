"""Each test of this folder runs on asyncio, on trio and on gevent, from one body."""

from importlib import import_module

import pytest


@pytest.fixture
def twin(specter_backend):
    """The runtime under the test, with a bus and a registry of its own."""
    return specter_backend


@pytest.fixture
def testing(twin):
    """The harness of that runtime."""
    return import_module(f"{twin.package.__name__}.testing")


@pytest.fixture
def part(twin):
    """The class of a service that writes down what happens to it."""

    class Part(twin.Service):
        def __init__(self, name="part", log=None, start=None, stop=None):
            super().__init__(name)
            self.log = [] if log is None else log
            self.start_hook, self.stop_hook = start, stop

        @twin.waits
        async def on_start(self):
            self.log.append(f"{self.name} starts")
            if self.start_hook is not None:
                await self.start_hook()

        @twin.waits
        async def on_stop(self):
            self.log.append(f"{self.name} stops")
            if self.stop_hook is not None:
                await self.stop_hook()

    return Part
