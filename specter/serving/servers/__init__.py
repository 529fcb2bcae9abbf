"""The ASGI servers that `specter run` can use, behind one small interface."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Protocol, cast

from specter.serving.asgi import ASGIApp
from specter.serving.listener import Listener
from specter.serving.problem import Problem

# The name on the command line, which is that of the package, and of a module here: the class in it.
SERVERS = {"hypercorn": "Hypercorn", "uvicorn": "Uvicorn", "granian": "Granian"}


class Server(Protocol):
    """One server, which serves one application once. Neither signals nor the lifespan are its business."""

    def __init__(self, app: ASGIApp, listener: Listener) -> None: ...

    async def serve(self) -> None:
        """Serve until `quit`; a cancellation ends it at once."""

    def quit(self) -> None:
        """Have `serve` end. What is still open by then may hold it."""


def find_server(name: str) -> type[Server]:
    """
    Import a server.

    Args:
        name: One of `SERVERS`.

    Raises:
        Problem: It is not installed.
    """
    try:
        module = import_module(f"{__name__}._{name}")
    except ModuleNotFoundError as error:
        raise Problem(f"--server {name} needs the package {error.name!r}: pip install {name}") from error
    return cast(type[Server], getattr(module, SERVERS[name]))


async def reachable(listener: Listener) -> None:
    """Wait until a client gets through: servers do not say when they have begun."""
    while True:
        try:
            _, writer = await asyncio.open_connection(listener.host, listener.port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
