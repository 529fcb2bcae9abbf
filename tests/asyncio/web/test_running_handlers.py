"""Socket handlers in flight: known by name and line, and waited for."""

import asyncio
from typing import Any

import pytest
import socketio
from in_flight import Work, settled
from live_sockets import Live, live_server

from specter import SocketIngress
from specter._running_handlers import RunningHandlers
from specter._socket_call import SocketCall
from specter._socket_server import SocketServer
from specter.testing import eventually

pytestmark = pytest.mark.usefixtures("running")

NAMESPACES = "*"


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
        assert line.startswith(f"event 'work' of 'Work' (sid {client.get_sid()}) at in_flight.py:")

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
