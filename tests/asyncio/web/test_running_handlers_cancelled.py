"""Socket handlers that are cancelled or refused: ended once, and never acknowledged when they were cut."""

import asyncio
from typing import Any

import aiohttp
import pytest
import socketio
from in_flight import Work, settled
from live_sockets import Live, live_server

from specter import SocketIngress
from specter._running_handlers import RunningHandlers
from specter.testing import eventually

pytestmark = pytest.mark.usefixtures("running")

NAMESPACES = "*"


# Cancelling.


async def test_a_cancelled_subscriber_cleans_up_and_is_not_acknowledged(
    server: Live, ingress: SocketIngress, running: RunningHandlers
) -> None:
    work = Work()
    ingress.on("work", work)
    async with server.client() as client:
        await work.caused_by(client, "work")
        running.cancel()
        await settled(running)
        assert work.log == ["cancelled", "cleaned up"]
        await work.never_acknowledged(server, client)


async def test_subscribers_after_a_cancelled_one_are_not_called(
    server: Live, ingress: SocketIngress, running: RunningHandlers
) -> None:
    work, called = Work(), []
    ingress.on("work", work)
    ingress.on("work", lambda: called.append("after"))
    async with server.client() as client:
        await work.caused_by(client, "work")
        running.cancel()
        await settled(running)
    assert called == []


@pytest.mark.parametrize("kind", ["function", "namespace"])
async def test_a_cancelled_handler_of_the_application_is_not_acknowledged(
    server: Live, running: RunningHandlers, kind: str
) -> None:
    work = Work()
    if kind == "function":
        server.sio.on("work", work.method, namespace="/room")
    else:

        class Room(socketio.AsyncNamespace):
            async def on_work(self, sid: str, data: Any) -> Any:
                return await work(sid, data)

        server.sio.register_namespace(Room("/room"))
    async with server.client(namespaces=["/", "/room"]) as client:
        await work.caused_by(client, "work", "/room")
        running.cancel()
        await settled(running)
        assert work.log == ["cancelled", "cleaned up"]
        await work.never_acknowledged(server, client)


async def test_a_handler_that_answers_although_it_was_cancelled_is_acknowledged(
    server: Live, ingress: SocketIngress, running: RunningHandlers
) -> None:
    work = Work()

    async def stubborn() -> str:
        try:
            return await work()
        except asyncio.CancelledError:
            return "stopped half way"

    ingress.on("work", stubborn)
    async with server.client() as client:
        await work.caused_by(client, "work")
        running.cancel()
        await settled(running)
        await eventually(lambda: work.acknowledged)
    assert work.acknowledged == [("stopped half way",)]


async def test_a_second_cancel_ends_a_handler_that_swallowed_the_first(
    server: Live, ingress: SocketIngress, running: RunningHandlers
) -> None:
    first, second = Work(), Work()

    async def swallows() -> None:
        try:
            await first()
        except asyncio.CancelledError:
            await second()

    ingress.on("work", swallows)
    async with server.client() as client:
        await first.caused_by(client, "work")
        running.cancel()
        await second.begun.wait()
        assert len(running) == 1
        running.cancel()
        await settled(running)
        await first.never_acknowledged(server, client)
    assert second.log == ["cancelled", "cleaned up"]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_connect_that_is_cancelled_refuses(
    server: Live, ingress: SocketIngress, running: RunningHandlers, transport: str
) -> None:
    work = Work()
    ingress.on("connect", work)
    refused = asyncio.create_task(server.refused(transport, wait_timeout=5))
    await work.begun.wait()
    running.cancel()

    assert await refused == "Connection rejected by server"
    assert work.log == ["cancelled", "cleaned up"]


async def test_a_foreign_cancellation_of_connect_refuses_and_ends_the_connection(
    server: Live, ingress: SocketIngress, running: RunningHandlers
) -> None:
    tasks: list[Any] = []

    async def connecting() -> None:
        tasks.append(asyncio.current_task())
        await asyncio.sleep(60)

    ingress.on("connect", connecting)
    # A client that stays, whatever it is told.
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}/socket.io/?EIO=4&transport=websocket") as client,
    ):
        assert (await client.receive_str()).startswith("0")
        await client.send_str("40")
        await eventually(lambda: tasks)
        # As a server does that ends the tasks of its connections.
        tasks[0].cancel()
        assert (await client.receive_str()).startswith("44")
        assert (await client.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
    await settled(running)


async def test_the_task_of_a_connection_is_not_left_cancelled(
    server: Live, ingress: SocketIngress, running: RunningHandlers
) -> None:
    tasks: list[Any] = []
    work = Work()

    async def connecting() -> None:
        tasks.append(asyncio.current_task())
        await work()

    ingress.on("connect", connecting)
    refused = asyncio.create_task(server.refused(wait_timeout=5))
    await work.begun.wait()
    running.cancel()
    running.cancel()
    await refused

    assert tasks[0].cancelling() == 0


# Refusing.


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_connections_are_refused_below_socket_io_until_it_is_reopened(
    server: Live, ingress: SocketIngress, running: RunningHandlers, transport: str
) -> None:
    connects: list[str] = []
    ingress.on("connect", lambda sid: connects.append(sid))
    ingress.on("ping", lambda: "pong")
    async with server.client(transport) as client:
        running.refuse_connections()
        running.refuse_connections()
        told = await server.refused(transport)
        assert "Connection rejected by server" not in told
        assert len(connects) == 1
        # Who is there already goes on.
        assert await client.call("ping") == "pong"

        running.reopen()
        running.reopen()
        async with server.client(transport) as other:
            assert await other.call("ping") == "pong"


async def test_events_that_are_refused_reach_no_handler_but_disconnect_does(
    server: Live, ingress: SocketIngress, running: RunningHandlers
) -> None:
    called: list[str] = []
    answers: list[Any] = []
    ingress.on("ours", lambda: called.append("ours") or "answer")
    ingress.on("connect", lambda: called.append("connect"))
    ingress.on("disconnect", lambda: called.append("disconnect"))
    server.sio.on("theirs", lambda sid: called.append("theirs"))
    async with server.client() as client:
        running.refuse_events()
        for event in ("ours", "theirs"):
            await client.emit(event, callback=lambda *values: answers.append(values))
        assert await server.refused() == "Connection rejected by server"

    await eventually(lambda: "disconnect" in called)
    assert called == ["connect", "disconnect"]
    assert answers == []


async def test_any_number_of_views_see_the_same(server: Live, ingress: SocketIngress) -> None:
    work = Work()
    ingress.on("work", work)
    async with server.client() as client:
        await work.caused_by(client, "work")
        assert [len(RunningHandlers(server.sio)) for _ in range(2)] == [1, 1]
        RunningHandlers(server.sio).cancel()
        await settled(RunningHandlers(server.sio))


# With handlers that run in the task of their connection.


async def test_a_server_that_handles_events_one_by_one_keeps_the_promises() -> None:
    work = Work()
    async with live_server(async_handlers=False) as server:
        ingress = SocketIngress(server.sio)
        running = RunningHandlers(server.sio)
        ingress.on("work", work)
        async with server.client() as client:
            await work.caused_by(client, "work")
            running.cancel()
            await settled(running)
            await work.never_acknowledged(server, client)
    assert work.log == ["cancelled", "cleaned up"]
