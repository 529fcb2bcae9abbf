"""The Socket.IO client on gevent: the application round it, and how it connects and leaves."""

from __future__ import annotations

import gevent
import pytest
from flask import Flask, request
from flask_socketio import ConnectionRefusedError as Refusal
from flask_socketio import SocketIOTestClient, disconnect, emit, join_room
from talking_gevent import Part, application, new_server

from specter_gevent import ServiceManager, boot, registry
from specter_gevent.testing import Disconnected, Refused, cancel_everywhere, running, socket

# The application round it.


def test_a_block_is_all_that_a_test_needs(server):
    manager = application(server)

    with socket(manager) as sio:
        assert manager.booted
        assert sio.call("running") is True
        assert sio.connected
        assert repr(sio) == "<SocketClient connected to />"
    assert not manager.booted
    assert repr(sio) == "<SocketClient disconnected: the client has disconnected>"


def test_clients_and_blocks_share_a_boot(server):
    manager = application(server)

    with running(manager):
        talk = registry.require("talk")
        for number in (1, 2):
            with socket(server.flask) as sio:
                assert sio.call("running") is True
            assert talk.seen == ["gone"] * number
    assert not manager.booted


def test_what_was_booted_before_stays(server):
    manager = boot(server.flask, server, services=[Part()])

    with socket(manager) as sio:
        assert sio.connected
    assert manager.booted
    manager.shutdown()


def test_a_client_leaves_nothing_at_the_server(server):
    with running(application(server)), socket(server.flask) as first:
        before = len(SocketIOTestClient.clients)
        environ = dict(server.server.environ)
        with socket(server.flask):
            pass
        with pytest.raises(Refused), socket(server.flask, auth="banned"):
            pytest.fail("entered")
        assert len(SocketIOTestClient.clients) == before
        assert server.server.environ == environ
        assert first.connected


# Connecting.


def test_the_server_knows_how_a_client_has_come(server):
    seen = []

    @server.on("connect")
    def come(auth):
        seen.append((auth, request.headers["X-Tenant"], request.args["shop"]))
        emit("welcome", "you")

    with socket(server.flask, auth={"token": 1}, headers={"X-Tenant": "acme"}, query={"shop": "7"}) as sio:
        assert sio.receive("welcome") == "you"
    assert seen == [({"token": 1}, "acme", "7")]


@pytest.mark.parametrize(
    ("refuse", "message", "data"),
    [(Refusal("go away"), "go away", None), (Refusal("go away", {"code": 7}), "go away", {"code": 7})],
    ids=["message", "data"],
)
def test_a_refusal_raises_what_the_server_said(server, refuse, message, data):
    @server.on("connect")
    def come(auth):
        raise refuse

    with pytest.raises(Refused) as raised, socket(server.flask):
        pytest.fail("entered")
    assert (raised.value.namespace, raised.value.message, raised.value.data) == ("/", message, data)


def test_a_refusal_of_a_controller_raises_what_it_said(server):
    manager = application(server)

    with pytest.raises(Refused, match="you are banned"), socket(manager, auth="banned"):
        pytest.fail("entered")
    assert not manager.booted


def test_a_namespace_that_is_not_there_refuses(server):
    with pytest.raises(Refused) as raised, socket(server.flask, namespaces=("/", "/nowhere")):
        pytest.fail("entered")
    assert raised.value.namespace == "/nowhere"


def test_one_client_is_in_several_namespaces(server):
    server.on_event("who", lambda: ["admin", request.sid], namespace="/admin")
    server.on_event("who", lambda: ["root", request.sid])

    with socket(server.flask, namespaces=("/", "/admin")) as sio:
        assert sio.call("who") == ["root", sio.sid_in("/")]
        assert sio.call("who", namespace="/admin") == ["admin", sio.sid_in("/admin")]
        server.emit("news", 1, namespace="/admin")
        assert sio.receive("news", namespace="/admin") == 1


def test_a_room_hears_what_others_do_not(server):
    server.on_event("enter", lambda room: join_room(room))

    with socket(server.flask) as first, socket(server.flask) as second:
        first.call("enter", "room")
        server.emit("only", 1, to="room")
        assert first.receive("only") == 1
        assert second.received() == []


# The end.


def test_a_client_that_is_disconnected_hears_of_it(server):
    @server.on("kick")
    def kick():
        emit("last", "word")
        disconnect()

    with socket(server.flask) as sio:
        sio.emit("kick")
        assert sio.receive("last") == "word"
        with pytest.raises(Disconnected, match="the server disconnected the client"):
            sio.receive("more")
        assert not sio.connected


def test_who_has_left_cannot_send(server):
    with socket(server.flask) as sio:
        sid = sio.sid
        sio.disconnect()
        sio.disconnect()
        assert sio.sid == sid
        for sending in (sio.emit, sio.call, sio.receive):
            with pytest.raises(Disconnected, match="the client has disconnected"):
                sending("echo")


def test_who_waits_hears_that_the_client_has_left(server):
    with socket(server.flask) as sio:
        waiting = gevent.spawn(sio.receive, "more")
        gevent.sleep(0)
        sio.disconnect()
        with pytest.raises(Disconnected, match="the client has disconnected"):
            waiting.get(timeout=5)


def test_a_client_connects_once(server):
    with socket(server.flask) as sio, pytest.raises(RuntimeError, match="was connected before"):
        sio.__enter__()


def test_before_it_connects_there_is_nothing_to_use(server):
    sio = socket(server.flask)

    with pytest.raises(Disconnected, match="it has not been connected yet"):
        sio.emit("echo")
    with pytest.raises(Disconnected, match="it has not been connected yet"):
        _ = sio.sid
    sio.close()


def test_a_hundred_clients_at_once(server):
    manager = application(server)
    heard = []

    def visit(number):
        with socket(manager) as sio:
            assert sio.call("echo", number) == number
            heard.append(number)
            if len(heard) == 100:
                server.emit("all", "there")
            assert sio.receive("all") == "there"

    gevent.joinall([gevent.spawn(visit, number) for number in range(100)], raise_error=True, timeout=30)
    assert sorted(heard) == list(range(100))
    assert not manager.booted


def test_a_visit_killed_at_any_switch_leaves_nothing():
    made = []

    def scenario():
        server = new_server()
        made.append(server)
        with socket(application(server)) as sio:
            gevent.spawn(server.emit, "told", to=sio.sid)
            sio.receive("told")

    def check():
        assert registry.list() == []
        assert made.pop().server.environ == {}

    assert cancel_everywhere(scenario, check) >= 2


# What has no Socket.IO.


@pytest.mark.parametrize("given", [ServiceManager, lambda: Flask(__name__)], ids=["services alone", "no server"])
def test_an_application_without_socketio_is_refused(given):
    with pytest.raises(TypeError, match=r"socket\(\) needs an application with Socket.IO"):
        socket(given())
