"""What is logged, with the names of the loggers, the levels and the texts: tests of applications look at it."""

import logging
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from flask import Flask
from flask_socketio import SocketIO
from observing import Part, dies, resource, soon

from specter import (
    Cache,
    Controller,
    EventBus,
    Handler,
    ManagedProcess,
    Model,
    Operation,
    QueueService,
    ServiceManager,
    SocketIngress,
    SPECTERRegistry,
    Store,
    Watcher,
    boot,
    bus,
    registry,
)  # fmt: skip


@contextmanager
def _logged() -> Iterator[list[str]]:
    """``LEVEL:logger:text`` of all that is logged, as `assertLogs` has it."""
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.levelname}:{record.name}:{record.getMessage()}")

    logger, kept = logging.getLogger("specter"), Kept()
    logger.addHandler(kept)
    logger.setLevel(logging.DEBUG)
    yield lines
    logger.removeHandler(kept)


def _server() -> tuple[Flask, SocketIO]:
    app = Flask("app")
    return app, SocketIO(app, async_mode="threading")


class Chat(Handler):
    name = "chat"
    events = {"said": "on_said", "missing": "on_missing", "no function": "name"}

    def on_said(self, *data: Any) -> None:
        """Do nothing."""


def a_service():
    with _logged() as lines:
        Part("a").start().start().stop().stop()
        part = Part("b", stop=dies("no")).start()
        part.adopt(Part("child", stop=dies("no")))
        part.add_cleanup(dies("no"))
        part._bus_unsubs.append(dies("no"))
        part.watch(dies("first"))
        part.set_state({"a": 1})
        part.stop()
    return lines


def a_service_that_does_not_start():
    with _logged() as lines:
        try:
            Part("a", start=dies("no")).start()
        except ValueError:
            return lines


def what_a_service_runs():
    part = Part("a").start()
    ids = []
    with _logged() as lines:
        part.spawn(dies("no")).join()
        part.spawn(dies("no"), label="labelled").join()
        part.spawn_later(0, dies("no")).join()
        ids += [part.timeout(dies("no"), 0), part.interval(dies("no"), 0.001)]
        soon(lambda: len(lines) > 4)
    part.stop()
    return [line.replace(ids[0], "id").replace(ids[1], "id") for line in lines[:5]]


def a_bus():
    own = EventBus()
    own.on("a", dies("no"))
    with _logged() as lines:
        own.emit("a")
    return lines


def a_registry():
    own, part = SPECTERRegistry(), Part("a").start()
    with _logged() as lines:
        own.provide(" a ", 1)
        own.provide("a", 2, replace=True, owner=part)
        own.provide("b", 1, owner=part)
        own.unregister("a")
        own.unregister("missing")
        part.stop()
        own.clear()
    return lines


def states():
    with _logged() as lines:
        for state in (Store("s"), Model("m")):
            state.subscribe(dies("no"), immediate=True)
            state.subscribe(lambda state, of: None, immediate=True)
            state.set(*[{"a": 1}] if isinstance(state, Store) else ["a", 1])
            state.watch(dies("again"))
            state.destroy()
    return lines


def a_cache():
    with _logged() as lines:
        cache = Cache("c", depends_on=["a"])
        cache.on_invalidate(dies("no"))
        cache.set(1)
        bus.emit("a")
        cache.invalidate()
        cache.destroy()
    return lines


def an_item_of_a_queue():
    class Queue(QueueService):
        def handle_item(self, item: Any) -> Any:
            raise ValueError(item)

    queue = Queue("q").start()
    with _logged() as lines:
        queue.enqueue("no")
        soon(lambda: lines)
    queue.stop()
    return lines


def an_operation():
    class Fails(Operation):
        def perform(self) -> Any:
            raise ValueError("no")

    with _logged() as lines:
        Fails(logger_instance=logging.getLogger("specter.mine")).run()
    return lines


def a_watcher():
    with _logged() as lines:
        watcher = Watcher("w", poll=lambda: 1)
        watcher.subscribe(dies("no"))
        watcher.start().start()
        soon(lambda: watcher.last_value)
        watcher.stop().stop()
    return lines


def a_watcher_that_tries_again():
    with _logged() as lines:
        watcher = Watcher("w", poll=dies("no")).start()
        soon(lambda: len(lines) == 3)
        watcher.stop()
    # How long is up to chance here.
    return [line[:-4] if "retrying in " in line else line for line in lines], "0.7s" <= lines[2][-4:] <= "1.0s"


def a_watcher_that_gives_up():
    with _logged() as lines:
        watcher = Watcher("w", stream=dies("no"), retry=False).start()
        soon(lambda: not watcher.running)
        watcher.stop()
    return lines


