"""Clients that do not behave: bytes on a socket."""

from __future__ import annotations

import os
import socket
import struct
from types import TracebackType
from typing import Self


class Raw:
    """A TCP connection to a server, with nothing behind it that would answer by itself."""

    def __init__(self, url: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
        self.socket.settimeout(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def request(self, line: str, *headers: str, body: bytes = b"") -> None:
        """Send a request, or the beginning of one."""
        self.socket.sendall("\r\n".join([f"{line} HTTP/1.1", "host: test", *headers, "", ""]).encode() + body)

    def websocket(self, path: str) -> None:
        """Open a websocket."""
        self.request(
            f"GET {path}",
            "connection: upgrade",
            "upgrade: websocket",
            "sec-websocket-version: 13",
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.socket.recv(1)
        assert head.startswith(b"HTTP/1.1 101")

    def send(self, text: str) -> None:
        """Send a short text over the websocket."""
        data, mask = text.encode(), os.urandom(4)
        assert len(data) < 126
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        self.socket.sendall(bytes([0x81, 0x80 | len(data)]) + mask + masked)

    def frame(self) -> tuple[int, bytes]:
        """The next frame of the server: its kind (1 text, 8 close) and content."""
        kind, length = self._exactly(2)
        if length == 126:
            (length,) = struct.unpack("!H", self._exactly(2))
        return kind & 0x0F, self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def socketio(self) -> None:
        """Connect as a Socket.IO client."""
        self.websocket("/socket.io/?EIO=4&transport=websocket")
        assert self.frame()[1].startswith(b"0")
        self.send("40")
        assert self.frame()[1].startswith(b"40")
