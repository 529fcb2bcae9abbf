"""
A fake in the place of a module's `logger` hears what goes wrong there, as with 0.1.1.

That it is the same there and here is compared by the scenarios in ``differential/scenarios/fakes_loggers.py``.
"""

import contextlib
import importlib
import io
import logging
from types import SimpleNamespace
from unittest import mock

import pytest
from flask import Flask
from flask_socketio import SocketIO
from gevent.queue import Queue

from specter._backend import OLD_PATHS
from specter_gevent import (
    Cache,
    Controller,
    EventBus,
    Handler,
    ManagedProcess,
    Model,
    Operation,
    QueueService,
    Service,
    ServiceManager,
    SocketIngress,
    Store,
    Watcher,
)  # fmt: skip
from specter_gevent.testing import eventually

# Those that have none in 0.1.1.
WITHOUT = {"boot", "core", "router", "http", "core.outcome", "core.ownership"}
PATHS = sorted(OLD_PATHS.keys() - WITHOUT)


def fail(*args, **kwargs):
    raise ValueError("no")


def failing(kind, *hooks):
    """A part of a kind, of which these methods fail."""
    part = type("Failing", (kind,), dict.fromkeys(hooks, fail))
    return part("failing") if issubclass(kind, Service) else part()


def served(handler):
    return handler.setup(SocketIO(Flask("app"), async_mode="threading"))


def started():
    with contextlib.suppress(ValueError):
        failing(Service, "on_start").start()


def stopped():
    service = Service("a").start()
    service._bus_unsubs.append(fail)
    service.stop()


def listened():
    bus = EventBus()
    bus.on("a", fail)
    bus.emit("a")


def changed(state, *change):
    state.subscribe(fail)
    state.set(*change)


def invalidated():
    cache = Cache("c")
    cache.on_invalidate(fail)
    cache.invalidate()


def controlled():
    controller = Controller("c").start()
    controller._handler_instance = SimpleNamespace(teardown=fail)
    controller.stop()


def booted():
    manager = ServiceManager()
    manager.register_service(failing(Service, "on_start"))
    with mock.patch("specter_gevent.service.logger"):
        manager.boot().shutdown()


def queued():
    service = failing(QueueService, "process_item").start()
    service.enqueue(1)
    service.queue.join()
    service.stop()


def watched():
    watcher = Watcher("w", poll=fail, retry=False).start()
    eventually(lambda: not watcher.running)


def read():
    popen = mock.MagicMock(stdout=io.StringIO("line\n"), stderr=None, pid=2**30)
    popen.poll.return_value = 0
    with mock.patch("specter_gevent.process.subprocess.Popen", return_value=popen):
        process = ManagedProcess("p")
        process.start(["program"])
        process.watch_stream("stdout", fail)
        process.stop()


def dispatched():
    ingress = SocketIngress()
    ingress.subscribe("a", fail)
    ingress.dispatch("a")


def terminated():
    popen = mock.MagicMock(stdout=None, stderr=None, pid=2**30)
    popen.poll.return_value = None
    popen.terminate.side_effect = OSError
    with mock.patch("specter_gevent.process.subprocess.Popen", return_value=popen):
        process = ManagedProcess("p")
        process.start(["program"])
        process.stop()


def timed():
    calls = Queue()
    service = Service("a").start()
    service.timeout(lambda: calls.put(1) or fail(), 0)
    calls.get(timeout=5)
    service.stop()


def spawned():
    service = Service("a").start()
    service.spawn(fail).join()
    service.stop()


def cleaned():
    handler = served(Handler())
    handler.add_cleanup(fail)
    handler.teardown()


CASES = {
    "service, its start": ("service", "error", started),
    "service, a task": ("service", "error", spawned),
    "service, a timer": ("service", "error", timed),
    "service, its stop": ("service", "warning", stopped),
    "bus": ("event_bus", "error", listened),
    "store": ("store", "warning", lambda: changed(Store("s"), {"a": 1})),
    "model": ("model", "warning", lambda: changed(Model("m"), "a", 1)),
    "cache": ("cache", "error", invalidated),
    "controller": ("controller", "warning", controlled),
    "handler, its setup": ("handler", "error", lambda: served(failing(Handler, "on_setup"))),
    "handler, a cleanup": ("handler", "warning", cleaned),
    "manager": ("manager", "error", booted),
    "queue": ("queue_service", "error", queued),
    "watcher": ("watcher", "warning", watched),
    "process, a reader": ("process", "error", read),
    "process, its end": ("process", "warning", terminated),
    "ingress": ("socket_ingress", "error", dispatched),
}


@pytest.mark.parametrize(("module", "method", "act"), CASES.values(), ids=CASES)
def test_a_fake_logger_hears_what_fails(module, method, act, caplog):
    with mock.patch(f"specter_gevent.{module}.logger", autospec=True) as logger:
        act()

    told = getattr(logger, method)
    told.assert_called_once()
    assert told.call_args.kwargs["exc_info"]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("path", PATHS)
def test_each_module_of_old_has_its_logger(path):
    module = importlib.import_module(OLD_PATHS[path])

    assert module.logger is logging.getLogger(f"specter.{path}")


def test_a_fake_logger_needs_no_more_than_the_methods_that_log():
    lines = []
    with mock.patch(
        "specter_gevent.service.logger", SimpleNamespace(info=lambda text, *args: lines.append(text % args))
    ):
        Service("a").start().stop()

    assert [line.removeprefix("[SPECTER] Service ") for line in lines] == [
        "'a' starting", "'a' started", "'a' stopping", "'a' stopped",
    ]  # fmt: skip


def test_an_operation_without_a_logger_of_its_own_logs_by_its_module(caplog):
    class Fails(Operation):
        def perform(self):
            fail()

    with mock.patch("specter_gevent.operation.logger") as logger:
        Fails().run()

    assert caplog.records[0].name == __name__
    logger.error.assert_not_called()
