"""What a Socket.IO client knows of its connection."""

from typing import Any

import pytest

from specter.sansio.errors import Disconnected, Refused
from specter.sansio.socket_client import ClientSession, namespaces_of, not_come
from specter.sansio.socket_packets import Kind, Packet


def connected(*namespaces: str) -> ClientSession:
    session = ClientSession(namespaces or ("/",), None)
    for namespace in namespaces or ("/",):
        session.hear(Packet(Kind.CONNECT, namespace, {"sid": f"sid of {namespace}"}))
    return session


def event(*data: Any, namespace: str = "/", number: int | None = None) -> Packet:
    return Packet(Kind.EVENT, namespace, list(data), number)


@pytest.mark.parametrize(
    ("given", "names"),
    [("/", ("/",)), (["/a", "/b", "/a"], ("/a", "/b")), (("/a",), ("/a",))],
    ids=["one", "twice the same", "tuple"],
)
def test_namespaces_are_one_or_more_names(given: Any, names: tuple[str, ...]) -> None:
    assert namespaces_of(given) == names


@pytest.mark.parametrize("given", [[], "a", ["/a", "b"], "/a,b"], ids=["none", "no slash", "one of two", "comma"])
def test_what_is_no_namespace_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match="must be one or more that begin with '/'"):
        namespaces_of(given)


def test_a_session_connects_to_all_namespaces_when_the_transport_is_open() -> None:
    session = ClientSession(("/", "/a"), {"token": 1})
    sent = session.hear(Packet(Kind.OPEN, data={"sid": "engine"}))

    assert sent == [Packet(Kind.CONNECT, "/", {"token": 1}), Packet(Kind.CONNECT, "/a", {"token": 1})]
    assert session.engine_sid == "engine"
    assert not session.decided
    session.hear(Packet(Kind.CONNECT, "/", {"sid": "1"}))
    assert not session.decided
    session.hear(Packet(Kind.CONNECT, "/a", {"sid": "2"}))
    assert session.decided
    assert session.connected == ["/", "/a"]
    assert session.sids == {"/": "1", "/a": "2"}


@pytest.mark.parametrize(
    ("data", "message", "extra"),
    [
        ({"message": "no", "data": {"code": 7}}, "no", {"code": 7}),
        ({"message": "no"}, "no", None),
        ("Unable to connect", "Unable to connect", None),
        (None, "it gave no reason", None),
    ],
    ids=["with data", "a message", "a text", "nothing"],
)
def test_a_refusal_has_what_the_server_said(data: Any, message: str, extra: Any) -> None:
    session = ClientSession(("/", "/a"), None)
    session.hear(Packet(Kind.CONNECT_ERROR, "/a", data))
    session.hear(Packet(Kind.CONNECT_ERROR, "/", "later"))

    assert session.decided
    assert isinstance(session.refusal, Refused)
    assert (session.refusal.namespace, session.refusal.message, session.refusal.data) == ("/a", message, extra)


def test_a_ping_is_answered_by_what_it_brought() -> None:
    assert connected().hear(Packet(Kind.PING, data="x")) == [Packet(Kind.PONG, data="x")]


def test_what_means_nothing_to_a_client_is_passed_over() -> None:
    assert connected().hear(Packet(Kind.NOOP)) == []


def test_events_are_taken_by_name_oldest_first() -> None:
    session = connected("/", "/a")
    for packet in (event("x", 1), event("y", 2, 3), event("x"), event("x", 4, namespace="/a")):
        session.hear(packet)

    assert session.waiting("/") == [("x", 1), ("y", (2, 3)), ("x", None)]
    assert session.take("/", "x") == [1]
    assert session.take("/", "x") == []
    assert session.take("/", "x") is None
    assert session.waiting("/") == [("y", (2, 3))]
    assert session.take("/a", "x") == [4]


def test_an_event_is_acknowledged_by_nothing_or_by_what_was_set() -> None:
    session = connected()
    session.answers["/", "sum"] = lambda a, b: a + b

    assert session.hear(event("sum", 1, 2)) == []
    assert session.hear(event("sum", 1, 2, number=7)) == [Packet(Kind.ACK, data=[3], number=7)]
    assert session.hear(event("other", number=8)) == [Packet(Kind.ACK, data=[], number=8)]


def test_an_acknowledgement_comes_to_the_one_that_waits_for_it() -> None:
    session = connected()
    first, second = session.expect("/"), session.expect("/")
    session.hear(Packet(Kind.ACK, data=[2], number=second))

    assert session.acknowledged("/", first) is None
    assert session.acknowledged("/", second) == [2]


