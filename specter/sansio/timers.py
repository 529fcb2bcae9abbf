"""
Timers by due time: add, cancel, what is due, when next.

Timers that fall due within the same millisecond share one entry of the heap: a hundred thousand intervals of one second
are a thousand entries. A moment is rounded up, so that a timer is never early and at most a millisecond late. A
cancelled timer stays in its entry until that is due, or until more than half of all are dead: then they are swept out.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Container, Iterable
from typing import Any

_SWEEP_FROM = 64  # below this many dead timers a sweep costs more than they do

# Sums of floats miss the millisecond by a hair (0.1 + 0.2); without this a timer would slip to the next one.
_TOLERANCE = 1e-6

# Of its own: an application that has seeded the shared one gets the numbers that it expects.
_random = random.Random()


def new_key(kind: str, taken: Container[str]) -> str:
    """A key like ``interval_0a1b2c3d`` that is not in *taken*."""
    while True:
        key = f"{kind}_{_random.getrandbits(32):08x}"
        if key not in taken:
            return key


class Timer:
    """
    A call that falls due once or again and again.

    Args:
        fn: What is to be called; the runtime does that, never these rules.
        period: Seconds between the end of a call and the next one; `None` for a single call.
        key: The name by which its owner knows it.
        owner: Whose timer it is; opaque here.
    """

    __slots__ = ("cancelled", "fn", "key", "owner", "period", "queued", "task")

    def __init__(self, fn: Callable[[], Any], period: float | None, key: str, owner: Any) -> None:
        self.fn = fn
        self.period = period
        self.key = key
        self.owner = owner
        self.cancelled = False
        # In the heap: taken out only when due or swept.
        self.queued = False
        # The call that runs now, if it waits; opaque here.
        self.task: Any = None

    def __repr__(self) -> str:
        return f"<Timer {self.key} of {self.owner!r}>"


class Timers:
    """The heap of due times."""

    def __init__(self) -> None:
        self._heap: list[int] = []
        self._at: dict[int, list[Timer]] = {}
        self._queued = 0
        self._dead = 0

    def __len__(self) -> int:
        """How many timers wait and are not cancelled."""
        return self._queued - self._dead

    def add(self, timer: Timer, due: float) -> float:
        """
        Queue a timer.

        Args:
            timer: Not queued at present.
            due: The moment, in seconds of a monotonic clock.

        Returns:
            The moment at which it really falls due: *due* rounded up to a millisecond.
        """
        tick, waiting = self._entry(due)
        timer.queued = True
        self._queued += 1
        waiting.append(timer)
        return tick / 1000

    def wind(self, timers: Iterable[Timer], now: float) -> None:
        """
        Queue intervals again, each for its period after *now*.

        All of them from one moment on: those that fell due together do so again, and one awakening does for them.

        Args:
            timers: Not queued at present. Those that were cancelled or have no period are left out.
            now: The clock when the calls of all of them were done.
        """
        period: float | None = None
        waiting: list[Timer] = []
        count = 0
        for timer in timers:
            if timer.cancelled or timer.period is None:
                continue
            if timer.period != period:
                period = timer.period
                _, waiting = self._entry(now + period)
            timer.queued = True
            waiting.append(timer)
            count += 1
        self._queued += count

    def cancel(self, timer: Timer) -> None:
        """Make sure that a timer is never given out again. Cancelling twice is harmless."""
        if timer.cancelled:
            return
        timer.cancelled = True
        if timer.queued:
            self._dead += 1
            if self._dead > _SWEEP_FROM and self._dead * 2 > self._queued:
                self._sweep()

    def next_due(self) -> float:
        """The moment of the first entry, in seconds; infinite if there is none."""
        return self._heap[0] / 1000 if self._heap else math.inf

    def due(self, now: float) -> list[Timer]:
        """
        Take out the timers that are due, earliest first.

        Timers of the same millisecond keep the order in which they were added.

        Args:
            now: The clock, in seconds.

        Returns:
            No longer queued, none of them cancelled; empty if none is due.
        """
        ready: list[Timer] = []
        heap = self._heap
        while heap and heap[0] / 1000 <= now + _TOLERANCE:
            waiting = self._at.pop(heapq.heappop(heap))
            self._queued -= len(waiting)
            for timer in waiting:
                timer.queued = False
                if timer.cancelled:
                    self._dead -= 1
                else:
                    ready.append(timer)
        return ready

    def _entry(self, due: float) -> tuple[int, list[Timer]]:
        tick = math.ceil((due - _TOLERANCE) * 1000)
        waiting = self._at.get(tick)
        if waiting is None:
            waiting = self._at[tick] = []
            heapq.heappush(self._heap, tick)
        return tick, waiting

    def _sweep(self) -> None:
        alive: dict[int, list[Timer]] = {}
        for tick, waiting in self._at.items():
            if kept := [timer for timer in waiting if not timer.cancelled]:
                alive[tick] = kept
        self._at = alive
        self._heap = list(alive)
        heapq.heapify(self._heap)
        self._queued -= self._dead
        self._dead = 0
