"""gevent's own server, with every call of it known."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any

from gevent.pool import Pool
from gevent.pywsgi import WSGIHandler, WSGIServer

from specter.serving.listener import Listener

from .calls import Call, Calls, Ended, unavailable

_Base: Any
# Engine.IO decides by the same import which websockets it expects of the server.
try:
    _Base = import_module("geventwebsocket.handler").WebSocketHandler
except ImportError:
    _Base = WSGIHandler

log = logging.getLogger(__name__)


class Server:
    """
    Serves one application on a listener.

    Args:
        app: A WSGI application.
        listener: Bound already.

    Attributes:
        calls: Those in flight.
    """

    def __init__(self, app: Callable[..., Any], listener: Listener) -> None:
        self.calls = Calls()
        self._listener = listener
        # pywsgi sends head and body apart, and the second would wait for the client's delayed acknowledgement: 40 ms
        # on Linux. Connections inherit it from the socket that accepts them.
        listener.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        options: dict[str, Any] = {"handler_class": _Handler, "log": None, "error_log": _ErrorLog()}
        self._server = _Server(listener.socket, app, spawn=Pool(), **options)
        self._server.calls = self.calls

    def start(self) -> None:
        """Accept clients from now on; does not wait."""
        self._listener.listen()
        self._server.start()

    def stop(self, seconds: float) -> None:
        """Accept no more, and end what is still connected: idle connections, and clients that do not read."""
        self._server.stop(timeout=seconds)


class _Server(WSGIServer):
    calls: Calls


class _Handler(_Base):  # type: ignore[misc]
    """One connection."""

    call: Call
    # As pywsgi leaves it between two answers, and as WSGI allows it.
    result: Any

    def handle_one_response(self) -> None:
        """Pass a call on, or answer it here."""
        calls: Calls = self.server.calls
        answer = calls.answer_to(self.environ)
        if answer is not None:
            self.application = answer
        with calls.add(Call(self.environ)) as self.call:
            super().handle_one_response()

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        """Look at what is answered."""
        self.server.calls.answer_begins(self.call, headers)
        if any(name.lower() == "connection" and value.lower() == "close" for name, value in headers):
            self.close_connection = True
        return super().start_response(status, headers, exc_info)

    def run_application(self) -> None:
        """Have the application answer; if the call is ended before it has, answer that the server goes."""
        try:
            super().run_application()
        except Ended:
            self.close_connection = True
            if self.headers_sent:
                raise  # the client sees by the missing end that it has not got all of it
            self.result = unavailable(self.environ, self.start_response, sys.exc_info())
            super().process_result()
            self.result = None

    def process_result(self) -> None:
        """Send the answer; an event stream that is ended is complete."""
        if self.call.stream:
            self.close_connection = True
            self.result = _Stream(self.result)
        super().process_result()


class _Stream:
    """The body of an event stream, which ends when its call is ended."""

    def __init__(self, body: Iterable[bytes]) -> None:
        self._body = body
        self._chunks = iter(body)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except Ended:
            raise StopIteration from None

    def close(self) -> None:
        """Close the application's body."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


class _ErrorLog:
    """What pywsgi says of clients, and of errors that the application let out."""

    def write(self, text: str) -> None:
        """Log what would be a line on stderr."""
        if line := text.strip():
            log.error("%s", line)

    def flush(self) -> None:
        """Nothing waits to be written."""
