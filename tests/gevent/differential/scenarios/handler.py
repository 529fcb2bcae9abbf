"""Socket handlers, on a Flask-SocketIO server."""

import gevent
from flask import Flask
from flask_socketio import SocketIO
from observing import dies, differs, raised, resource

from specter import Handler, SocketIngress, registry


def _server():
    app = Flask("app")
    server = SocketIO(app, async_mode="threading")
    return server, lambda: server.test_client(app)


class _Chat(Handler):
    name = "chat"
    events = {"said": "on_said", "asked": "on_asked"}

    def __init__(self):
        super().__init__()
        self.log = []

    def on_said(self, data=None):
        self.log.append(data)

    def on_asked(self, data):
        return {"answer": data}

    def on_setup(self):
        self.log.append("on_setup")

    def on_teardown(self):
        self.log.append("on_teardown")


def a_new_handler():
    handler = Handler()

    return handler.name, handler.events, handler.registered, handler.socketio, handler._registered_handlers


def setup_gives_the_handler_and_runs_once():
    server, _ = _server()
    chat = _Chat()
    chained = chat.setup(server) is chat, chat.setup(server) is chat
    names = [event for event, _ in chat._registered_handlers]

    return (
        chained,
        chat.registered,
        chat.socketio is server,
        names,
        chat._registered_handlers[0][1] == chat.on_said,
        chat.log,
    )


def a_clients_event_arrives():
    server, client = _server()
    chat = _Chat().setup(server)
    one = client()
    one.emit("said", {"a": 1})
    one.emit("said")
    answer = one.emit("asked", 5, callback=True)

    return chat.log, answer


def events_go_through_an_ingress_where_there_is_one():
    server, client = _server()
    ingress = registry.provide("socket_ingress", SocketIngress(server))
    chat = _Chat().setup(server)
    one = client()
    one.emit("said", 1)
    answer = one.emit("asked", 5, callback=True)
    chat.teardown()
    one.emit("said", 2)

    return chat.log, answer, ingress.dispatch("said", 3)


@differs(
    "Without an ingress events still arrive at a handler after its teardown.",
    ours=["on_setup", "before", "on_teardown"],
)
def events_after_the_teardown():
    server, client = _server()
    chat = _Chat().setup(server)
    one = client()
    one.emit("said", "before")
    chat.teardown()
    one.emit("said", "after")

    return chat.log


def teardown_gives_the_handler_and_runs_once():
    server, _ = _server()
    chat = _Chat()
    before = chat.teardown() is chat, list(chat.log)
    chat.setup(server)
    chained = chat.teardown() is chat, chat.stop() is chat

    return before, chained, chat.registered, chat.socketio, chat._registered_handlers, chat.log


def a_handler_can_be_set_up_again():
    server, client = _server()
    registry.provide("socket_ingress", SocketIngress(server))
    chat = _Chat().setup(server).teardown().setup(server)
    client().emit("said", "again")

    return chat.log, chat.registered


def methods_that_are_missing_are_stepped_over():
    class Half(_Chat):
        events = {"missing": "on_missing", "text": "name", "said": "on_said"}

    server, client = _server()
    half = Half().setup(server)
    client().emit("said", 1)

    return half.registered, [event for event, _ in half._registered_handlers], half.log


def priorities_order_handlers():
    log = []

    def handler(of, priority):
        class Ordered(Handler):
            name = of
            events = {"said": "on_said"}
            event_priorities = {"said": priority} if priority else {}

            def on_said(self, data):
                log.append(self.name)

        return Ordered()

    server, client = _server()
    registry.provide("socket_ingress", SocketIngress(server))
    for of, priority in (("default", None), ("late", 200), ("early", 1), ("default too", 100)):
        handler(of, priority).setup(server)
    client().emit("said", 1)

    return log


def a_failing_on_setup_leaves_it_set_up():
    class Fails(_Chat):
        def on_setup(self):
            raise ValueError("no")

    server, client = _server()
    fails = Fails()
    chained = fails.setup(server) is fails
    client().emit("said", 1)

    return chained, fails.registered, fails.log


def a_failing_on_teardown_is_stepped_over():
    class Fails(_Chat):
        def on_teardown(self):
            raise ValueError("no")

    server, _ = _server()
    fails = Fails().setup(server)
    fails.add_cleanup(lambda: fails.log.append("cleanup"))

    return fails.teardown() is fails, fails.registered, fails.log


def cleanups_run_last_first():
    server, _ = _server()
    chat = _Chat().setup(server)
    owned = resource("close", log=chat.log)
    chained = chat.add_cleanup(lambda: chat.log.append("first")) is chat
    same = chat.own(owned) is owned
    chat.add_cleanup(dies("no")).add_cleanup(None).add_cleanup(lambda: chat.log.append("last"))
    chat.teardown()
    chat.setup(server).teardown()

    return chained, same, chat.own(None), chat.log, raised(chat.own, 5)


def the_server_is_there_in_the_hooks():
    seen = []

    class Looks(Handler):
        def on_setup(self):
            seen.append((self.registered, self.socketio is server))

        def on_teardown(self):
            seen.append((self.registered, self.socketio is server))

    server, _ = _server()
    Looks().setup(server).teardown()

    return seen


def the_registry_is_at_hand():
    registry.provide("a", 1)
    handler = Handler()

    return handler.require("a"), handler.resolve("a"), handler.resolve("b"), raised(handler.require, "b")


def an_error_of_a_method_with_an_ingress_stays_there():
    class Fails(_Chat):
        def on_said(self, data=None):
            raise ValueError("no")

    server, client = _server()
    registry.provide("socket_ingress", SocketIngress(server))
    fails = Fails().setup(server)
    one = client()
    one.emit("said", 1)

    return one.emit("asked", 5, callback=True), fails.registered


@differs("Two teardowns of a handler at once run `on_teardown` twice.", ours=1)
def two_teardowns_at_once():
    class Slow(_Chat):
        def on_teardown(self):
            self.log.append("on_teardown")
            gevent.sleep(0.01)

    server, _ = _server()
    slow = Slow().setup(server)
    gevent.joinall([gevent.spawn(slow.teardown), gevent.spawn(slow.teardown)])

    return slow.log.count("on_teardown")
