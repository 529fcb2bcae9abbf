"""Socket handlers in flight: known, ended once, and never acknowledged when they were cut."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import socketio
from live_sockets import Live, live_server

from specter import SocketIngress
from specter._running_handlers import RunningHandlers
from specter._socket_call import SocketCall
from specter._socket_server import SocketServer
from specter.testing import eventually


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The server lives as long as the module."""
    return "asyncio"


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Live]:
    async with live_server(namespaces="*") as live:
        yield live


@pytest.fixture
async def ingress(server: Live) -> AsyncIterator[SocketIngress]:
    ingress = SocketIngress(server.sio)
    yield ingress
    ingress.clear()
    server.sio.handlers.clear()
    server.sio.namespace_handlers.clear()
    RunningHandlers(server.sio).reopen()


@pytest.fixture
def running(server: Live, ingress: SocketIngress) -> RunningHandlers:
    return RunningHandlers(server.sio)


class Work:
    """A handler that runs until it is let go, and says what became of it."""

    def __init__(self) -> None:
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()
        self.log: list[str] = []
        self.acknowledged: list[Any] = []

    async def __call__(self, *args: Any) -> str:
        self.begun.set()
        try:
            await self.may_end.wait()
            self.log.append("ended")
            return "done"
        except asyncio.CancelledError:
            self.log.append("cancelled")
            raise
        finally:
            await asyncio.sleep(0.01)
            self.log.append("cleaned up")

    async def method(self, *args: Any) -> str:
        return await self(*args)

    async def caused_by(self, client: socketio.AsyncClient, event: str, namespace: str = "/") -> None:
        await client.emit(event, 1, namespace=namespace, callback=lambda *answer: self.acknowledged.append(answer))
        await self.begun.wait()

    async def never_acknowledged(self, server: Live, client: socketio.AsyncClient) -> None:
        """An acknowledgement would have come before the answer to a later event."""
        server.sio.on("later", lambda sid: "here")
        assert await client.call("later") == "here"
        assert self.acknowledged == []


async def settled(running: RunningHandlers) -> None:
    async with asyncio.timeout(5):
        await running.wait_until_idle()


# What is known.


async def test_a_subscriber_in_flight_is_known_by_name_and_line(
    server: Live, ingress: SocketIngress, running: RunningHandlers
) -> None:
    class Library:
        name = "library"

        def add_cleanup(self, fn: Any) -> None: ...

        async def upload(self, data: Any) -> None:
            begun.set()
            await may_end.wait()

    begun, may_end = asyncio.Event(), asyncio.Event()
    library = Library()
    ingress.on("upload", lambda: None)
    ingress.on("upload", library.upload, owner=library)
    assert len(running) == 0 and running.describe() == []

    async with server.client() as client:
        await client.emit("upload", 1)
        await begun.wait()
        assert len(running) == 1
        (line,) = running.describe()
        assert line.startswith(f"event 'upload' of 'library' (sid {client.get_sid()}) at test_running_handlers.py:")
        assert line.endswith(" in upload")
        may_end.set()
        await settled(running)

    assert len(running) == 0


async def test_a_handler_that_the_application_registered_is_known(server: Live, running: RunningHandlers) -> None:
    work = Work()
    server.sio.on("work", work)
    async with server.client() as client:
        await work.caused_by(client, "work")
        (line,) = running.describe()
        assert line.startswith(f"event 'work' of 'Work' (sid {client.get_sid()}) at test_running_handlers.py:")

        work.may_end.set()
        await settled(running)
        await eventually(lambda: work.acknowledged)

    assert work.acknowledged == [("done",)]


@pytest.mark.parametrize("catch_all", [False, True])
async def test_a_handler_for_every_event_or_namespace_is_known_by_the_event(
    server: Live, running: RunningHandlers, catch_all: bool
) -> None:
    work = Work()
    server.sio.on("*", work, namespace="*" if catch_all else "/room")
    async with server.client(namespaces=["/room"]) as client:
        await work.caused_by(client, "anything", "/room")
        (line,) = running.describe()
        assert line.startswith(f"event 'anything' of 'Work' (sid {client.get_sid('/room')}) at ")
        work.may_end.set()
        await settled(running)


