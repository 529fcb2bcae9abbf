"""The Socket.IO client on gevent: Flask-SocketIO's test client, with the methods of the one on asyncio."""

from __future__ import annotations

import gevent
import pytest
from flask import Flask, request
from flask_socketio import ConnectionRefusedError as Refusal
from flask_socketio import SocketIO, SocketIOTestClient, disconnect, emit, join_room

from specter.sansio.errors import PacketError
from specter_gevent import Controller, Service, ServiceManager, boot, registry
from specter_gevent.testing import Disconnected, Refused, cancel_everywhere, running, socket, virtual_time


class Part(Service):
    def __init__(self):
        super().__init__("part")
        self.log = []

    def on_start(self):
        gevent.sleep(0)
        self.log.append("start")

    def on_stop(self):
        self.log.append("stop")


class Talk(Controller):
    name = "talk"

    def __init__(self):
        super().__init__()
        self.seen = []

    def build_events(self, handler):
        handler.on("connect", self.come)
        handler.on("disconnect", lambda: self.seen.append("gone"))
        handler.on("running", lambda: registry.require("part").running)

    def come(self, auth):
        if auth == "banned":
            raise ConnectionRefusedError("you are banned")


def new_server():
    app = Flask(__name__)
    server = SocketIO(app, async_mode="threading")
    server.flask = app
    server.on_event("echo", lambda *arguments: arguments)
    return server


@pytest.fixture
def server():
    return new_server()


def application(server):
    return ServiceManager(server.flask, server).register_service(Part()).register_controller(Talk())


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


# Events and acknowledgements.

VALUES = [
    *(0, 1.5, True, "", "text", "é\u2028😀", [], [1, [2, None]], {}, {"a": {"b": [None]}}),
    *(b"", b"\x00\xff", [b"a", [b"b"]], {"one": b"1", "more": {"of": [b"2", 3, b"3"]}}),
]


def test_what_is_sent_comes_back(server):
    with socket(server.flask) as sio:
        for value in VALUES:
            assert sio.call("echo", value) == value


def test_an_acknowledgement_has_no_value_one_or_several(server):
    with socket(server.flask) as sio:
        assert sio.call("echo") is None
        assert sio.call("echo", ("a", b"b")) == ("a", b"b")
        assert sio.call("echo", [1, 2]) == [1, 2]


@pytest.mark.parametrize("broadcast", [True, False], ids=["all", "one"])
def test_the_server_sends_what_a_client_receives(server, broadcast):
    @server.on("tell")
    def tell():
        emit("told", broadcast=broadcast)
        emit("told", {"bytes": [b"1", b"2"]}, broadcast=broadcast)
        emit("told", (1, b"2"), broadcast=broadcast)

    with socket(server.flask) as sio, socket(server.flask) as other:
        sio.emit("tell")
        assert sio.receive("told") is None
        assert sio.receive("told") == {"bytes": [b"1", b"2"]}
        assert sio.receive("told") == (1, b"2")
        assert len(other.received()) == (3 if broadcast else 0)


def test_events_are_taken_by_name_in_their_order(server):
    @server.on("count")
    def count(most):
        for number in range(most):
            emit("even" if number % 2 == 0 else "odd", number)

    with socket(server.flask) as sio:
        sio.call("count", 100)
        assert [sio.receive("odd") for _ in range(50)] == list(range(1, 100, 2))
        assert sio.received() == [("even", number) for number in range(0, 100, 2)]


def test_what_comes_later_is_waited_for(server):
    with socket(server.flask) as sio:
        gevent.spawn(server.emit, "late", "but here")
        assert sio.receive("late") == "but here"


def test_what_does_not_come_times_out(server):
    with socket(server.flask) as sio:
        with pytest.raises(TimeoutError, match="the acknowledgement of 'unknown' has not come within 0.01 s"):
            sio.call("unknown", timeout=0.01)
        with pytest.raises(TimeoutError, match="'nothing' has not come within 0.01 s; not taken yet: nothing"):
            sio.receive("nothing", timeout=0.01)


def test_waits_are_exact_in_virtual_time(server):
    with virtual_time() as clock, socket(server.flask) as sio:
        gevent.spawn_later(7200, server.emit, "late", "but here")
        with pytest.raises(TimeoutError, match="'late' has not come within 1.5 s"):
            sio.receive("late", timeout=1.5)
        assert clock.now == 1.5
        assert sio.receive("late", timeout=None) == "but here"
        assert clock.now == 7200


def test_what_is_there_needs_no_time(server):
    with socket(server.flask) as sio:
        server.emit("told", 1)
        assert sio.receive("told", timeout=0) == 1
        with pytest.raises(TimeoutError):
            sio.receive("told", timeout=0)
        with pytest.raises(TypeError, match="seconds"):
            sio.receive("told", timeout="5")


def test_the_server_asks_and_the_client_answers(server):
    with socket(server.flask) as sio:
        sio.answer("sum", lambda a, b: a + b)
        answers = []
        # Flask-SocketIO's `call` does not go with its test client.
        server.emit("sum", (1, 2), to=sio.sid, callback=lambda *answer: answers.append(answer))
        server.emit("unknown", to=sio.sid, callback=lambda *answer: answers.append(answer))
        assert answers == [(3,), ()]
        assert [event for event, _ in sio.received()] == ["sum", "unknown"]


def test_an_error_of_an_answer_comes_out_of_the_test(server):
    with pytest.raises(ZeroDivisionError), socket(server.flask) as sio:
        sio.answer("ratio", lambda: 1 / 0)
        server.emit("ratio", to=sio.sid, callback=lambda *answer: None)
        sio.receive("more")


def test_an_error_of_an_answer_comes_out_at_the_end(server):
    with pytest.raises(ZeroDivisionError), socket(server.flask) as sio:
        sio.answer("ratio", lambda: 1 / 0)
        server.emit("ratio", to=sio.sid, callback=lambda *answer: None)


def test_an_error_of_the_test_is_not_hidden_by_one_of_the_connection(server):
    with pytest.raises(AssertionError, match="in the test") as raised, socket(server.flask) as sio:
        sio.answer("ratio", lambda: 1 / 0)
        server.emit("ratio", to=sio.sid, callback=lambda *answer: None)
        raise AssertionError("in the test")

    assert "ZeroDivisionError" in raised.value.__notes__[0]


def test_an_error_of_a_handler_of_the_application_comes_out(server):
    server.on_event("fail", lambda: 1 / 0)

    with socket(server.flask) as sio:
        with pytest.raises(ZeroDivisionError):
            sio.emit("fail")
        assert sio.call("echo", 1) == 1


def test_what_cannot_be_sent_is_told(server):
    with socket(server.flask) as sio:
        with pytest.raises(PacketError, match="EVENT can carry JSON and bytes, but not"):
            sio.emit("echo", object())
        assert sio.call("echo", 1) == 1


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
