"""An ingress beside the application's own handlers, and beside another ingress."""

from typing import Any

import pytest
import socketio
from live_sockets import Live, raising

from specter import SocketIngress, current_sid


async def test_the_application_s_own_handler_stays_when_an_ingress_binds_its_event(server: Live) -> None:
    sio = server.sio
    asked: list[str] = []

    @sio.on("connect")
    async def check(sid: str, environ: Any, auth: Any) -> bool:
        asked.append("application")
        return auth == "right"

    ingress = SocketIngress(sio)
    ingress.on("connect", lambda: asked.append("subscriber"))

    assert await server.refused(auth="wrong") == "Connection rejected by server"
    async with server.client(auth="right"):
        assert asked == ["application", "subscriber"] * 2

    ingress.clear()
    assert await server.refused(auth="wrong") == "Connection rejected by server"
    assert len(asked) == 5
    del sio.handlers["/"]


async def test_a_handler_that_the_application_registers_later_does_not_replace_the_subscribers(
    server: Live, ingress: SocketIngress
) -> None:
    ingress.on("connect", lambda auth: auth == "right")
    ingress.on("later", lambda: "subscriber")

    @server.sio.event
    def connect(sid: str, environ: Any) -> None:
        """Lets everybody in."""

    @server.sio.event
    async def later(sid: str) -> str:
        return "application"

    assert await server.refused(auth="wrong") == "Connection rejected by server"
    async with server.client(auth="right") as client:
        assert await client.call("later") == "subscriber"
        ingress.clear()
        assert await client.call("later") == "application"
    del server.sio.handlers["/"]


@pytest.mark.parametrize("kind", ["namespace class", "class of every namespace", "handler of every namespace"])
async def test_a_check_of_the_application_s_is_asked_wherever_it_stands(
    server: Live, ingress: SocketIngress, kind: str
) -> None:
    if kind == "handler of every namespace":

        @server.sio.on("connect", namespace="*")
        async def check(namespace: str, sid: str, environ: Any, auth: Any) -> bool:
            return namespace == "/" and auth == "right"

    else:

        class Check(socketio.AsyncNamespace):
            def on_connect(self, *args: Any) -> bool:
                return bool(args[-1] == "right")

            async def on_work(self, *args: Any) -> str:
                return "application"

        server.sio.register_namespace(Check("/" if kind == "namespace class" else "*"))
    ingress.on("connect", lambda: True)
    ingress.on("work", lambda: None)

    assert await server.refused(auth="wrong") == "Connection rejected by server"
    async with server.client(auth="right") as client:
        assert await client.call("work") == (None if kind == "handler of every namespace" else "application")
    ingress.clear()
    server.sio.handlers.clear()
    server.sio.namespace_handlers.clear()


async def test_a_failing_handler_of_the_application_refuses_where_a_subscriber_listens(
    server: Live, ingress: SocketIngress
) -> None:
    server.sio.on("connect", raising(ValueError("no")))
    ingress.on("connect", lambda: True)

    assert await server.refused() == "Connection rejected by server"
    ingress.clear()
    del server.sio.handlers["/"]


async def test_other_events_still_reach_the_application(server: Live, ingress: SocketIngress) -> None:
    seen: list[Any] = []
    ingress.on("ours", lambda: "ours")

    @server.sio.on("*")
    async def everything(event: str, sid: str, data: Any) -> str:
        seen.append((event, current_sid() == sid, data))
        return "application"

    async with server.client() as client:
        assert await client.call("ours") == "ours"
        assert await client.call("theirs", 1) == "application"
        ingress.clear()
        assert await client.call("ours", 2) == "application"

    assert seen == [("theirs", True, 1), ("ours", True, 2)]
    del server.sio.handlers["/"]


async def test_two_ingresses_of_one_server_are_both_heard(server: Live, ingress: SocketIngress) -> None:
    other = SocketIngress(server.sio)
    ingress.on("both", lambda: "first")
    ingress.on("connect", lambda: True)
    other.on("both", lambda: None)
    other.on("connect", lambda auth: auth == "right")

    assert await server.refused(auth="wrong") == "Connection rejected by server"
    async with server.client(auth="right") as client:
        assert await client.call("both") == "first"
        ingress.clear()
        assert await client.call("both") is None
        other.clear()
