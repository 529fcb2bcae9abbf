"""Which clock shows the time here."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from time import monotonic


def clock_here() -> Callable[[], float] | None:
    """
    The clock of the event loop that runs in this thread.

    Returns:
        A function that may be called from every thread, and goes on when the loop has ended; `None` if none runs here.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return _trio_clock()
    # A loop with a clock of its own, as tests have that move the time, is to be asked for it; others go by this one.
    return monotonic if type(loop).time is asyncio.BaseEventLoop.time else loop.time


def _trio_clock() -> Callable[[], float] | None:
    trio = sys.modules.get("trio")
    if trio is None:
        return None
    try:
        clock: Callable[[], float] = trio.lowlevel.current_clock().current_time
    except RuntimeError:
        return None
    return clock
