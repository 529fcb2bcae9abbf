"""A socket handler in flight, which a test lets go or cancels."""

import asyncio
from typing import Any

import socketio
from live_sockets import Live

from specter._running_handlers import RunningHandlers


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
    """Wait until no handler is in flight."""
    async with asyncio.timeout(5):
        await running.wait_until_idle()
