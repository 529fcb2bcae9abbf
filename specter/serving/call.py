"""One HTTP or websocket call in flight, which can be ended from outside."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from .asgi import (
    WEBSOCKET_RESTART,
    ASGIApp,
    Message,
    Receive,
    Scope,
    Send,
    query,
    send_close,
    send_last_chunk,
    send_unavailable,
)
from .farewell import is_client

log = logging.getLogger(__name__)


class Call:
    """
    One call, from the server to the application.

    Args:
        scope: ASGI's description of it.
        receive: The server's.
        send: The server's.
        changed: Called when the answer begins.

    Attributes:
        ended: Whether `end` was called.
        task: The server's task of this call.
    """

    # What only the end of an application asks for is found out then, not for each call.
    __slots__ = ("_changed", "_last", "_readers", "_receive", "_scope", "_send", "_start", "ended", "task")

    def __init__(self, scope: Scope, receive: Receive, send: Send, changed: Callable[[], None]) -> None:
        self.ended = False
        self.task = asyncio.current_task()
        self._scope, self._receive, self._send, self._changed = scope, receive, send, changed
        # Of the answer: its head, and the message that was sent last.
        self._start: Message | None = None
        self._last: Message | None = None
        self._readers: set[asyncio.Task[object]] = set()

    def __repr__(self) -> str:
        return f"<{self._scope.get('method', 'websocket')} {self._scope['path']}>"

    @property
    def engineio(self) -> bool:
        """Whether it carries a Socket.IO client, by polling or by websocket."""
        return is_client(query(self._scope))

    @property
    def request(self) -> bool:
        """Whether it is an ordinary request, whose answer somebody waits for."""
        return self._scope["type"] == "http" and not self.engineio

    @property
    def stream(self) -> bool:
        """Whether its answer is an event stream, which has no end of its own."""
        return self._start is not None and _is_event_stream(self._start)

    async def run(self, app: ASGIApp) -> None:
        """Have the application answer, and complete the answer if the call was ended meanwhile."""
        try:
            await app(self._scope, self.receive, self.send)
        except Exception:
            if not self.ended:
                raise
            log.warning("%r failed when it was ended", self, exc_info=True)
        if self.ended and not self._done():
            await self._complete()

    async def receive(self) -> Message:
        """Give the server's next message; a disconnect from `end` on."""
        if self.ended:
            return self._disconnect()
        task = asyncio.current_task()
        assert task is not None
        self._readers.add(task)
        try:
            return await self._receive()
        except asyncio.CancelledError:
            # Both may have cancelled: then the other's counts.
            if not self.ended or task.uncancel() > 0:
                raise
            return self._disconnect()
        finally:
            self._readers.discard(task)

    def send(self, message: Message) -> Awaitable[None]:
        """Hand a message of the application to the server."""
        self._last = message
        if message["type"] == "http.response.start":
            self._start = message
            self._changed()
        return self._send(message)

    def end(self) -> None:
        """Tell the application that its client has gone. Never waits; once is enough."""
        if self.ended:
            return
        self.ended = True
        for task in self._readers:
            task.cancel()

    def cancel(self) -> None:
        """Cancel the server's task of this call: for an application that does not hear that its client has gone."""
        if self.task is not None:
            self.task.cancel()

    def _disconnect(self) -> Message:
        if self._scope["type"] == "http":
            return {"type": "http.disconnect"}
        return {"type": "websocket.disconnect", "code": WEBSOCKET_RESTART, "reason": None}

    def _done(self) -> bool:
        """Whether the application has sent the end of its answer."""
        last = self._last
        if last is None:
            return False
        return last["type"] == "websocket.close" or (
            last["type"] == "http.response.body" and not last.get("more_body", False)
        )

    async def _complete(self) -> None:
        try:
            if self._scope["type"] == "websocket":
                await send_close(self._send)
            elif self._start is not None:
                await send_last_chunk(self._send)
            else:
                await send_unavailable(self._scope, self._send)
        except Exception:
            log.debug("the client of %r had gone by itself", self, exc_info=True)


def _is_event_stream(message: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.lower().startswith(b"text/event-stream")
        for name, value in message.get("headers", ())
    )
