"""Granian, by its embedded server: one worker, in this process."""

from __future__ import annotations

from typing import Any, cast

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from specter.serving.asgi import ASGIApp
from specter.serving.listener import Listener

# Only its levels: the whole of its configuration would close the handlers that the application has set up.
_LOGGING = {"incremental": True, "handlers": {}, "loggers": {"_granian": {"propagate": True}}}


class Granian:
    """Binds the listener's address itself; it takes no socket of others."""

    def __init__(self, app: ASGIApp, listener: Listener) -> None:
        self._listener = listener
        self._server = Server(
            cast(Any, app),
            address=listener.host,
            port=listener.port,
            interface=Interfaces.ASGINL,
            log_level=LogLevels.error,  # it warns at each start that the embedded server is experimental
            log_dictconfig=_LOGGING,
        )

    async def serve(self) -> None:
        """Serve until `quit`."""
        self._listener.close()
        await self._server.serve()

    def quit(self) -> None:
        """Have `serve` end."""
        self._server.stop()  # type: ignore[no-untyped-call]
