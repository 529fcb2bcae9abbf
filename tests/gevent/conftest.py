"""
Fixtures of the gevent tests.

They are plain functions that run on the hub of pytest's own thread: not patched, shared by all of them, and beside the
event loops of the asyncio tests. What needs a patched process has one of its own: `greenlets.patched`.
"""

import traceback

import gevent
import pytest
from children import nothing_left
from ingress_gevent import Site

from specter_gevent import EventBus, Service, start_process
from specter_gevent.manager import booted_managers
from specter_gevent.testing import eventually, isolated, virtual_time


@pytest.fixture(autouse=True)
def own_bus_and_registry():
    """A bus and a registry of the test's own."""
    with isolated():
        yield


@pytest.fixture(autouse=True)
def hub_errors(monkeypatch):
    """
    What no greenlet has caught, as text; the test fails unless it takes them out of the list.

    gevent prints them and goes on, so that nobody would see them.
    """
    errors = []
    hub = gevent.get_hub()

    def keep(context, kind, value, trace):
        if not issubclass(kind, hub.NOT_ERROR):
            errors.append("".join(traceback.format_exception(kind, value, trace)))

    monkeypatch.setattr(hub, "handle_error", keep, raising=False)
    yield errors
    assert not errors, "\n".join(errors)


@pytest.fixture
def clock():
    """Time that stands still until the test moves it."""
    with virtual_time() as clock:
        yield clock


@pytest.fixture
def service():
    """A service that runs, and is stopped after the test."""
    with Service("a") as service:
        yield service


@pytest.fixture
def shut_down():
    """What a test leaves booted."""
    yield
    for manager in booted_managers():
        manager.shutdown()


@pytest.fixture(scope="module")
def warm():
    """What stays open as long as this process lives: the watchdog's pipe, and the hub's files."""
    with start_process("warm", ["true"]) as process:
        process.wait()


@pytest.fixture
def no_child_left(warm):
    """The test fails if it leaves a child or an open file behind."""
    with nothing_left() as left:
        yield
        # Who minds a child hears of its end at the next turn of the hub.
        eventually(lambda: not left())


@pytest.fixture
def events():
    """A bus that nobody listens to."""
    return EventBus()


@pytest.fixture
def site():
    """An application with an ingress."""
    return Site()
