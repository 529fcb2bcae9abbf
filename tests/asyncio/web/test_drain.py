"""The drain: what becomes of calls, handlers and clients when a gate is closed for good."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anyio
import httpx
import pytest
import socketio

from specter._deadline import at_most
from specter._running_handlers import RunningHandlers
from specter.serving.cut import tell_cut
from specter.serving.drain import drain
from specter.serving.gate import Gate
from specter.serving.listener import Listener
from specter.serving.servers import find_server, reachable
from specter.testing import eventually


class Site:
    """A Socket.IO server over a small ASGI application, behind a gate, served by Uvicorn in this loop."""

    def __init__(self) -> None:
        self.sio = socketio.AsyncServer(async_mode="asgi")
        self.handlers = RunningHandlers(self.sio)
        self.gate = Gate(socketio.ASGIApp(self.sio, self.app))
        self.log: list[str] = []
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.sio.on("work", self.work)
        self.sio.on("stubborn", self.stubborn)
        self.sio.on("disconnect", self.disconnect)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        content_type = b"text/event-stream" if scope["path"].endswith("/stream") else b"text/plain"
        if scope["path"].startswith("/slow"):
            self.begun.set()
            await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type)]})
        if scope["path"].endswith("/stream"):
            await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
            while (await receive())["type"] != "http.disconnect":
                pass
            self.log.append("stream ended")
            return
        await send({"type": "http.response.body", "body": b"whole"})

    async def work(self, sid: str) -> str:
        self.begun.set()
        try:
            await self.go_on.wait()
        finally:
            await asyncio.sleep(0.01)
            self.log.append("cleaned up")
        return "done"

    async def stubborn(self, sid: str) -> None:
        self.begun.set()
        while not self.go_on.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.go_on.wait()

    def disconnect(self, sid: str, reason: str) -> None:
        self.log.append(f"disconnect handler: {reason}")

    async def drain(self, graceful_timeout: float = 0.05, within: float = 10) -> list[str]:
        with at_most(within):
            return await drain(self.gate, socketio=self.sio, handlers=self.handlers, graceful_timeout=graceful_timeout)

    @contextlib.asynccontextmanager
    async def client(self, transport: str = "websocket") -> AsyncIterator[Any]:
        async with aiohttp.ClientSession() as session:
            client = socketio.AsyncClient(http_session=session, reconnection=False, handle_sigint=False)
            client.reasons = []
            client.on("disconnect", client.reasons.append)
            await client.connect(self.url, transports=[transport], wait_timeout=10)
            yield client
            await client.disconnect()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    listener = Listener("127.0.0.1", 0)
    site.url = listener.url
    server = find_server("uvicorn")(site.gate, listener)
    serving = asyncio.create_task(server.serve())
    await reachable(listener)
    yield site
    site.go_on.set()
    await site.drain()
    server.quit()
    await serving


def engineio_tasks() -> list[str]:
    frames = (getattr(task.get_coro(), "cr_frame", None) for task in asyncio.all_tasks())
    return [frame.f_code.co_name for frame in frames if frame and "engineio/async_s" in frame.f_code.co_filename]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_clients_are_disconnected_by_the_server(site: Site, transport: str) -> None:
    async with site.client(transport) as client:
        left = await site.drain()
        await eventually(lambda: client.reasons)

    assert client.reasons == ["server disconnect"]
    assert site.log == ["disconnect handler: server disconnect"]
    assert left == []


async def test_a_client_between_two_polls_still_hears_what_was_sent_and_its_goodbye(site: Site) -> None:
    async with httpx.AsyncClient(base_url=f"{site.url}/socket.io/", timeout=5) as http:
        opened = await http.get("", params={"EIO": 4, "transport": "polling"})
        client = {"EIO": 4, "transport": "polling", "sid": json.loads(opened.text[1:])["sid"]}
        await http.post("", params=client, content="40")
        assert (await http.get("", params=client)).text.startswith("40")
        await site.sio.emit("last", "words")

        ending = asyncio.create_task(site.drain())
        await eventually(lambda: "disconnect handler: server disconnect" in site.log)
        sent = await http.post("", params=client, content='42["too","late"]')
        goodbye = await http.get("", params=client)
        await ending
        again = await http.get("", params=client)

    assert (sent.status_code, sent.text) == (200, "ok")
    assert (goodbye.status_code, goodbye.text) == (200, '42["last","words"]\x1e1')
    assert (again.status_code, again.text) == (200, "1")


async def test_nothing_of_socketio_is_left_running(site: Site) -> None:
    async with site.client(), site.client("polling"):
        assert "_send_ping" in engineio_tasks()
        assert "_service_task" in engineio_tasks()

        await site.drain()

    assert [name for name in engineio_tasks() if name.startswith("_")] == []
    assert site.sio.eio.sockets == {}


async def test_a_handler_that_ends_in_time_acknowledges(site: Site) -> None:
    async with site.client() as client:
        answer = asyncio.create_task(client.call("work"))
        await site.begun.wait()
        draining = asyncio.create_task(site.drain(graceful_timeout=5))
        site.go_on.set()

        assert await answer == "done"
        await draining


async def test_a_handler_that_takes_longer_is_cancelled_and_cleans_up(site: Site, caplog: Any) -> None:
    async with site.client() as client:
        answer = asyncio.create_task(client.call("work", timeout=0.2))
        await site.begun.wait()
        left = await site.drain()

        with pytest.raises((socketio.exceptions.TimeoutError, socketio.exceptions.DisconnectedError)):
            await answer

    assert site.log == ["cleaned up", "disconnect handler: server disconnect"]
    assert left == []
    assert "not done within the graceful timeout, and ended: event 'work'" in caplog.text


async def test_a_handler_that_swallows_its_cancellation_is_named(site: Site, caplog: Any) -> None:
    async with site.client() as client:
        await client.emit("stubborn")
        await site.begun.wait()
        (left,) = await site.drain(within=2)

    assert left.startswith("event 'stubborn'")
    assert "test_drain.py:" in left
    assert left.endswith("in stubborn")
    assert left in caplog.text


async def test_a_request_in_flight_is_answered(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.url) as http:
        answer = asyncio.create_task(http.get("/slow"))
        await site.begun.wait()
        draining = asyncio.create_task(site.drain(graceful_timeout=5))
        await asyncio.sleep(0)
        refused = await http.get("/")
        site.go_on.set()

        assert refused.status_code == 503
        assert (await answer).text == "whole"
        await draining


async def test_a_request_that_takes_longer_and_hears_nothing_is_cut(site: Site, caplog: Any) -> None:
    async with httpx.AsyncClient(base_url=site.url) as http:
        answer = asyncio.create_task(http.get("/slow"))
        await site.begun.wait()
        left = await site.drain()
        with contextlib.suppress(httpx.HTTPError):
            await answer

    assert left == []
    assert site.gate.calls() == []
    assert caplog.messages[0] == "not done within the graceful timeout, and ended: <GET /slow>"


async def test_of_many_that_are_cut_the_first_are_named(caplog: Any) -> None:
    tell_cut([f"<GET /{number}>" for number in range(13)])

    assert len(caplog.messages) == 11
    assert caplog.messages[-1].endswith("and ended: 3 more")


async def test_an_event_stream_is_ended_at_once(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.url) as http, http.stream("GET", "/stream") as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "data: 1"
        async with asyncio.timeout(10):
            await site.drain(graceful_timeout=30)
        rest = [line async for line in lines]

    assert rest == [""]
    assert site.log == ["stream ended"]


async def test_a_stream_that_begins_during_the_drain_is_ended(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.url) as http:
        stream = asyncio.create_task(http.get("/slow/stream"))
        await site.begun.wait()
        draining = asyncio.create_task(site.drain(graceful_timeout=30))
        site.go_on.set()
        async with asyncio.timeout(5):
            await draining

        assert (await stream).text == "data: 1\n\n"


async def test_a_second_drain_waits_for_the_first(site: Site) -> None:
    async with site.client() as client:
        await client.emit("work")
        await site.begun.wait()
        first = asyncio.create_task(site.drain(graceful_timeout=5))
        second = asyncio.create_task(site.drain(graceful_timeout=0))
        await asyncio.sleep(0.1)
        assert not first.done()
        assert not second.done()
        site.go_on.set()

        assert await first == await second == []
        assert site.log.count("disconnect handler: server disconnect") == 1


async def test_a_caller_that_is_cancelled_leaves_the_drain_going_on(site: Site) -> None:
    async with site.client() as client:
        await client.emit("work")
        await site.begun.wait()
        caller = asyncio.create_task(site.drain(graceful_timeout=60))
        await eventually(lambda: site.gate.closed)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        site.go_on.set()

        assert await site.drain() == []
        await eventually(lambda: client.reasons)


async def test_everything_keeps_to_the_deadline(site: Site) -> None:
    async with site.client() as client:
        await client.emit("stubborn")
        await site.begun.wait()
        begun = anyio.current_time()
        await site.drain(graceful_timeout=60, within=1)

    assert anyio.current_time() - begun < 10


async def test_a_step_that_fails_does_not_keep_the_next_from_running(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise OSError("a step went wrong")

    monkeypatch.setattr(site.handlers, "refuse_connections", fail)
    async with site.client() as client:
        await site.drain()
        await eventually(lambda: client.reasons)

    assert client.reasons == ["server disconnect"]
    assert "a step went wrong" in caplog.text


async def test_clients_come_back_after_a_second_boot(site: Site) -> None:
    async with site.client():
        await site.drain()
    site.gate.open()
    site.handlers.reopen()
    async with site.client() as client:
        assert "_service_task" in engineio_tasks()
        await site.drain()
        await eventually(lambda: client.reasons)

    assert [name for name in engineio_tasks() if name.startswith("_")] == []
