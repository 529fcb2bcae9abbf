"""The socket handlers in flight, as a shutdown sees them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ._socket_server import SocketServer

if TYPE_CHECKING:
    from socketio import AsyncServer

_CLOSING = "the server is shutting down"


class RunningHandlers:
    """
    Every handler of one server that runs now, those that the application registered itself included.

    A shutdown refuses connections, waits until nothing runs, or not longer than it can, refuses events, cancels what is
    left and waits again. Any number of these may be made for a server: they all see the same.

    Args:
        socketio: The server.

    Raises:
        TypeError: It is no asynchronous Socket.IO server.
    """

    def __init__(self, socketio: AsyncServer) -> None:
        self._server = SocketServer.of(socketio)
        self._engine: Any = getattr(socketio, "eio", None)

    def __len__(self) -> int:
        return len(self._server.calls)

    def describe(self) -> list[str]:
        """One line for each, oldest first: ``event 'upload' of 'library' (sid ...) at app.py:31 in upload``."""
        return [str(socket_call) for socket_call in self._server.calls]

    async def wait_until_idle(self) -> None:
        """Wait until none runs, those that a client's event has just caused included."""
        # python-socketio gives an event a task, which is not known before its first step.
        await asyncio.sleep(0)
        await self._server.idle()

    def cancel(self) -> None:
        """
        Cancel all, once: a ``finally`` that waits runs to its end. None of them sends an acknowledgement.

        The same handlers are cancelled anew by another call: wait in between.
        """
        for socket_call in list(self._server.calls):
            socket_call.cancel()

    def refuse_connections(self) -> None:
        """Refuse clients from now on, and so that they try again: below Socket.IO, whose refusals are final."""
        if self._engine is not None and self._server.engine_connect is None:
            self._server.engine_connect = self._engine.handlers["connect"]
            self._engine.on("connect", _refuse)

    def refuse_events(self) -> None:
        """Call no handler from now on, but those of disconnect. No acknowledgement is sent."""
        self._server.serves_events = False

    def reopen(self) -> None:
        """Take connections and events again."""
        self._server.serves_events = True
        if self._engine is not None and self._server.engine_connect is not None:
            self._engine.on("connect", self._server.engine_connect)
            self._server.engine_connect = None


def _refuse(sid: str, environ: dict[str, Any]) -> str:
    return _CLOSING
