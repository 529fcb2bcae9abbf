"""The client in memory does what python-socketio's own client does over a port: one set of scenarios for both."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
import pytest
import socketio
from live_sockets import Live, live_server
from over_port import over_port

from specter.testing import Disconnected, Refused, socket


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The server lives as long as the module."""
    return "asyncio"


Connect = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.fixture(scope="module")
async def live() -> AsyncIterator[Live]:
    async with live_server() as live:
        # With its first client a server starts a task that lives as long as it does.
        live.sio.on("any", lambda sid: None)
        async with live.client():
            live.sio.handlers.clear()
        yield live


@pytest.fixture(params=["memory", "port"])
def server(request: pytest.FixtureRequest, live: Live) -> Iterator[tuple[socketio.AsyncServer, Connect]]:
    """A Socket.IO server, and a way to connect to it."""
    if request.param == "memory":
        sio = socketio.AsyncServer(async_mode="asgi")
        asgi = socketio.ASGIApp(sio)
        yield sio, lambda **options: socket(asgi, **options)
    else:
        yield live.sio, lambda **options: over_port(live, **options)
        live.sio.handlers.clear()


@pytest.fixture
def sio(server: tuple[socketio.AsyncServer, Connect]) -> socketio.AsyncServer:
    sio = server[0]
    sio.on("echo", lambda sid, *arguments: arguments)
    return sio


@pytest.fixture
def connect(server: tuple[socketio.AsyncServer, Connect]) -> Connect:
    return server[1]


# Events and acknowledgements.

VALUES: list[Any] = [
    *(0, 1.5, True, "", "text", "é\u2028😀", [], [1, [2, None]], {}, {"a": {"b": [None]}}),
    *(b"", b"\x00\xff", [b"a", [b"b"]], {"one": b"1", "more": {"of": [b"2", 3, b"3"]}}),
]


async def test_what_is_sent_comes_back(sio: socketio.AsyncServer, connect: Connect) -> None:
    async with connect() as client:
        for value in VALUES:
            assert await client.call("echo", value) == value


async def test_an_acknowledgement_has_no_value_one_or_several(sio: socketio.AsyncServer, connect: Connect) -> None:
    async with connect() as client:
        assert await client.call("echo") is None
        assert await client.call("echo", ("a", b"b")) == ("a", b"b")
        assert await client.call("echo", [1, 2]) == [1, 2]


async def test_the_server_sends_what_a_client_receives(sio: socketio.AsyncServer, connect: Connect) -> None:
    async def tell(sid: str) -> None:
        await sio.emit("told", to=sid)
        await sio.emit("told", {"bytes": [b"1", b"2"]}, to=sid)
        await sio.emit("told", (1, b"2"), to=sid)

    sio.on("tell", tell)
    async with connect() as client:
        await client.emit("tell")
        assert await client.receive("told") is None
        assert await client.receive("told") == {"bytes": [b"1", b"2"]}
        assert await client.receive("told") == (1, b"2")


async def test_events_are_taken_by_name_in_their_order(sio: socketio.AsyncServer, connect: Connect) -> None:
    async def count(sid: str, most: int) -> None:
        for number in range(most):
            await sio.emit("even" if number % 2 == 0 else "odd", number, to=sid)

    sio.on("count", count)
    async with connect() as client:
        await client.call("count", 100)
        assert [await client.receive("odd") for _ in range(50)] == list(range(1, 100, 2))
        assert client.received() == [("even", number) for number in range(0, 100, 2)]
        assert [await client.receive("even") for _ in range(50)] == list(range(0, 100, 2))


async def test_calls_at_once_get_their_own_answers(sio: socketio.AsyncServer, connect: Connect) -> None:
    async def slow_first(sid: str, number: int) -> int:
        await anyio.sleep((20 - number) / 1000)
        return number

    sio.on("slow", slow_first)
    async with connect() as client:
        answers: list[int] = []

        async def ask(number: int) -> None:
            assert await client.call("slow", number) == number
            answers.append(number)

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(ask, number)
        assert sorted(answers) == list(range(20))


async def test_the_server_asks_and_the_client_answers(sio: socketio.AsyncServer, connect: Connect) -> None:
    async with connect() as client:
        client.answer("sum", lambda a, b: a + b)
        client.answer("two", lambda: (1, b"2"))
        assert await sio.call("sum", (1, 2), to=client.sid) == 3
        assert await sio.call("two", to=client.sid) == (1, b"2")
        assert await sio.call("unknown", to=client.sid) is None
        assert [event for event, _ in client.received()] == ["sum", "two", "unknown"]


async def test_what_does_not_come_times_out(sio: socketio.AsyncServer, connect: Connect) -> None:
    go_on = anyio.Event()

    async def late(sid: str) -> None:
        await go_on.wait()

    sio.on("late", late)
    async with connect() as client:
        with pytest.raises(TimeoutError):
            await client.call("late", timeout=0.01)
        with pytest.raises(TimeoutError):
            await client.receive("nothing", timeout=0.01)
        go_on.set()
        assert await client.call("echo", 1) == 1


# Connecting.


async def test_the_server_knows_how_a_client_has_come(sio: socketio.AsyncServer, connect: Connect) -> None:
    seen: list[Any] = []

    def come(sid: str, environ: Any, auth: Any) -> None:
        seen.append((auth, environ["HTTP_X_TENANT"], "shop=7" in environ["QUERY_STRING"].split("&")))

    sio.on("connect", come)
    async with connect(auth={"token": "secret"}, headers={"X-Tenant": "acme"}, query={"shop": "7"}):
        pass

    assert seen == [({"token": "secret"}, "acme", True)]


