"""Hypercorn, by its own entry for programs."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from hypercorn.asyncio import serve
from hypercorn.config import Config

from specter.serving.asgi import ASGIApp, Receive, Scope, Send
from specter.serving.listener import Listener


class Hypercorn:
    """Serves on the listener's own socket."""

    def __init__(self, app: ASGIApp, listener: Listener) -> None:
        self._app = app
        self._listener = listener
        self._quit = asyncio.Event()

    async def serve(self) -> None:
        """Serve until `quit`."""
        self._listener.listen()
        config = Config()
        config.bind = [f"fd://{self._listener.socket.detach()}"]
        # A logger as the application has set it up: one that Hypercorn makes writes to the terminal in any case.
        config.errorlog = logging.getLogger("hypercorn.error")
        await serve(cast(Any, self._without_lifespan), config, shutdown_trigger=self._quit.wait, mode="asgi")

    def quit(self) -> None:
        """Have `serve` end."""
        self._quit.set()

    async def _without_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
