"""Many Socket.IO clients in one process: bare websockets that speak just enough of the protocol."""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

PING, PONG = "2", "3"


class Client:
    """A connected client."""

    def __init__(self, websocket: Any) -> None:
        self._websocket = websocket

    async def connect(self) -> None:
        """Enter the namespace ``/``."""
        await self.next("0")
        await self._websocket.send("40")
        await self.next("40")

    def cut(self) -> None:
        """Leave without a word: gevent's servers take half a minute to answer a close."""
        self._websocket.transport.abort()

    async def next(self, begins: str) -> str:
        """The rest of the next packet that begins so; the others are dropped, but pings are answered."""
        while True:
            packet: str = await self._websocket.recv()
            if packet == PING:
                await self._websocket.send(PONG)
            elif packet.startswith(begins):
                return packet[len(begins) :]

    async def emit(self, event: str, data: Any) -> None:
        """Send an event."""
        await self._websocket.send("42" + json.dumps([event, data]))

    async def call(self, event: str, data: Any) -> Any:
        """Send an event; the acknowledgement."""
        await self._websocket.send("427" + json.dumps([event, data]))
        return json.loads(await self.next("437"))

    async def heard(self) -> Any:
        """The next event and its data."""
        return json.loads(await self.next("42"))


@asynccontextmanager
async def connected(port: int, count: int) -> AsyncIterator[list[Client]]:
    """So many clients, connected while the block runs."""
    from websockets.asyncio.client import connect

    url = f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
    clients: list[Client] = []
    try:
        for start in range(0, count, 50):  # few enough that the server's backlog holds them
            opening = (connect(url, compression=None, open_timeout=30) for _ in range(min(50, count - start)))
            clients += [Client(websocket) for websocket in await asyncio.gather(*opening)]
        await asyncio.gather(*(client.connect() for client in clients))
        yield clients
    finally:
        for client in clients:
            client.cut()


def allow_files(count: int) -> None:
    """Let this process and its children open so many files, as far as the system lets them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))