def a_watcher_whose_source_fails_at_its_stop():
    polled = []

    def poll():
        polled.append(1)
        soon(lambda: not watcher.running)
        raise ValueError("closed")

    with _logged() as lines:
        watcher = Watcher("w", poll=poll).start()
        soon(lambda: polled)
        watcher.stop()
    return [line for line in lines if not line.startswith("DEBUG") or "error" not in line], watcher._error_count


def a_handler():
    app, server = _server()
    with _logged() as lines:
        handler = Chat()
        handler.on_setup = lambda: logging.getLogger("specter").info("on_setup")
        handler.add_cleanup(dies("no"))
        handler.setup(server)
        handler.teardown()
    return lines


def a_handler_that_is_named_late():
    app, server = _server()
    with _logged() as lines:
        handler = Handler()
        handler.name = "it's late"
        handler.add_cleanup(dies("no"))
        handler.setup(server).teardown()
    return lines


def a_handler_whose_hooks_fail():
    app, server = _server()
    with _logged() as lines:
        handler = Chat()
        handler.on_setup = handler.on_teardown = dies("no")
        handler.setup(server).teardown()
    return lines


def a_handler_of_a_controller():
    class Site(Controller):
        def build_events(self, handler: Any) -> None:
            handler.on("said", len)

    app, server = _server()
    with _logged() as lines:
        site = Site("site").start()
        handler = site.create_handler()
        handler.on_setup = dies("no")
        site.build_handler(server)
        site.stop()
        site._handler_instance = mock.Mock(**{"teardown.side_effect": ValueError("no")})
        site.stop()
    return lines


def an_ingress():
    app, server = _server()
    part = Part("a").start()
    with _logged() as lines:
        ingress = SocketIngress()
        ended = ingress.subscribe(" said ", dies("no"), owner=part)
        ingress.subscribe("other", len, priority=5)
        ingress.subscribe_error_default(dies("none"))
        ingress.attach(server)
        ingress.dispatch("said", 1)
        ingress.unsubscribe("other", len)
        ingress.unsubscribe("other", len)
        ended()
        ended()
        ingress.on("said", print)
        ingress.unsubscribe("said", print)
        ingress.on_error_default(len, owner=part, priority=1)
        part.stop()
        ingress.clear()
    # The error subscribers hear of errors here.
    return [line for line in lines if "default error subscriber failed" not in line]


def an_ingress_of_which_an_error_subscriber_fails():
    ingress = SocketIngress()
    ingress.subscribe_error_default(dies("no"))
    with _logged() as lines:
        ingress.dispatch_default_error(ValueError("other"))
    return lines


def an_application():
    app, server = _server()

    class Site(Controller):
        name = "site"

        def build_events(self, handler: Any) -> None:
            handler.on("asked", len)

    with _logged() as lines:
        manager = boot(app, server, services=[Part("a"), Part("b")], handlers=[Chat()], controllers=[Site()])
        manager.boot()
        manager.register_service(Part("late"))
        registry.provide("more", 1)
        manager.shutdown()
        manager.shutdown()
    return lines


def an_application_whose_parts_fail():
    app, server = _server()
    failing = resource()
    failing.name, failing.setup, failing.teardown = "failing", dies("no setup"), dies("no teardown")
    with _logged() as lines:
        manager = boot(app, server, services=[Part("a", start=dies("no")), stops := Part("b")], handlers=[failing])
        stops.stop = dies("no stop")
        manager.shutdown()
    return lines


def a_manager_alone():
    with _logged() as lines:
        ServiceManager().boot().shutdown()
    return lines


def a_process():
    process = ManagedProcess("p")
    with _logged() as lines:
        process.start(["sh", "-c", "echo one; echo two >&2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.watch_stream("stdout", dies("no"))
        soon(lambda: lines)
        process.watch_stream("stderr", dies("no"), label="labelled")
        soon(lambda: len(lines) == 2)
        process.stop()
    return lines


def a_process_that_does_not_end():
    process = ManagedProcess("p", terminate_timeout=0.02)
    with _logged() as lines:
        for timeout in (None, 0.05):
            process.start(["sh", "-c", "trap '' TERM; echo; while :; do sleep 0.05; done"], stdout=subprocess.PIPE)
            process.process.stdout.readline()
            process.stop(timeout=timeout)
    return lines


def a_process_that_cannot_be_terminated():
    popen = mock.MagicMock(stdout=None, stderr=None, pid=2**30)
    popen.poll.return_value = None
    popen.terminate.side_effect = OSError("no")
    popen.wait.return_value = 0
    with mock.patch("specter.core.process.subprocess.Popen", return_value=popen), _logged() as lines:
        process = ManagedProcess("p")
        process.start(["program"])
        process.stop()
    return lines