async def test_an_event_named_like_the_handler_for_every_event_is_no_crash(
    server: Live, running: RunningHandlers
) -> None:
    seen: list[Any] = []
    server.sio.on("*", lambda *args: seen.append(args) or "here")
    async with server.client() as client:
        assert await client.call("*") == "here"
        assert seen == [(client.get_sid(),)]


async def test_what_was_registered_before_specter_is_known() -> None:
    work, room = Work(), Work()
    async with live_server() as server:
        server.sio.on("work", work)

        class Room(socketio.AsyncNamespace):
            async def on_work(self, sid: str, data: Any) -> Any:
                return await room()

        server.sio.register_namespace(Room("/room"))
        running = RunningHandlers(server.sio)
        async with server.client(namespaces=["/", "/room"]) as client:
            await work.caused_by(client, "work")
            await room.caused_by(client, "work", "/room")
            assert len(running) == 2
            running.cancel()
            await settled(running)

    assert work.log == room.log == ["cancelled", "cleaned up"]


@pytest.mark.parametrize("beside_subscribers", [False, True])
async def test_handlers_of_the_application_that_take_fewer_arguments_still_work(
    server: Live, ingress: SocketIngress, beside_subscribers: bool
) -> None:
    seen: list[str] = []
    gone = asyncio.Event()

    @server.sio.event
    async def connect(sid: str, environ: Any) -> None:
        seen.append(f"connect {sid}")

    @server.sio.event
    def disconnect(sid: str) -> None:
        seen.append(f"disconnect {sid}")
        gone.set()

    if beside_subscribers:
        ingress.on("connect", lambda: None)
        ingress.on("disconnect", lambda: None)
    async with server.client() as client:
        sid = client.get_sid()
    await gone.wait()
    assert seen == [f"connect {sid}", f"disconnect {sid}"]


async def test_connect_and_disconnect_are_known(server: Live, ingress: SocketIngress, running: RunningHandlers) -> None:
    connecting, leaving = Work(), Work()
    ingress.on("connect", connecting)
    ingress.on("disconnect", leaving)
    async with server.client(connect=False) as client:
        connection = asyncio.create_task(client.connect(server.url, transports=["websocket"], wait_timeout=5))
        await connecting.begun.wait()
        assert [line.split(" of ")[0] for line in running.describe()] == ["event 'connect'"]
        connecting.may_end.set()
        await connection
    await leaving.begun.wait()
    assert [line.split(" of ")[0] for line in running.describe()] == ["event 'disconnect'"]
    leaving.may_end.set()
    await settled(running)


async def test_waiting_for_idle_includes_what_has_just_been_caused(
    server: Live, ingress: SocketIngress, running: RunningHandlers
) -> None:
    done: list[int] = []

    async def handler(sid: str) -> None:
        await asyncio.sleep(0)
        done.append(1)

    server.sio.on("late", handler)
    # What python-socketio does when a packet of a client has come.
    server.sio.start_background_task(server.sio.handlers["/"]["late"], "sid")
    assert len(running) == 0

    await settled(running)
    assert done == [1]


async def test_everybody_who_waits_for_idle_hears_of_it(server: Live, running: RunningHandlers) -> None:
    work = Work()
    server.sio.on("work", work)
    async with server.client() as client:
        await work.caused_by(client, "work")
        waiters = [asyncio.create_task(settled(running)) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(waiter.done() for waiter in waiters)
        work.may_end.set()
        await asyncio.gather(*waiters)


async def test_idle_is_not_what_lasts_for_a_moment_between_two_handlers(server: Live, running: RunningHandlers) -> None:
    slots = SocketServer.of(server.sio)
    with SocketCall(slots, "first", "sid"):
        waiter = asyncio.create_task(settled(running))
        await asyncio.sleep(0.01)
    with SocketCall(slots, "second", "sid"):
        await asyncio.sleep(0.01)
        assert not waiter.done()
    await waiter


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
