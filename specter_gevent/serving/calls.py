"""The calls in flight of a server, each of which can be ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from gevent import GreenletExit, getcurrent
from gevent.event import Event

from specter.serving.farewell import farewell, is_client, is_known_client


class Ended(GreenletExit):
    """The server has ended this call: raised where it waits."""


class Call:
    """
    One call, from the server to the application.

    Args:
        environ: WSGI's description of it.

    Attributes:
        engineio: Whether it carries a Socket.IO client, by polling or by websocket.
        stream: Whether its answer is an event stream, which has no end of its own.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        self.engineio = is_client(environ["QUERY_STRING"])
        self.stream = False
        self._websocket = environ.get("HTTP_UPGRADE", "").lower() == "websocket"
        self._name = f"<{environ['REQUEST_METHOD']} {environ['PATH_INFO']}>"
        self._ended = False
        self.greenlet: Any = getcurrent()

    def __repr__(self) -> str:
        return self._name

    @property
    def request(self) -> bool:
        """Whether it is an ordinary request, whose answer somebody waits for."""
        return not (self.engineio or self._websocket or self.stream)

    def end(self) -> None:
        """Raise `Ended` in it, once: a ``finally`` that waits runs to its end. Does not wait for that."""
        if not self._ended:
            self._ended = True
            self.greenlet.kill(Ended(), block=False)


class Calls:
    """
    Knows each call of a server, and turns new ones away when it is closed.

    Attributes:
        closed: Whether new calls are answered with 503, but those of Socket.IO clients that are known.
        engineio: The server whose clients are being told to go; `None` while they stay.
    """

    def __init__(self) -> None:
        self.closed = False
        self.engineio: Any = None
        self._calls: dict[Call, None] = {}
        self._changed = Event()

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._calls))

    @contextmanager
    def add(self, call: Call) -> Iterator[Call]:
        """Know a call for as long as the block runs."""
        self._calls[call] = None
        try:
            yield call
        finally:
            del self._calls[call]
            self._changed.set()

    def answer_begins(self, call: Call, headers: Iterable[tuple[str, str]]) -> None:
        """Look at what a call is answered with."""
        kinds = [value for name, value in headers if name.lower() == "content-type"]
        call.stream = any(kind.startswith("text/event-stream") for kind in kinds)
        self._changed.set()

    def wait_for_change(self) -> None:
        """Wait until a call ends, or its answer begins."""
        self._changed.clear()
        self._changed.wait()

    def answer_to(self, environ: dict[str, Any]) -> Any:
        """The WSGI application that answers a call in place of the user's; `None` if that is to answer."""
        query = environ["QUERY_STRING"]
        if self.closed and not is_known_client(query):
            return unavailable
        body = farewell(self.engineio, environ["REQUEST_METHOD"], query) if self.engineio is not None else None
        return None if body is None or "HTTP_UPGRADE" in environ else _text(body)


def unavailable(environ: dict[str, Any], start_response: Any, error: Any = None) -> list[bytes]:
    """Answer with 503, and have the client come back on a connection of its own."""
    headers = [("Content-Length", "0"), ("Retry-After", "1"), ("Connection", "close")]
    start_response("503 Service Unavailable", headers, error)
    return [b""]


def _text(body: bytes) -> Any:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        headers = [("Content-Type", "text/plain; charset=UTF-8"), ("Content-Length", str(len(body)))]
        start_response("200 OK", headers)
        return [body]

    return app