def test_an_acknowledgement_that_nobody_awaits_is_dropped() -> None:
    session = connected()
    number = session.expect("/")
    session.forget("/", number)
    session.hear(Packet(Kind.ACK, data=[], number=number))

    assert session.expect("/") == number + 1


def test_one_namespace_may_be_left_alone() -> None:
    session = connected("/", "/a")
    session.hear(Packet(Kind.DISCONNECT, "/a"))

    session.require("/")
    with pytest.raises(Disconnected, match="not connected to '/a': the server disconnected the client"):
        session.require("/a")
    assert not session.over
    assert session.connected == ["/"]
    session.hear(Packet(Kind.DISCONNECT, "/", {"message": "closing time"}))
    assert session.over
    with pytest.raises(Disconnected, match="the server disconnected the client: closing time"):
        session.require("/")


def test_a_session_says_how_it_is() -> None:
    session = ClientSession(("/", "/a"), None)
    said = [str(session)]
    for packet in (
        Packet(Kind.CONNECT, "/", {"sid": "1"}),
        Packet(Kind.CONNECT, "/a", {"sid": "2"}),
        Packet(Kind.DISCONNECT, "/"),
        Packet(Kind.CLOSE),
    ):
        session.hear(packet)
        said.append(str(session))
    refused = ClientSession(("/",), None)
    refused.hear(Packet(Kind.CONNECT_ERROR, "/", {"message": "wrong token"}))
    refused.leave_all("the client has disconnected")

    assert said == [
        "not connected yet",
        "connected to /",
        "connected to /, /a",
        "connected to /a",
        "disconnected: the server disconnected the client",
    ]
    assert str(refused) == "refused: wrong token"


def test_the_end_of_the_transport_leaves_all() -> None:
    session = connected("/", "/a")
    session.hear(Packet(Kind.CLOSE))

    assert session.left == dict.fromkeys(("/", "/a"), "the server closed the transport")


def test_a_client_says_goodbye_to_what_it_is_connected_to() -> None:
    session = connected("/", "/a")
    session.hear(Packet(Kind.DISCONNECT, "/a"))

    assert session.goodbye("enough") == [Packet(Kind.DISCONNECT, "/"), Packet(Kind.CLOSE)]
    assert session.left == {"/a": "the server disconnected the client", "/": "enough"}
    assert session.goodbye("again") == [Packet(Kind.CLOSE)]


def test_what_is_not_connected_yet_cannot_be_used() -> None:
    with pytest.raises(Disconnected, match="it has not been connected yet"):
        ClientSession(("/",), None).require("/")


def test_the_first_error_of_the_connection_comes_out_as_itself() -> None:
    session = connected()
    session.fail(ValueError("wrong"))
    session.fail(KeyError("later"))

    assert session.over
    with pytest.raises(ValueError, match="wrong"):
        session.require("/")


def test_an_error_that_was_told_is_not_told_again_at_the_end() -> None:
    told, untold = connected(), connected()
    for session in (told, untold):
        session.fail(ValueError("wrong"))
    with pytest.raises(ValueError, match="wrong"):
        told.require("/")

    assert told.untold() is None
    assert isinstance(untold.untold(), ValueError)
    assert untold.untold() is None
    assert connected().untold() is None


def test_a_session_id_is_known_from_the_connection_on() -> None:
    session = connected("/a", "/b")
    session.hear(Packet(Kind.DISCONNECT, "/b"))

    assert (session.sid(None), session.sid("/b")) == ("sid of /a", "sid of /b")
    with pytest.raises(ValueError, match="none of those of this client"):
        session.sid("/c")
    with pytest.raises(Disconnected, match="it has not been connected yet"):
        ClientSession(("/",), None).sid("/")


def test_the_first_namespace_is_meant_where_none_is_named() -> None:
    session = connected("/a", "/b")

    assert session.choose(None) == "/a"
    assert session.choose("/b") == "/b"
    with pytest.raises(ValueError, match="'/c' is none of those of this client: /a, /b"):
        session.choose("/c")


def test_a_timeout_says_what_has_come_instead() -> None:
    session = connected("/", "/a")
    session.hear(event("x"))

    assert not_come("'y'", 5, session, "/") == "'y' has not come within 5 s; not taken yet: 'x'"
    assert not_come("'y'", 5, session, "/a") == "'y' has not come within 5 s in '/a'; not taken yet: nothing"
