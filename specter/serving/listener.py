"""The address that is served on, taken before the application is loaded: a port that is not to be had costs no boot."""

from __future__ import annotations

import errno
import socket
from typing import Self

from .problem import Problem

# Of asyncio.start_server, uvicorn and hypercorn alike: the kernel bounds it anyway.
BACKLOG = 1024


class Listener:
    """
    A bound TCP socket.

    Args:
        host: A name or an address.
        port: 0 to 65535; 0 takes a free one.

    Raises:
        Problem: The address cannot be had; the text says why.
    """

    def __init__(self, host: str, port: int) -> None:
        self.socket = _bind(host, port)
        self.host, self.port = self.socket.getsockname()[:2]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Give the address back, if no server has taken it."""
        self.close()

    @property
    def url(self) -> str:
        """Where the application is reached, like ``http://127.0.0.1:8000``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def listen(self) -> None:
        """Have the kernel accept clients, which wait for the server."""
        self.socket.listen(BACKLOG)

    def close(self) -> None:
        """Give the address back."""
        self.socket.close()


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise Problem(f"host {host!r} is not an address of this machine: {error.strerror}") from error
    bound = socket.socket(family, kind, protocol)
    # Otherwise the port of a server that has just ended could not be had for a minute.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise Problem(_why(host, port, error)) from error
    return bound


def _why(host: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} is taken on {host}: end what serves there, or give another --port (0: a free one)"
        case errno.EACCES | errno.EPERM:
            return f"port {port} needs more rights than this user has: give a --port from 1024 on"
        case errno.EADDRNOTAVAIL:
            return f"host {host!r} is not an address of this machine: give --host 127.0.0.1, or 0.0.0.0 for all"
        case _:
            return f"{host}:{port} cannot be served on: {error.strerror}"
