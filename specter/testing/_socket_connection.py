"""A websocket to an ASGI application, with no port between: the application runs in a task of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlencode

from specter._where import where
from specter.serving.asgi import ASGIApp, Message, Scope

# Seconds: for the disconnect handlers of an application, and then for what a cancellation leaves it.
_GOODBYE_TIME = 5.0
_CANCEL_TIME = 1.0


def scope_of(path: str, headers: Mapping[str, str] | None, query: Mapping[str, str] | None) -> Scope:
    """What an ASGI server would say of a websocket of Socket.IO."""
    given = {name.lower(): value for name, value in (headers or {}).items()}
    # Without these Engine.IO takes it for no websocket.
    all_headers = {"host": "testserver", **given, "connection": "Upgrade", "upgrade": "websocket"}
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": urlencode({**(query or {}), "EIO": "4", "transport": "websocket"}).encode(),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in all_headers.items()],
        "client": ("127.0.0.1", 0),
        "server": ("testserver", 80),
        "subprotocols": [],
    }


class SocketConnection:
    """
    One websocket.

    Args:
        app: The application.
        scope: What it is told of the websocket.
        heard: Called with each frame that it sends.
        ended: Called once, when it has ended the websocket: with what it said, or with its error.

    Attributes:
        accepted: Whether the application has accepted it.
    """

    def __init__(
        self,
        app: ASGIApp,
        scope: Scope,
        heard: Callable[[str | bytes], None],
        ended: Callable[[str | BaseException], None],
    ) -> None:
        self.accepted = False
        self._app = app
        self._scope = scope
        self._heard = heard
        self._ended = ended
        self._reason = "the application has returned"
        self._closed = False
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._messages.put_nowait({"type": "websocket.connect"})
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Start the application in a task."""
        self._task = asyncio.create_task(self._run(), name=f"websocket {self._scope['path']} under test")

    def send(self, frames: Iterable[str | bytes]) -> None:
        """Have the application receive frames. Never waits; does nothing when the websocket is closed."""
        for frame in frames if not self._closed else ():
            kind = "text" if isinstance(frame, str) else "bytes"
            self._messages.put_nowait({"type": "websocket.receive", kind: frame})

    def close(self) -> None:
        """Have the application hear that the websocket is closed. Once is enough."""
        if not self._closed:
            self._closed = True
            self._messages.put_nowait({"type": "websocket.disconnect", "code": 1005, "reason": ""})

    async def gone(self) -> None:
        """
        Close it, and wait until the application has ended.

        Raises:
            RuntimeError: It does not end; names the line at which it waits. It was cancelled.
        """
        self.close()
        if self._task is None or (await asyncio.wait({self._task}, timeout=_GOODBYE_TIME))[0]:
            return
        line = where(self._task)
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=_CANCEL_TIME)
        raise RuntimeError(
            f"the application has not ended within {_GOODBYE_TIME} s of the disconnect of its client, waits at {line}"
        )

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)
        except (asyncio.CancelledError, SystemExit, KeyboardInterrupt):
            self._ended("the task of the websocket was cancelled")
            raise
        except BaseException as error:  # also what pytest raises to end a test
            self._ended(error)
        else:
            self._ended(self._reason)

    async def _receive(self) -> Message:
        if self._closed and self._messages.empty():
            return {"type": "websocket.disconnect", "code": 1005, "reason": ""}
        return await self._messages.get()

    async def _send(self, message: Message) -> None:
        match message["type"]:
            case "websocket.accept":
                self.accepted = True
            case "websocket.send":
                frame = message.get("bytes")
                self._heard(message["text"] if frame is None else frame)
            case "websocket.close":
                told = message.get("reason") or f"code {message.get('code', 1000)}"
                self._end(f"the server closed the websocket: {told}")
            case "websocket.http.response.start":
                self._end(f"the server answered with status {message['status']}")
            case "websocket.http.response.body":
                pass
            case other:
                raise RuntimeError(f"a websocket is answered by 'websocket...' messages, got {other!r}")

    def _end(self, reason: str) -> None:
        self._reason = reason
        self.close()


def end_pings(engine_sid: str | None) -> None:
    """
    End what python-socketio leaves running for a client that has gone: the wait for its next ping.

    A server would end it by itself up to 25 s later, and a test would find it among what it has left behind.
    """
    for task in asyncio.all_tasks():
        frame = getattr(task.get_coro(), "cr_frame", None)
        if frame is not None and frame.f_globals.get("__name__") == "engineio.async_socket":
            if getattr(frame.f_locals.get("self"), "sid", None) == engine_sid:
                task.cancel()
