"""A real Socket.IO server in the test's own event loop, and python-socketio's real clients to it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import engineio
import pytest
import socketio
import uvicorn

from specter._running_handlers import RunningHandlers
from specter.testing import eventually

# Seconds that a client waits for its namespaces; python-socketio's own 1 s is not much.
PATIENCE = 10

transports = pytest.mark.parametrize("transport", ["websocket", "polling"])


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Live:
    """A Socket.IO server and its address."""

    sio: socketio.AsyncServer
    url: str

    @contextlib.asynccontextmanager
    async def client(self, transport: str = "websocket", **connect: Any) -> AsyncIterator[socketio.AsyncClient]:
        """A client of its own connection; not connected yet if *connect* has ``connect=False``."""
        # A client that was refused leaves a session of its own open.
        reading = aiohttp.TraceConfig()
        reading.on_request_end.append(_read)
        async with aiohttp.ClientSession(trace_configs=[reading]) as session:
            client = socketio.AsyncClient(http_session=session, reconnection=False, handle_sigint=False)
            if connect.pop("connect", True):
                await client.connect(self.url, transports=[transport], **{"wait_timeout": PATIENCE} | connect)
            try:
                yield client
            finally:
                await self._answering_polls(client, client.disconnect())

    async def refused(self, transport: str = "websocket", **connect: Any) -> str:
        """Connect, be refused, and give the reason that the server told."""
        connect.setdefault("wait_timeout", PATIENCE)
        async with self.client(transport, connect=False) as client:
            told: list[Any] = []
            client.on("connect_error", told.append)
            with contextlib.suppress(socketio.exceptions.ConnectionError):
                await self._answering_polls(client, client.connect(self.url, transports=[transport], **connect))
                raise AssertionError("the server let the client in")
            return told[0]["message"] if isinstance(told[0], dict) else str(told[0])

    async def _answering_polls(self, client: socketio.AsyncClient, leaving: Coroutine[Any, Any, None]) -> None:
        """Let a client that polls leave: it would wait for the answer to its last poll until the next ping."""
        task = asyncio.create_task(leaving)
        while not (await asyncio.wait({task}, timeout=0.02))[0]:
            known = self.sio.eio.sockets.get(client.eio.sid)
            if known is not None and not known.upgraded:
                await known.queue.put(engineio.packet.Packet(engineio.packet.NOOP))
        await task


@contextlib.asynccontextmanager
async def live_server(app: Any = None, **options: Any) -> AsyncIterator[Live]:
    """Serve Socket.IO (over *app*, if any) until the block is left."""
    sio = socketio.AsyncServer(async_mode="asgi", **options)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(100)
    asgi = socketio.ASGIApp(sio, app)
    server = _Server(uvicorn.Config(asgi, lifespan="off", log_level="error", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await eventually(lambda: server.started)
    try:
        yield Live(sio, f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        for left in list(sio.eio.sockets.values()):
            await left.close(wait=False)
        if sio.eio.service_task_handle is not None:
            await sio.shutdown()
        server.should_exit = True
        await serving
        listener.close()


async def _read(session: Any, context: Any, request: aiohttp.TraceRequestEndParams) -> None:
    """Read what python-socketio's client does not, or aiohttp warns of its connection."""
    if request.response.status != 101:
        await request.response.read()


async def settled(sio: socketio.AsyncServer) -> None:
    """Wait until no handler runs."""
    async with asyncio.timeout(10):
        await RunningHandlers(sio).wait_until_idle()


def raising(error: BaseException) -> Any:
    """A subscriber that raises *error*."""

    def subscriber() -> None:
        raise error

    return subscriber
