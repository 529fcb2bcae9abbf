"""Tests of applications put fakes in the place of the loggers of modules, to silence them or to look what they hear."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

from flask import Flask
from flask_socketio import SocketIO
from observing import Part, dies, soon

from specter import (
    Cache,
    Controller,
    EventBus,
    Handler,
    ManagedProcess,
    Model,
    QueueService,
    ServiceManager,
    SocketIngress,
    Store,
    Watcher,
    boot,
    bus,
)  # fmt: skip

MODULES = (
    "bus", "cache", "controller", "handler", "lifecycle", "manager", "model", "operation", "process", "queue_service",
    "registry", "schema", "socket_ingress", "store", "watcher",
)  # fmt: skip
TROUBLE = ("warning", "error", "exception", "critical")


@contextmanager
def _heard(*more: str) -> Iterator[list[str]]:
    """What fakes in the place of all loggers hear of trouble, and by the methods in *more*."""
    heard: list[str] = []

    def fake(module: str) -> Any:
        def method(name: str) -> Any:
            return lambda *args, **kwargs: heard.append(f"{module}.{name}") if name in TROUBLE + more else None

        return SimpleNamespace(**{name: method(name) for name in ("debug", "info", *TROUBLE)})

    with ExitStack() as stack:
        for module in MODULES:
            stack.enter_context(mock.patch(f"specter.core.{module}.logger", fake(module)))
        yield heard


def _fails(**methods: str) -> Any:
    """An object whose methods of these names fail."""
    return SimpleNamespace(name="fails", **{name: dies(reason) for name, reason in methods.items()})


def a_service_starts_and_stops():
    with _heard("info") as heard:
        Part().start().stop()
    return heard


def hooks_of_a_service_fail():
    with _heard() as heard:
        try:
            Part(start=dies("no")).start()
        except ValueError:
            heard.append("raised")
        Part(stop=dies("no")).start().stop()
    return heard


def what_a_service_runs_fails():
    with _heard() as heard:
        part = Part().start()
        part.spawn(dies("no"))
        soon(lambda: len(heard) == 1)
        part.spawn_later(0, dies("no"))
        soon(lambda: len(heard) == 2)
        part.timeout(dies("no"), 0)
        soon(lambda: len(heard) == 3)
        part.interval(dies("no"), 0.001)
        soon(lambda: len(heard) >= 4)
        part.stop()
    return heard[:4]


def subscribers_of_a_service_fail():
    with _heard() as heard:
        part = Part().start()
        part.watch(dies("no"))
        part.set_state({"a": 1})
        part.stop()
    return heard


def steps_of_a_stop_fail():
    with _heard() as heard:
        part = Part().start()
        part._bus_unsubs.append(dies("no"))
        part.adopt(child := Part("child"))
        child.stop = dies("no")
        part.add_cleanup(dies("no"))
        part.stop()
    return heard


def listeners_fail():
    with _heard() as heard:
        own = EventBus()
        own.on("a", dies("no"))
        own.emit("a")
        bus.on("b", dies("no"))
        bus.emit("b")
    return heard


def subscribers_of_states_fail():
    with _heard() as heard:
        for state in (Store("s"), Model("m")):
            state.subscribe(dies("no"), immediate=True)
            state.set(*[{"a": 1}] if isinstance(state, Store) else ["a", 1])
    return heard


def a_subclass_of_a_store_is_heard_where_a_store_is():
    class Own(Store):
        pass

    with _heard("debug") as heard:
        own = Own("own")
        own.subscribe(dies("no"))
        own.set({"a": 1})
        own.destroy()
    return heard


def a_cache_is_invalidated():
    with _heard("info", "debug") as heard:
        cache = Cache("c")
        cache.on_invalidate(dies("no"))
        cache.set(1)
        cache.invalidate()
        cache.destroy()
    return heard


def an_item_of_a_queue_fails():
    class Queue(QueueService):
        def process_item(self, item: Any) -> Any:
            raise ValueError("no")

    with _heard() as heard:
        queue = Queue("q").start()
        queue.enqueue(1)
        soon(lambda: heard)
        queue.stop()
    return heard


def a_watcher_tries_again():
    with _heard("info") as heard:
        watcher = Watcher("w", poll=dies("no")).start()
        soon(lambda: len(heard) == 2)
        watcher.stop()
    return heard


def a_watcher_gives_up():
    with _heard("info") as heard:
        watcher = Watcher("w", poll=dies("no"), retry=False).start()
        soon(lambda: not watcher.running)
    return heard


def a_subscriber_of_a_watcher_fails():
    with _heard() as heard:
        watcher = Watcher("w", poll=lambda: 1)
        watcher.subscribe(dies("no"))
        watcher.start()
        soon(lambda: heard)
        watcher.stop()
    return heard


def a_handler_fails():
    class Fails(Handler):
        name = "fails"
        events = {"missing": "on_missing"}
        on_setup = on_teardown = dies("no")

    with _heard("info") as heard:
        handler = Fails()
        handler.add_cleanup(dies("no"))
        handler.setup(SocketIO(Flask("app"), async_mode="threading"))
        handler.teardown()
    return sorted(heard)


def a_handler_of_a_controller_is_set_up():
    with _heard("info", "debug") as heard:
        controller = Controller("c")
        handler = controller.create_handler()
        handler.on_setup = dies("no")
        handler.setup(SocketIO(Flask("app"), async_mode="threading"))
    return sorted(heard)


def a_teardown_in_a_controller_fails():
    with _heard() as heard:
        controller = Controller("c").start()
        controller._handler_instance = _fails(teardown="no")
        controller.stop()
    return heard


def socket_subscribers_fail():
    with _heard() as heard:
        ingress = SocketIngress()
        ingress.subscribe("a", dies("no"))
        ingress.dispatch("a")
        ingress.clear()
        ingress.subscribe_error_default(dies("no"))
        ingress.dispatch_default_error(ValueError("no"))
    return heard


def parts_of_an_application_fail():
    app = Flask("app")
    with _heard() as heard:
        manager = boot(
            app,
            SocketIO(app, async_mode="threading"),
            services=[Part("a", start=dies("no")), stops := Part("b")],
            handlers=[_fails(setup="no", teardown="no")],
        )
        stops.stop = dies("no")
        manager.shutdown()
    return heard


def an_application_is_booted_and_shut_down():
    with mock.patch("specter.core.manager.logger") as logger:
        manager = ServiceManager()
        manager.register_service(Part("a"))
        manager.boot()
        booted = logger.info.call_count
        manager.shutdown()
    return booted, logger.error.called, logger.warning.called


def a_handler_of_a_process_fails():
    with _heard() as heard:
        process = ManagedProcess("p")
        process.start(["echo", "line"], stdout=subprocess.PIPE)
        process.watch_stream("stdout", dies("no"))
        soon(lambda: heard)
        process.stop()
    return heard


def a_process_that_does_not_end_is_killed():
    popen = mock.MagicMock(stdout=None, stderr=None, pid=2**30)
    popen.poll.return_value = None
    popen.wait.side_effect = [subprocess.TimeoutExpired("program", 1), -9]
    with mock.patch("specter.core.process.subprocess.Popen", return_value=popen), _heard() as heard:
        process = ManagedProcess("p")
        process.start(["program"])
        process.stop(timeout=0.01)
    return heard


def a_process_cannot_be_terminated():
    popen = mock.MagicMock(stdout=None, stderr=None, pid=2**30)
    popen.poll.return_value = None
    popen.terminate.side_effect = OSError("no")
    with mock.patch("specter.core.process.subprocess.Popen", return_value=popen), _heard() as heard:
        process = ManagedProcess("p")
        process.start(["program"])
        process.stop(timeout=0.01)
    return heard
