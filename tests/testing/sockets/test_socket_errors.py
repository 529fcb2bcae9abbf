"""The Socket.IO client in memory: applications that refuse it, and those that fail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import socketio
from lifespans import Part
from talking import application

from specter.sansio.errors import PacketError
from specter.testing import Refused, running, socket

# Refusals.


async def test_a_refusal_leaves_nothing() -> None:
    manager = application(part := Part())

    before = asyncio.all_tasks()
    with pytest.raises(Refused, match="refused the connection to '/': you are banned"):
        async with socket(manager, auth="banned"):
            pytest.fail("entered")
    assert asyncio.all_tasks() == before
    assert part.log == ["start", "stop"]


async def test_an_application_that_closes_refuses() -> None:
    manager = application(Part())

    async with running(manager):
        manager.asgi.close()
        with pytest.raises(Refused, match=r"refused the connection: the server closed the websocket: code \d+"):
            async with socket(manager):
                pytest.fail("entered")


async def test_a_path_where_no_socketio_is_refuses() -> None:
    manager = application(Part())

    with pytest.raises(Refused, match="refused the connection: the server closed the websocket"):
        async with socket(manager, path="/nowhere/"):
            pytest.fail("entered")


async def answers_by_http(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "websocket.http.response.start", "status": 403, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b"forbidden"})


async def is_cancelled(scope: Any, receive: Any, send: Any) -> None:
    raise asyncio.CancelledError


async def returns(scope: Any, receive: Any, send: Any) -> None: ...


@pytest.mark.parametrize(
    ("app", "message"),
    [
        (answers_by_http, "the server answered with status 403"),
        (is_cancelled, "the task of the websocket was cancelled"),
        (returns, "the application has returned"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_an_application_that_does_not_accept_refuses(app: Any, message: str) -> None:
    async def without_lifespan(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await app(scope, receive, send)

    with pytest.raises(Refused, match=f"the server refused the connection: {message}"):
        async with socket(without_lifespan):
            pytest.fail("entered")


async def test_an_answer_of_no_websocket_is_an_error() -> None:
    async def answers_a_request(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "http.response.start", "status": 200, "headers": []})

    with pytest.raises(RuntimeError, match="answered by 'websocket...' messages, got 'http.response.start'"):
        async with socket(answers_a_request):
            pytest.fail("entered")


async def test_a_path_is_that_of_the_server() -> None:
    sio = socketio.AsyncServer(async_mode="asgi")
    sio.on("echo", lambda sid, data: data)

    async with socket(socketio.ASGIApp(sio, socketio_path="live"), path="/live/") as client:
        assert await client.call("echo", 1) == 1


# Errors.


async def test_an_error_of_a_handler_is_an_empty_answer() -> None:
    async with socket(application(Part())) as sio:
        assert await sio.call("fail") is None
        assert await sio.call("echo", 1) == 1


async def test_an_error_of_the_application_comes_out_as_the_client_connects() -> None:
    manager = application(Part())

    class Failing:
        app = manager.asgi

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "websocket":
                raise LookupError("the middleware is broken")
            await self.app(scope, receive, send)

    with pytest.raises(LookupError, match="the middleware is broken"):
        async with socket(Failing()):
            pytest.fail("entered")
    assert not manager.running


async def broken_later(scope: Any, receive: Any, send: Any) -> None:
    """Speaks the protocol until it is sent an event; then it fails."""
    if scope["type"] != "websocket":
        raise RuntimeError("no lifespan here")
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": '0{"sid":"engine"}'})
    await receive()
    await send({"type": "websocket.send", "text": '40{"sid":"socket"}'})
    message = await receive()
    if message["type"] == "websocket.receive" and "fail" in message["text"]:
        raise LookupError("the application is broken")
    if message["type"] == "websocket.receive" and "nonsense" in message["text"]:
        await send({"type": "websocket.send", "text": "nonsense"})
        await receive()


@pytest.mark.parametrize("how", ["call", "receive", "emit"])
async def test_an_error_of_the_application_comes_out_of_what_waits_for_it(how: str) -> None:
    with pytest.raises(LookupError, match="the application is broken"):
        async with socket(broken_later) as sio:
            if how == "call":
                await sio.call("fail")
            await sio.emit("fail")
            if how == "receive":
                await sio.receive("answer")


async def test_an_error_of_the_application_comes_out_once() -> None:
    async with socket(broken_later) as sio:
        with pytest.raises(LookupError, match="the application is broken"):
            await sio.call("fail")


async def test_an_error_of_the_test_is_not_hidden_by_one_of_the_application() -> None:
    with pytest.raises(AssertionError, match="in the test") as raised:
        async with socket(broken_later) as sio:
            await sio.emit("fail")
            raise AssertionError("in the test")

    assert "LookupError('the application is broken')" in raised.value.__notes__[0]


async def test_what_is_no_packet_is_an_error_of_who_waits() -> None:
    async with socket(broken_later) as sio:
        await sio.emit("nonsense")
        with pytest.raises(PacketError, match="must begin with the digit of a packet, got 'nonsense'"):
            await sio.receive("answer")


async def test_an_error_of_an_answer_comes_out_of_the_test() -> None:
    manager = application(Part())

    with pytest.raises(ZeroDivisionError):
        async with socket(manager) as sio:
            sio.answer("ratio", lambda: 1 / 0)
            await manager.socketio.emit("ratio", to=sio.sid, callback=lambda *answer: None)
            await sio.receive("more")


async def test_what_cannot_be_sent_is_told_and_the_connection_goes_on() -> None:
    async with socket(application(Part())) as sio:
        with pytest.raises(PacketError, match="EVENT can carry JSON and bytes, but not"):
            await sio.emit("echo", object())
        with pytest.raises(PacketError, match="EVENT can carry JSON and bytes, but not"):
            await sio.call("echo", object())
        assert await sio.call("echo", 1) == 1


async def test_an_application_hears_of_the_end_as_often_as_it_asks() -> None:
    heard: list[str] = []

    async def asks_twice(scope: Any, receive: Any, send: Any) -> None:
        await broken_later(scope, receive, send)
        heard.extend([(await receive())["type"] for _ in range(3)])

    async with socket(asks_twice):
        pass

    assert heard == ["websocket.receive", *["websocket.disconnect"] * 2]
