"""A wait of asyncio for a moment, in one turn of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context
from typing import Any


class Nap:
    """
    What one task awaits until a moment comes.

    Looks like a future to asyncio (see `asyncio.isfuture`). A future that `call_at` sets wakes its task a turn of the
    loop later: without that a tick of an interval takes a sixth fewer instructions, and the timers of all services wait
    here.

    Args:
        loop: That of the task.
        moment: By the clock of the loop, in seconds.
    """

    __slots__ = (
        "_asyncio_future_blocking",
        "_callbacks",
        "_cancelled",
        "_done",
        "_loop",
        "_moment",
        "_timer",
        "_told",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, moment: float) -> None:
        self._asyncio_future_blocking = False
        self._loop = loop
        self._moment = moment
        self._done = self._cancelled = False
        self._told: tuple[object, ...] = ()
        # That of the task, and before it those of who watches the task.
        self._callbacks: list[tuple[Callable[[Any], object], Context | None]] = []
        self._timer: asyncio.TimerHandle | None = None

    def __await__(self) -> Generator[Any, None, None]:
        self._asyncio_future_blocking = True
        yield self

    # What asyncio, and anyio, ask of a future.

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Its loop."""
        return self._loop

    def done(self) -> bool:
        """Whether it has ended."""
        return self._done

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self._cancelled

    def result(self) -> None:
        """Raise what the task is woken with, if it was cancelled."""
        if self._cancelled:
            raise asyncio.CancelledError(*self._told)

    def cancel(self, msg: object = None) -> bool:
        """Wake the task early, in the next turn of the loop. Returns whether it had not ended."""
        if self._done:
            return False
        # anyio knows by it which scope has cancelled the task.
        self._told = () if msg is None else (msg,)
        self._done = self._cancelled = True
        if self._timer is not None:
            self._timer.cancel()
        self._loop.call_soon(self._tell)
        return True

    def add_done_callback(self, fn: Callable[[Any], object], *, context: Context | None = None) -> None:
        """Have *fn* called with this when it ends. Not to be asked of one that has ended."""
        self._callbacks.append((fn, context))
        if self._timer is None:
            self._timer = self._loop.call_at(self._moment, fn, self, context=context)
        else:
            self._timer.cancel()
            self._timer = self._loop.call_at(self._moment, self._tell)

    def _tell(self) -> None:
        self._done = True
        for fn, context in self._callbacks:
            if context is None:
                fn(self)
            else:
                context.run(fn, self)
