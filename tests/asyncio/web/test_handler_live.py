"""Handlers are the same to their clients with and without an ingress in the registry."""

from collections.abc import Iterator
from typing import Any

import pytest
from live_sockets import Live

from specter import Handler, SocketIngress, current_sid, registry


@pytest.fixture(params=["ingress", "server"], autouse=True)
def way(request: pytest.FixtureRequest, server: Live) -> Iterator[None]:
    """By which way the events come."""
    if request.param == "server":
        yield
    else:
        ingress = registry.provide("socket_ingress", SocketIngress(server.sio), replace=True)
        yield
        ingress.clear()
        registry.unregister("socket_ingress")
    assert server.sio.handlers == {}


class Chat(Handler):
    name = "chat"
    events = {"connect": "on_connect", "message": "on_message", "disconnect": "on_disconnect"}

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def on_connect(self, environ: Any, auth: Any) -> bool | None:
        self.seen.append(("connect", environ["REQUEST_METHOD"], auth))
        return auth != "wrong"

    async def on_message(self, sid: str, data: Any) -> Any:
        return [data, sid == current_sid()]

    def on_disconnect(self, reason: str) -> None:
        self.seen.append(("disconnect", reason))


async def test_a_whole_visit(server: Live) -> None:
    chat = await Chat().setup(server.sio)
    assert chat.socketio is server.sio
    async with server.client(auth="right") as client:
        assert await client.call("message", b"bytes") == [b"bytes", True]
        await server.sio.disconnect(client.get_sid())

    assert chat.seen == [("connect", "GET", "right"), ("disconnect", "server disconnect")]
    await chat.teardown()


async def test_a_refusal(server: Live) -> None:
    chat = await Chat().setup(server.sio)
    assert await server.refused(auth="wrong") == "Connection rejected by server"
    await chat.teardown()
    async with server.client(auth="wrong"):
        pass


async def test_two_handlers_share_an_event(server: Live) -> None:
    class Guard(Handler):
        name = "guard"
        events = {"connect": "check", "message": "log"}
        event_priorities = {"connect": 1}

        async def check(self, auth: Any) -> None:
            if auth == "banned":
                raise ConnectionRefusedError("go away")

        def log(self, data: Any) -> None: ...

    chat, guard = await Chat().setup(server.sio), await Guard().setup(server.sio)
    assert await server.refused(auth="wrong") == "Connection rejected by server"
    assert await server.refused(auth="banned") == "go away"
    async with server.client(auth="right") as client:
        assert await client.call("message", 1) == [1, True]
        await chat.teardown()
        assert await client.call("message", 1) is None
    assert await server.refused(auth="banned") == "go away"
    await guard.teardown()
