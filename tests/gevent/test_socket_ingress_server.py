"""An ingress and its server: who may connect, and what is bound."""

import flask_socketio
import gevent
import pytest
from flask import Flask
from flask_socketio import SocketIO
from greenlets import ended
from ingress_gevent import fails, passed_on

from specter_gevent.socket_ingress import SocketIngress

# The connection.


def test_auth_is_the_value_of_connect(site):
    seen = []
    site.ingress.subscribe("connect", seen.append)
    site.ingress.subscribe("connect", lambda: seen.append("no parameter"))
    site.ingress.subscribe("disconnect", lambda: seen.append("bye"))
    client = site.client(auth={"token": 1})
    client.disconnect()
    site.client()

    assert seen == [{"token": 1}, "no parameter", "bye", None, "no parameter"]


@pytest.mark.parametrize(
    "refusal",
    [
        lambda: False,
        fails,
        lambda a, b, c: True,
        passed_on(fails),
        lambda: (_ for _ in ()).throw(ConnectionRefusedError("why")),
        lambda: (_ for _ in ()).throw(flask_socketio.ConnectionRefusedError("why")),
        lambda: (_ for _ in ()).throw(gevent.Timeout(1)),
    ],
    ids=["false", "error", "signature", "decorated", "built-in", "flask-socketio", "timeout"],
)
@pytest.mark.parametrize("later", [True, None, "welcome"])
def test_connect_fails_closed_whatever_comes_later(site, refusal, later):
    site.ingress.subscribe("connect", refusal)
    site.ingress.subscribe("connect", lambda: later)
    client = site.client()

    assert not client.is_connected()


def test_a_client_is_let_in_by_any_other_answer(site):
    for answer in (None, True, 0, ""):
        site.ingress.subscribe("connect", lambda answer=answer: answer)

    assert site.client().is_connected()


def test_a_decorated_subscriber_to_connect_without_parameters_lets_in(site):
    site.ingress.subscribe("connect", passed_on(lambda: None))

    assert site.client().is_connected()


@pytest.mark.parametrize("kind", [ConnectionRefusedError, flask_socketio.ConnectionRefusedError])
def test_a_refusal_says_why_and_is_no_error(kind, caplog):
    ingress, errors = SocketIngress(), []
    ingress.on_error_default(errors.append)
    ingress.subscribe("connect", lambda: (_ for _ in ()).throw(kind("full")))

    with pytest.raises(flask_socketio.ConnectionRefusedError) as info:
        ingress.dispatch("connect")
    assert info.value.error_args["message"] == "full"
    assert (errors, caplog.records) == ([], [])


def test_a_timeout_of_the_caller_is_the_caller_s():
    ingress = SocketIngress()
    ingress.subscribe("connect", lambda: gevent.sleep(10))

    with gevent.Timeout(0.01) as timeout, pytest.raises(gevent.Timeout) as info:
        ingress.dispatch("connect")
    assert info.value is timeout


def test_a_handler_that_is_killed_answers_nothing():
    ingress, log = SocketIngress(), []
    ingress.subscribe("said", lambda: gevent.sleep(10))
    ingress.subscribe("said", lambda: log.append("never"))
    greenlet = gevent.spawn(ingress.dispatch, "said")
    gevent.sleep(0)
    greenlet.kill()

    assert isinstance(ended(greenlet), gevent.GreenletExit)
    assert log == []


# The server.


class Fake:
    """A server that writes down what is bound."""

    def __init__(self):
        self.bound = {}

    def on_event(self, event, fn):
        self.bound[event] = fn

    def on_error_default(self, fn):
        self.bound["error"] = fn


def test_the_server_is_bound_once_for_each_event():
    ingress, server, other = SocketIngress(), Fake(), Fake()
    ingress.subscribe("said", lambda data: data)
    ingress.subscribe_error_default(str)
    assert ingress.attach(server) is ingress
    first = dict(server.bound)
    ingress.subscribe("said", lambda data: None)
    ingress.attach(server)

    assert server.bound == first
    assert first["said"].__name__ == "specter_socket_dispatch_said"
    assert (first["said"](5), first["error"](KeyError(5))) == (5, "5")
    assert ingress.attach(other).socketio is other
    assert sorted(other.bound) == ["error", "said"]
    assert (first["said"](5), first["error"](KeyError(5))) == (None, None)


def test_clear_leaves_the_server_and_can_be_followed_by_another():
    server, log = Fake(), []
    ingress = SocketIngress(server)
    ingress.subscribe("said", log.append)
    ingress.subscribe_error_default(log.append)
    ingress.clear()
    server.bound["said"](1)
    assert (log, ingress.socketio) == ([], None)

    ingress.subscribe("said", log.append)
    ingress.attach(server)
    server.bound["said"](2)
    assert log == [2]


def test_subscribing_before_the_server_has_an_application_counts():
    server, log = SocketIO(), []
    SocketIngress(server).subscribe("said", log.append)
    app = Flask("app")
    server.init_app(app, async_mode="threading")
    server.test_client(app).emit("said", 1)

    assert log == [1]
