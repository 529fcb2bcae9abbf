"""Clients of every kind, which note how the server left them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import httpx
import socketio

from specter.testing import eventually


@dataclass
class Crowd:
    """
    What the clients of one server have seen. Moments are on the monotonic clock.

    Attributes:
        told: What was told to all of them, once for each.
        goodbyes: The reason that each Socket.IO client heard, and when.
        acknowledged: What came back for ``short``, which is done soon, and ``work``, which never is: {event: values}.
        slow: The status of the request that needs 1.5 s, and when it came.
        stream: When the event stream ended, and the error that it ended with.
    """

    url: str
    clients: list[socketio.AsyncClient] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    goodbyes: list[tuple[str, float]] = field(default_factory=list)
    acknowledged: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    slow: tuple[int, float] = (0, 0.0)
    stream: tuple[float, Exception | None] = (0.0, None)

    @property
    def reasons(self) -> list[str]:
        return [reason for reason, _ in self.goodbyes]

    async def ask_slowly(self, http: httpx.AsyncClient) -> None:
        answer = await http.get("/slow")
        self.slow = answer.status_code, time.monotonic()

    async def follow(self, http: httpx.AsyncClient, begun: asyncio.Event) -> None:
        error = None
        try:
            async with http.stream("GET", "/stream") as stream:
                async for _ in stream.aiter_lines():
                    begun.set()
        except httpx.HTTPError as raised:
            error = raised
        self.stream = time.monotonic(), error

    async def begin(self, client: socketio.AsyncClient, event: str) -> None:
        await client.emit(event, callback=lambda *values: self.acknowledged.update({event: values}))


@contextlib.asynccontextmanager
async def crowd(url: str, websockets: int, polling: int) -> AsyncIterator[Crowd]:
    """Clients that are connected and busy; leaving the block waits until the server has left them."""
    crowd = Crowd(url)
    async with httpx.AsyncClient(base_url=url, timeout=20) as http, unlimited() as session:
        for number in range(websockets + polling):
            transport = "websocket" if number < websockets else "polling"
            crowd.clients.append(await connect(crowd, session, transport))
        begun = asyncio.Event()
        async with asyncio.timeout(40), asyncio.TaskGroup() as group:
            group.create_task(crowd.follow(http, begun))
            await begun.wait()
            await crowd.begin(crowd.clients[0], "work")
            # A client that polls asks anew when it is told something.
            await crowd.clients[0].call("job", "first")
            await crowd.clients[1].call("job", "second")
            await eventually(lambda: len(crowd.told) == 2 * len(crowd.clients))
            # Last, for they are soon done; whoever is told of the crowd has no time to lose.
            await crowd.begin(crowd.clients[1], "short")
            group.create_task(crowd.ask_slowly(http))
            yield crowd
            for client in crowd.clients:
                await client.disconnect()


def unlimited() -> aiohttp.ClientSession:
    """A session for any number of clients; 100 is aiohttp's limit."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


async def connect(crowd: Crowd, session: aiohttp.ClientSession, transport: str) -> socketio.AsyncClient:
    client = socketio.AsyncClient(http_session=session, reconnection=False)
    client.on("done", crowd.told.append)
    client.on("disconnect", lambda reason: crowd.goodbyes.append((reason, time.monotonic())))
    await client.connect(crowd.url, transports=[transport], wait_timeout=10)
    return client
