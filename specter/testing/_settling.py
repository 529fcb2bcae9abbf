"""Being told when an event loop has run something, without keeping it from waiting."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# Tasks of trio that look. Their steps are none that others look after: two of them would never come to rest.
_looking: set[Any] = set()


@contextmanager
def told_of_steps(tell: Callable[[], object]) -> Iterator[None]:
    """Have *tell* called after each step of a task that is not told itself, on trio."""
    trio = sys.modules["trio"]
    instrument, task = _Steps(tell), trio.lowlevel.current_task()
    trio.lowlevel.add_instrument(instrument)
    _looking.add(task)
    try:
        yield
    finally:
        _looking.discard(task)
        trio.lowlevel.remove_instrument(instrument)


class _Steps:
    """A trio instrument."""

    def __init__(self, tell: Callable[[], object]) -> None:
        self._tell = tell

    def after_task_step(self, task: Any) -> None:
        if task not in _looking:
            self._tell()


@contextmanager
def told_of_settling(selector: Any, tell: Callable[[], object]) -> Iterator[None]:
    """
    Have *tell* called when all that could run has run, on asyncio, before the loop waits for what comes next.

    Args:
        selector: Of the loop: its `select` is where it waits.
        tell: A plain function, which may have something run.
    """
    settling = getattr(selector.select, "__self__", None)
    if not isinstance(settling, _Settling):
        settling = _Settling(selector)
    settling.begin(tell)
    try:
        yield
    finally:
        settling.end(tell)


class _Settling:
    """
    Stands in the place of the `select` of one selector while somebody is told.

    They are told once, and again when something has run since: what they do themselves does not keep the loop from
    waiting, nor virtual time from moving.
    """

    def __init__(self, selector: Any) -> None:
        self._selector = selector
        self._select: Callable[[float | None], list[Any]] = selector.select
        self._tells: list[Callable[[], object]] = []
        self._told = False

    def begin(self, tell: Callable[[], object]) -> None:
        """Tell one more."""
        self._tells.append(tell)
        self._told = False
        self._selector.select = self.select

    def end(self, tell: Callable[[], object]) -> None:
        """Tell it no more; the selector is as it was with the last."""
        self._tells.remove(tell)
        if not self._tells:
            del self._selector.select

    def select(self, timeout: float | None = None) -> list[Any]:
        """Select; without waiting if somebody is told, who may then have something run."""
        waits = timeout is None or timeout > 0
        if waits and not self._told:
            self._told = True
            for tell in tuple(self._tells):
                tell()
            ready = self._select(0)
        else:
            ready = self._select(timeout)
            self._told = self._told and not waits
        if ready:
            self._told = False
        return ready
