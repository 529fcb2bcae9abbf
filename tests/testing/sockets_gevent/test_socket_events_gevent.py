"""The Socket.IO client on gevent: events and acknowledgements, and waiting for them."""

from __future__ import annotations

import gevent
import pytest
from flask_socketio import emit

from specter.sansio.errors import PacketError
from specter_gevent.testing import socket, virtual_time

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
