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
