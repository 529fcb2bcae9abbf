"""
Taking part in the exit of a server that owns the signals.

A server that is told to go cuts its websockets, or waits for streams without an end, before the application hears of
it. So the application hears first: its signal handler stands before the server's.

    signal ▶ drain ▶ the server's own handler ▶ ... ▶ lifespan shutdown, which finds the drain done
    second signal ▶ the server's own handler

`docs/servers.md` says how far each server lets that work.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from contextvars import copy_context
from types import FrameType
from typing import Any

from specter._deadline import at_most

from .drain import Drained, drain_manager

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM)

Handler = Callable[[int, FrameType | None], Any]


def chain_signals(manager: Drained) -> Callable[[], None]:
    """
    Drain *manager* on the signals that end the server, before the server hears of them.

    Signals are left alone that nobody handles but Python or the system: then no server runs, but a test or a script.

    Args:
        manager: Boots on the event loop that runs here.

    Returns:
        What puts the server's handlers back. Outside of the main thread nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        return _nothing
    chain = _Chain(manager)
    chain.install()
    return chain.undo


class _Chain:
    def __init__(self, manager: Drained) -> None:
        self._manager = manager
        self._loop = asyncio.get_running_loop()
        # A signal comes in the midst of anything, whose context would be the drain's.
        self._context = copy_context()
        self._servers: dict[int, Handler] = {}
        self._heard = False
        self._draining: asyncio.Task[None] | None = None

    def install(self) -> None:
        for number in SIGNALS:
            handler = signal.getsignal(number)
            if callable(handler) and handler is not signal.default_int_handler:
                self._servers[number] = handler
                signal.signal(number, self._hear)

    def undo(self) -> None:
        for number, handler in self._servers.items():
            # If somebody has chained after us, that one goes on calling us.
            if signal.getsignal(number) == self._hear:
                signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._heard or self._loop.is_closed():
            self._servers[number](number, frame)
            return
        self._heard = True
        self._loop.call_soon_threadsafe(self._begin, number, context=self._context)

    def _begin(self, number: int) -> None:
        self._draining = asyncio.ensure_future(self._drain(number))

    async def _drain(self, number: int) -> None:
        try:
            with at_most(self._manager.shutdown_timeout):
                await drain_manager(self._manager)
        except Exception:
            log.exception("the drain failed")
        self._servers[number](number, None)


def _nothing() -> None:
    """Signals reach the main thread alone, and nothing was changed."""