@pytest.mark.parametrize(
    ("refuse", "message", "data"),
    [
        (socketio.exceptions.ConnectionRefusedError("go away"), "go away", None),
        (socketio.exceptions.ConnectionRefusedError("go away", {"code": 7}), "go away", {"code": 7}),
        (socketio.exceptions.ConnectionRefusedError("go away", 1, 2), "go away", [1, 2]),
        (ConnectionRefusedError("no"), "Connection refused by server", None),
        (False, "Connection rejected by server", None),
    ],
    ids=["message", "data", "several data", "built in", "False"],
)
async def test_a_refusal_raises_what_the_server_said(
    sio: socketio.AsyncServer, connect: Connect, refuse: Any, message: str, data: Any
) -> None:
    def come(sid: str, environ: Any) -> Any:
        if isinstance(refuse, Exception):
            raise refuse
        return refuse

    sio.on("connect", come)
    with pytest.raises(Refused) as raised:
        async with connect():
            pytest.fail("entered")

    assert (raised.value.namespace, raised.value.message, raised.value.data) == ("/", message, data)


async def test_a_namespace_that_is_not_there_refuses(sio: socketio.AsyncServer, connect: Connect) -> None:
    with pytest.raises(Refused, match="Unable to connect") as raised:
        async with connect(namespaces="/nowhere"):
            pytest.fail("entered")

    assert raised.value.namespace == "/nowhere"


async def test_who_is_refused_by_one_namespace_leaves_the_other(sio: socketio.AsyncServer, connect: Connect) -> None:
    left: list[str] = []
    gone = anyio.Event()

    def leave(sid: str, reason: str) -> None:
        left.append(reason)
        gone.set()

    sio.on("disconnect", leave)
    with pytest.raises(Refused) as raised:
        async with connect(namespaces=("/", "/nowhere")):
            pytest.fail("entered")

    assert raised.value.namespace == "/nowhere"
    with anyio.fail_after(5):
        await gone.wait()
    assert len(left) == 1


# Namespaces and rooms.


async def test_one_client_is_in_several_namespaces(sio: socketio.AsyncServer, connect: Connect) -> None:
    sio.on("who", lambda sid: ["admin", sid], namespace="/admin")
    sio.on("who", lambda sid: ["root", sid])
    async with connect(namespaces=("/", "/admin")) as client:
        assert await client.call("who") == ["root", client.sid_in("/")]
        assert await client.call("who", namespace="/admin") == ["admin", client.sid_in("/admin")]
        assert client.sid == client.sid_in("/") != client.sid_in("/admin")
        await sio.emit("news", 1, namespace="/admin")
        await sio.emit("news", {"b": b"2"})
        assert await client.receive("news", namespace="/admin") == 1
        assert await client.receive("news") == {"b": b"2"}


async def test_the_namespace_that_is_named_is_the_one_that_is_meant(
    sio: socketio.AsyncServer, connect: Connect
) -> None:
    sio.on("who", lambda sid, data: ["admin", data], namespace="/admin")
    async with connect(namespaces="/admin") as client:
        assert await client.call("who", b"bytes") == ["admin", b"bytes"]


async def test_a_room_hears_what_others_do_not(sio: socketio.AsyncServer, connect: Connect) -> None:
    async with connect() as first, connect() as second:
        await sio.enter_room(first.sid, "room")
        await sio.emit("only", 1, room="room")
        await sio.emit("all", 2)
        assert await first.receive("all") == await second.receive("all") == 2
        assert await first.receive("only") == 1
        assert second.received() == []


# The end.


async def test_a_client_that_is_disconnected_hears_of_it(sio: socketio.AsyncServer, connect: Connect) -> None:
    async def kick(sid: str) -> None:
        await sio.emit("last", "word", to=sid)
        await sio.disconnect(sid)

    sio.on("kick", kick)
    async with connect() as client:
        await client.emit("kick")
        assert await client.receive("last") == "word"
        with pytest.raises(Disconnected):
            await client.receive("more")
        assert not client.connected


async def test_a_client_may_lose_one_namespace_and_keep_the_other(sio: socketio.AsyncServer, connect: Connect) -> None:
    sio.on("any", lambda sid: None, namespace="/admin")
    async with connect(namespaces=("/", "/admin")) as client:
        await sio.disconnect(client.sid_in("/admin"), namespace="/admin")
        with pytest.raises(Disconnected):
            await client.receive("more", namespace="/admin")
        assert await client.call("echo", 1) == 1
        assert client.connected


@pytest.mark.parametrize("how", ["block", "disconnect"])
async def test_the_server_hears_that_a_client_has_left(sio: socketio.AsyncServer, connect: Connect, how: str) -> None:
    left: list[tuple[str, str]] = []
    gone = anyio.Event()

    def leave(sid: str, reason: str) -> None:
        left.append((sid, reason))
        gone.set()

    sio.on("disconnect", leave)
    with contextlib.suppress(Disconnected):
        async with connect() as client:
            sid = client.sid
            if how == "disconnect":
                await client.disconnect()
                await client.receive("more")

    with anyio.fail_after(5):
        await gone.wait()
    # python-socketio's client may close its websocket before its goodbye is on the way.
    assert left in ([(sid, sio.reason.CLIENT_DISCONNECT)], [(sid, sio.reason.TRANSPORT_CLOSE)])
