"""The ingress and its server: what is bound, and what clients see."""

from types import SimpleNamespace

import flask_socketio
from flask import Flask, request
from flask_socketio import SocketIO
from observing import dies, differs

from specter import SocketIngress


def _served():
    app = Flask("app")
    server = SocketIO(app, async_mode="threading")
    return SocketIngress(server), lambda **options: server.test_client(app, **options)


class _Fake:
    """A server that writes down what is bound."""

    def __init__(self):
        self.bound = {}

    def on_event(self, event, fn):
        self.bound[event] = fn

    def on_error_default(self, fn):
        self.bound["error"] = fn


def one_dispatcher_is_bound_for_each_event():
    server = _Fake()
    ingress = SocketIngress(server)
    for event in ("said", "said", "asked"):
        ingress.subscribe(event, lambda data: data)

    return {event: (fn.__name__, fn(5)) for event, fn in server.bound.items()}, ingress.socketio is server


def attach_binds_what_was_subscribed_before():
    server, log = _Fake(), []
    ingress = SocketIngress()
    ingress.subscribe("said", log.append)
    ingress.subscribe_error_default(log.append)
    chained = ingress.attach(server) is ingress
    names = {event: fn.__name__ for event, fn in server.bound.items()}
    server.bound["said"]("event")
    server.bound["error"]("error")

    return chained, names, log, ingress.socketio is server


def a_dispatcher_stays_bound_when_the_last_one_leaves():
    server, log = _Fake(), []
    ingress = SocketIngress(server)
    ingress.subscribe("said", log.append)()
    first = server.bound["said"]
    nothing = first("lost")
    ingress.subscribe("said", log.append)
    server.bound["said"]("heard")

    return nothing, log, server.bound["said"] is first


def clear_takes_all_away():
    server, log = _Fake(), []
    ingress = SocketIngress(server)
    ingress.subscribe("said", log.append)
    ingress.subscribe_error_default(log.append)
    gives = ingress.clear()
    dispatcher = server.bound["said"]
    dispatcher(1)
    ingress.dispatch("said", 2)
    ingress.dispatch_default_error(3)

    return gives, log, ingress.socketio


def clients_are_answered():
    ingress, client = _served()
    ingress.subscribe("asked", lambda data: {"answer": data})
    ingress.subscribe("pair", lambda a, b: a + b)
    one = client()

    return one.emit("asked", 5, callback=True), one.emit("pair", 1, 2, callback=True), one.is_connected()


def the_request_is_that_of_the_client():
    seen = []
    ingress, client = _served()
    ingress.subscribe("said", lambda data: seen.append(request.sid))
    one, two = client(), client()
    one.emit("said", 1)
    two.emit("said", 2)

    return len(set(seen)), request.sid if request else None


def connect_and_disconnect_are_events():
    log = []
    ingress, client = _served()
    ingress.subscribe("connect", lambda auth=None: log.append(("connect", auth)))
    ingress.subscribe("disconnect", lambda *args: log.append("disconnect"))
    one = client(auth={"token": 1})
    connected = one.is_connected()
    one.disconnect()

    return connected, log


def false_refuses_a_connection():
    ingress, client = _served()
    ingress.subscribe("connect", lambda auth=None: False)

    return client().is_connected()


@differs(
    "A subscriber to `connect` that raises lets the client in.",
    ours=[False, False, False],
)
def an_error_refuses_a_connection():
    def connected(error):
        ingress, client = _served()

        def refuses(auth=None):
            raise error

        ingress.subscribe("connect", refuses)
        return client().is_connected()

    errors = ConnectionRefusedError("no"), flask_socketio.ConnectionRefusedError("no"), ValueError("no")

    return [connected(error) for error in errors]


@differs("`False` from one subscriber to `connect` is overridden by a later `True`.", ours=[False, False])
def no_later_answer_lets_a_refused_client_in():
    def connected(*answers):
        ingress, client = _served()
        for answer in answers:
            ingress.subscribe("connect", lambda auth=None, answer=answer: answer)
        return client().is_connected()

    return connected(False, True), connected(True, False, "welcome")


@differs(
    "Subscribers with fewer parameters than a client sends values, decorated ones too, fail each time.",
    ours=["connect", "said"],
)
def subscribers_without_parameters():
    log = []
    ingress, client = _served()
    ingress.subscribe("connect", lambda: log.append("connect"))
    ingress.subscribe("said", lambda: log.append("said"))
    one = client()
    one.emit("said", 1)

    return log


@differs("Errors of subscribers never reach the subscribers for errors.", ours=["no"])
def errors_reach_the_subscribers_for_errors():
    told = []
    ingress, client = _served()
    ingress.on_error_default(lambda error: told.append(str(error)))
    ingress.subscribe("said", dies("no"))
    client().emit("said", 1)

    return told


def a_server_is_only_asked_to_bind():
    bound = []
    server = SimpleNamespace(on_event=lambda event, fn: bound.append(event))
    SocketIngress(server).subscribe("said", print)

    return bound
