"""What a contender measures with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from time import perf_counter, process_time
from typing import Any

from benchmarks.profiles import Found

LONG_ENOUGH = 0.05
"""Seconds that a sample of many calls takes: far above what the clock and the scheduler blur."""
QUICK = 0.001


class NotDoneError(Exception):
    """A contender did not do the work that it is to be timed for."""


class SkippedError(Exception):
    """A contender cannot take part; the text says why."""


class Spent:
    """Seconds that a block took, set when it is left."""

    seconds = 0.0

    def each(self, count: int) -> float:
        """Microseconds for each of *count*."""
        return self.seconds / count * 1e6


class Run:
    """
    One sample.

    Args:
        quick: Only try whether it works.
        profiling: Find out where the time goes. A contender whose work is not done by the functions of this process
            leaves what it has found in `found`.

    Attributes:
        found: That, or None: then a profile of this process tells it.
    """

    def __init__(self, *, quick: bool = False, profiling: bool = False) -> None:
        self.quick = quick
        self.profiling = profiling
        self.found: Found | None = None

    def count(self, full: int, quick: int) -> int:
        """How many, in a full and in a quick run."""
        return quick if self.quick else full

    @contextmanager
    def cpu(self) -> Iterator[Spent]:
        """Take the processor time of a block, so that other programs count little."""
        spent, start = Spent(), process_time()
        yield spent
        spent.seconds = process_time() - start

    @contextmanager
    def wall(self) -> Iterator[Spent]:
        """Take the time of a block by the clock on the wall, where other processes do part of the work."""
        spent, start = Spent(), perf_counter()
        yield spent
        spent.seconds = perf_counter() - start

    def per_call(self, fn: Callable[..., Any], *args: Any, check: Callable[[], bool]) -> float:
        """
        Microseconds of processor time of a call.

        Args:
            check: Asked after the first call: whether the work was done.
        """
        fn(*args)
        expect(check(), True, "the work of the first call")
        calls = 1
        while True:
            with self.cpu() as spent:
                for _ in repeat(None, calls):
                    fn(*args)
            if (more := self._more(calls, spent)) is None:
                return spent.each(calls)
            calls = more

    async def per_await(self, fn: Callable[..., Awaitable[Any]], *args: Any, check: Callable[[], bool]) -> float:
        """The same for a call that is awaited."""
        await fn(*args)
        expect(check(), True, "the work of the first call")
        calls = 1
        while True:
            with self.cpu() as spent:
                for _ in repeat(None, calls):
                    await fn(*args)
            if (more := self._more(calls, spent)) is None:
                return spent.each(calls)
            calls = more

    def _more(self, calls: int, spent: Spent) -> int | None:
        """How many calls to try next; None if these were enough."""
        wanted = QUICK if self.quick else LONG_ENOUGH
        if spent.seconds >= wanted:
            return None
        return min(calls * 10, int(calls * wanted / max(spent.seconds, 1e-6) * 1.2) + 1)


def expect(actual: object, expected: object, what: str) -> None:
    """
    Prove that the work was done.

    Raises:
        NotDoneError: *actual* is something other than *expected*.
    """
    if actual != expected:
        raise NotDoneError(f"{what}: expected {expected!r}, got {actual!r}")
