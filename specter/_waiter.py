"""Tasks that wait, on asyncio and on trio, and are woken from any thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import anyio

from ._loop import Loop, LoopGone


class Waiter:
    """One task that waits once, woken from any thread. Made in the task."""

    __slots__ = ("_loop", "_woken")

    def __init__(self) -> None:
        loop = Loop.current()
        assert loop is not None
        self._loop = loop
        # On asyncio a future, which is made in a sixth of the time of an event.
        self._woken: asyncio.Future[None] | anyio.Event
        self._woken = loop.native.create_future() if hasattr(loop.native, "create_future") else anyio.Event()

    def wait(self) -> Awaitable[None]:
        """Wait until `wake` was called; at once, perhaps without a checkpoint, if it was called before."""
        return self._woken if isinstance(self._woken, asyncio.Future) else self._woken.wait()

    def wake(self) -> None:
        """Let the task go on. One whose loop is gone waits no more."""
        if self._loop.here():
            self._go_on()
            return
        try:
            self._loop.soon(self._go_on)
        except LoopGone:
            return

    def _go_on(self) -> None:
        if not isinstance(self._woken, asyncio.Future):
            self._woken.set()
        elif not self._woken.done():  # or it was woken before, or cancelled
            self._woken.set_result(None)
