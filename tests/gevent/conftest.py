"""
Fixtures of the gevent tests.

They are plain functions that run on the hub of pytest's own thread: not patched, shared by all of them, and beside the
event loops of the asyncio tests. What needs a patched process has one of its own: `greenlets.patched`.
"""

import traceback

import gevent
import pytest

from specter_gevent.testing import isolated


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
