"""Flask-SocketIO's test client, with all that the server sends to it, as it sends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode
from weakref import WeakValueDictionary

from flask_socketio import SocketIOTestClient

# Its types leave out what it knows of itself.
_TestClient: Any = SocketIOTestClient

# By the session id of their transport.
_connections: WeakValueDictionary[str, SocketConnection] = WeakValueDictionary()


class SocketConnection(_TestClient):  # type: ignore[misc]
    """
    One connection to a Flask-SocketIO server.

    The base class connects as it is made, and keeps neither what a refusal says nor what an acknowledgement belongs to.

    Args:
        flask: The application.
        socketio: Its server.
        heard: Called with this connection and each frame of the server, from before it is made to its end.
        namespaces: Those to connect to.
        auth: Sent to each of them.
        headers: Of the request that opens the connection.
        query: Parameters in its URL.
    """

    def __init__(
        self,
        flask: Any,
        socketio: Any,
        heard: Callable[[SocketConnection, str | bytes], None],
        *,
        namespaces: Iterable[str],
        auth: Any,
        headers: Mapping[str, str] | None,
        query: Mapping[str, str] | None,
    ) -> None:
        self._heard = heard
        first, *others = namespaces
        how = {"auth": auth, "headers": dict(headers or {}), "query_string": urlencode(query or {})}
        super().__init__(flask, socketio, namespace=first, **how)
        for namespace in others:
            self.connect(namespace=namespace, **how)

    def connect(self, *args: Any, **kwargs: Any) -> None:
        """Connect to one namespace."""
        _connections[self.eio_sid] = self
        # Each new test client puts functions of its own in these places, for all of them.
        server = self.socketio.server
        for name, frames in (("_send_packet", _frames_of_packet), ("_send_eio_packet", _frames_of_message)):
            if not isinstance(getattr(server, name), _Overheard):
                setattr(server, name, _Overheard(getattr(server, name), frames))
        super().connect(*args, **kwargs)

    def send_frames(self, frames: Iterable[str | bytes]) -> None:
        """Have the server handle frames, now; an error of its handlers comes out."""
        for frame in frames:
            # The digit before a text is that of the transport, which is left out here.
            self.socketio.server._handle_eio_message(self.eio_sid, frame[1:] if isinstance(frame, str) else frame)

    def forget(self) -> None:
        """Have the server and Flask-SocketIO forget the client."""
        _connections.pop(self.eio_sid, None)
        _TestClient.clients.pop(self.eio_sid, None)
        self.socketio.server.environ.pop(self.eio_sid, None)


class _Overheard:
    """Stands in for a function that sends something to a test client, and tells ours what that is."""

    def __init__(self, send: Callable[[str, Any], None], frames: Callable[[Any], list[str | bytes]]) -> None:
        self._send = send
        self._frames = frames

    def __call__(self, eio_sid: str, sent: Any) -> None:
        self._send(eio_sid, sent)
        connection = _connections.get(eio_sid)
        if connection is not None:
            for frame in self._frames(sent):
                connection._heard(connection, frame)


def _frames_of_packet(packet: Any) -> list[str | bytes]:
    """Of a packet of Socket.IO: for one client."""
    encoded = packet.encode()
    head, *attachments = encoded if isinstance(encoded, list) else [encoded]
    return [f"4{head}", *attachments]


def _frames_of_message(message: Any) -> list[str | bytes]:
    """Of a message of Engine.IO: encoded once for many clients."""
    return [f"4{message.data}" if isinstance(message.data, str) else message.data]
