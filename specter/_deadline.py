"""
The moment by which a running stop must have ended, handed down to every stop within it.

An anyio deadline cannot carry it: `anyio.current_effective_deadline` is infinite inside a shield and minus infinite in
a scope that was cancelled, which is the usual reason for a stop.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import anyio

from .sansio.deadline import half_way

stop_by: ContextVar[float] = ContextVar("specter_stop_by", default=math.inf)


def time_left() -> float:
    """Seconds that the stop around the caller still has; infinite outside of one."""
    until = stop_by.get()
    return until if math.isinf(until) else max(0.0, until - anyio.current_time())


@contextmanager
def at_most(seconds: float) -> Iterator[float]:
    """Hand a deadline down: *seconds* from now, or the one in force if that is earlier. Gives the absolute moment."""
    until = min(stop_by.get(), anyio.current_time() + seconds)
    token = stop_by.set(until)
    try:
        yield until
    finally:
        stop_by.reset(token)


@contextmanager
def half_of_the_rest() -> Iterator[float]:
    """Hand down half of what is left, so that one step that hangs never uses the time of those after it."""
    until = half_way(anyio.current_time(), stop_by.get())
    token = stop_by.set(until)
    try:
        yield until
    finally:
        stop_by.reset(token)
