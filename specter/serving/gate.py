"""
The gate: an ASGI wrapper round the whole application that knows each call in flight and can end it.

             open                      closed
    call ──────────▶ application       call ────────▶ 503; a websocket is refused
                                       call of a Socket.IO client that is known ────────▶ application

What it ends hears a disconnect, as if its client had gone: every framework can bear that. Cancelling the task of a
call instead ends that task alone; Quart's handler, which runs in another, would go on.
"""

from __future__ import annotations

import asyncio
from typing import Any

from .asgi import ASGIApp, Receive, Scope, Send, query, send_close, send_text, send_unavailable
from .call import Call
from .farewell import farewell, is_known_client


class Gate:
    """
    An ASGI application that lets calls through until it is closed.

    Args:
        app: What it stands before.

    Attributes:
        app: The same.
        closed: Whether new calls are turned away.
        state: What the lifespan left in its ``state``: each call gets a shallow copy. `None` leaves the server's own.
        drained: The drain of this gate, once somebody asked for it: the next who asks waits for the same one.
        spent: Seconds that the drain has taken; 0 until it is done.
        engineio: The server whose clients are being told to go; `None` while they stay.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.closed = False
        self.state: dict[str, Any] | None = None
        self.drained: asyncio.Task[list[str]] | None = None
        self.spent = 0.0
        self.engineio: Any = None
        self._calls: dict[Call, None] = {}
        self._changed = asyncio.Event()

    def open(self) -> None:
        """Let calls through (again), as before the first `close`. For the start of a boot."""
        self.closed = False
        self.drained = None
        self.spent = 0.0
        self.engineio = None
        self._changed = asyncio.Event()  # an event belongs to one loop, and a second boot may have another

    def close(self) -> None:
        """Turn new calls away from now on."""
        self.closed = True

    def calls(self) -> list[Call]:
        """The calls in flight, oldest first."""
        return list(self._calls)

    async def changed(self) -> None:
        """Wait until a call ends, or its answer begins."""
        self._changed.clear()
        await self._changed.wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on, or turn it away."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif self.closed and not is_known_client(query(scope)):
            await _turn_away(scope, receive, send)
        elif self.engineio is not None and (body := self._farewell(scope)) is not None:
            await send_text(send, body)
        else:
            if self.state is not None:
                scope["state"] = self.state.copy()
            call = Call(scope, receive, send, self._changed.set)
            self._calls[call] = None
            try:
                await call.run(self.app)
            finally:
                del self._calls[call]
                self._changed.set()

    def _farewell(self, scope: Scope) -> bytes | None:
        return farewell(self.engineio, scope["method"], query(scope)) if scope["type"] == "http" else None


async def _turn_away(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send_close(send)
    else:
        await send_unavailable(scope, send)
