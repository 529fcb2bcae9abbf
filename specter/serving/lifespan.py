"""
The lifespan of an ASGI application, driven by us in a task of its own: nobody cancels it before its time.

    startup ──▶ complete ──▶ shutdown ──▶ ended
        ├─────▶ failed, or stop was asked for: the task is cancelled, and the application rolls back
        └─────▶ raised: it has no lifespan, which ASGI allows
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from specter._deadline import stop_by

from .asgi import ASGIApp, Message

log = logging.getLogger(__name__)


class StartupFailed(Exception):
    """The application did not start; its text says why."""


class Lifespan:
    """
    The lifespan of one application, once.

    Args:
        app: The application.

    Attributes:
        state: What the application left there, for the calls.
        task: In which it runs, from `startup` on.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.state: dict[str, Any] = {}
        self.task: asyncio.Task[None] | None = None
        self._app = app
        self._supported = True
        self._until = float("inf")
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._started = asyncio.Event()
        self._ended = asyncio.Event()
        self._failure: str | None = None

    async def startup(self) -> None:
        """
        Start the application, and wait until it has started.

        Raises:
            StartupFailed: It has failed.
        """
        self.task = asyncio.create_task(self._run(), name="lifespan")
        self._messages.put_nowait({"type": "lifespan.startup"})
        await self._started.wait()
        if self._failure is not None:
            raise StartupFailed(self._failure)

    async def cancel(self) -> None:
        """Cancel a startup that failed or takes too long, and wait until it is rolled back."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait({self.task})

    async def shutdown(self, until: float) -> str | None:
        """
        Have the application shut down, and wait for it.

        Args:
            until: The moment by which it must be done, handed down to all that stops in it.

        Returns:
            Why it failed; `None` if it did not.
        """
        if not self._supported:
            return None
        self._until = until
        self._messages.put_nowait({"type": "lifespan.shutdown"})
        await self._ended.wait()
        return self._failure

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._receive, self._send)
        except Exception as error:
            self._raised(error)
        finally:
            self._started.set()
            self._ended.set()

    def _raised(self, error: Exception) -> None:
        if self._failure is not None:
            return  # it was told already, and some frameworks raise it on
        if self._started.is_set():
            log.error("the lifespan of the application failed", exc_info=error)
            self._failure = f"{type(error).__name__}: {error}"
        else:
            # The specification: such an application is served without a lifespan.
            log.info("the application has no lifespan: %s: %s", type(error).__name__, error)
        self._supported = False

    async def _receive(self) -> Message:
        message = await self._messages.get()
        if message["type"] == "lifespan.shutdown":
            stop_by.set(self._until)  # in the application's own task: seen by every stop below
        return message

    async def _send(self, message: Message) -> None:
        match message["type"]:
            case "lifespan.startup.complete":
                self._started.set()
            case "lifespan.startup.failed":
                self._failure = message.get("message") or "no reason given"
                self._started.set()
            case "lifespan.shutdown.complete":
                self._ended.set()
            case "lifespan.shutdown.failed":
                self._failure = message.get("message") or "no reason given"
                self._ended.set()
            case other:
                raise RuntimeError(f"a lifespan sends 'lifespan...' messages, got {other!r}")
