"""
What of ours runs around the caller, and what waits for it.

A stop that is called from within itself (by its own hook, a task that it ends, the stop of a child, or something that
one of these waits for) returns at once instead of waiting for ever.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from .sansio.waits import Waits

# The innermost task of ours in which the caller runs, or the service whose start hook does; a runtime while it closes.
around: ContextVar[Any] = ContextVar("specter_around", default=None)

waits = Waits()


def waits_for_caller(other: object) -> bool:
    """Whether *other* waits for what runs around the caller, directly or by way of others: never wait for it then."""
    caller = around.get()
    return caller is not None and waits.leads(other, caller)


class waits_of:
    """Note that *waiter* waits for *awaited*; for nobody if it is `None`."""

    # No generator with a decorator: each start and stop makes one.
    __slots__ = ("_awaited", "_waiter")

    def __init__(self, waiter: object, awaited: object) -> None:
        self._waiter = waiter
        self._awaited = awaited

    def __enter__(self) -> None:
        if self._waiter is not None:
            waits.add(self._waiter, self._awaited)

    def __exit__(self, *error: object) -> None:
        if self._waiter is not None:
            waits.remove(self._waiter, self._awaited)


def waiting_for(awaited: object) -> waits_of:
    """Note that what runs around the caller waits for *awaited*."""
    caller = around.get()
    return _NOBODY if caller is None else waits_of(caller, awaited)


_NOBODY = waits_of(None, None)
