"""Uvicorn, without the signal handlers that it would install."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any, cast

import uvicorn

from specter.serving.asgi import ASGIApp
from specter.serving.listener import Listener


class Uvicorn:
    """Serves on the listener's own socket."""

    def __init__(self, app: ASGIApp, listener: Listener) -> None:
        self._listener = listener
        config = uvicorn.Config(
            cast(Any, app),
            lifespan="off",
            log_config=None,  # its loggers as the application has set them up
            timeout_graceful_shutdown=1,  # s; all calls have ended by then, but for clients that do not read
        )
        self._server = _Server(config)

    async def serve(self) -> None:
        """Serve until `quit`."""
        self._listener.listen()
        await self._server.serve(sockets=[self._listener.socket])

    def quit(self) -> None:
        """Have `serve` end."""
        self._server.should_exit = True


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals alone: Uvicorn would raise them again at its end, and the process with it."""
        yield
