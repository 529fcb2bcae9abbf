"""
Rules of Cache: one slot, and one computation at a time for it.

The caller of these rules brings the time and does the waiting. What becomes of a caller that found no value:

    nobody computes                                      begin    it computes, or has somebody do it
    somebody computes what is wanted                     join     it waits, and gets the outcome
    somebody computes what nobody wants any more, as     wait     it waits for the end of that, and asks again
    the slot was set or emptied, or all callers left

A computation for which no caller waits any more is to be ended. Its value is stored only if the slot was neither set
nor emptied since it began.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, Generic, TypeAlias, TypeVar

C = TypeVar("C", bound="Computation")


# What a slot holds: (value, when it was stored, from when on it does not count any more, the clock of these moments).
# The value is not `None`; the third is `None` for never; the clock is opaque here. A plain tuple, since anything else
# takes longer to make than all the rest of storing a value.
Entry: TypeAlias = tuple[Any, float, float | None, Callable[[], float]]


class Role(Enum):
    """What a caller does that found no value."""

    BEGIN = "begin"
    JOIN = "join"
    WAIT = "wait"


class Computation:
    """
    One run of a factory.

    Args:
        name: Of the cache.

    Attributes:
        callers: How many wait for the outcome.
        outdated: The slot was set or emptied since it began.
        ended: It runs no more.
        waits_for: The computations for which its factory waits at present; one may occur several times.
    """

    # On the class, since most computations end as they began, with nothing but a value.
    outdated = False
    ended = False
    _has_value = False
    _error: BaseException | None = None
    _traceback: Any = None

    def __init__(self, name: str) -> None:
        self.name = name
        self.callers = 0
        self.waits_for: list[Computation] = []
        self._value: Any = None

    @property
    def wanted(self) -> bool:
        """Whether a caller that comes now may have the outcome."""
        return self.callers > 0 and not self.outdated

    @property
    def has_outcome(self) -> bool:
        """Whether it came to a value or to an error, and was not cut off."""
        return self._has_value or self._error is not None

    def succeed(self, value: Any) -> None:
        """Note what the factory returned."""
        self._has_value = True
        self._value = value

    def fail(self, error: BaseException) -> None:
        """Note what the factory raised."""
        self._error = error
        self._traceback = error.__traceback__

    def outcome(self) -> Any:
        """
        What every caller gets.

        Returns:
            What the factory returned.

        Raises:
            BaseException: What the factory raised, with the traceback that it had then, to which each caller would add.
            RuntimeError: The computation was cut off.
        """
        if self._error is not None:
            raise self._error.with_traceback(self._traceback)
        if not self._has_value:
            raise RuntimeError(f"the computation of cache {self.name!r} was cancelled")
        return self._value


class Slot(Generic[C]):
    """
    The slot of one cache.

    Attributes:
        entry: What it holds, which may have expired; `None` if it is empty. Replaced as a whole, so that it may be read
            without a lock.
        ttl: Seconds until a value expires, if nothing else is said of it; 0 for never.
        computation: The one that runs.
    """

    def __init__(self, ttl: float) -> None:
        self.ttl = seconds(ttl)
        self.entry: Entry | None = None
        self.computation: C | None = None

    def put(self, value: Any, ttl: float | None, clock: Callable[[], float], now: float) -> None:
        """
        Store a value. What is being computed will not replace it.

        Args:
            value: `None` empties the slot.
            ttl: Seconds until it expires, 0 for never; `None` for the usual.
            clock: Kept with the entry.
            now: What it shows.

        Raises:
            ValueError: *ttl* is less than 0.
            TypeError: *ttl* is no number.
        """
        lifetime = self.ttl if ttl is None else seconds(ttl)
        self.entry = None if value is None else (value, now, now + lifetime if lifetime else None, clock)
        if self.computation is not None:
            self.computation.outdated = True

    def empty(self) -> None:
        """Forget the value, and the one that is being computed."""
        self.entry = None
        if self.computation is not None:
            self.computation.outdated = True

    def enter(self, make: Callable[[], C]) -> tuple[C, Role]:
        """
        Take a caller in that found no value.

        Args:
            make: Gives a new computation.

        Returns:
            The computation with which it has to do, and what it has to do.
        """
        computation = self.computation
        if computation is None:
            return self.begin(make()), Role.BEGIN
        if not computation.wanted:
            return computation, Role.WAIT
        computation.callers += 1
        return computation, Role.JOIN

    def begin(self, computation: C) -> C:
        """Take in a caller that computes, when nobody else does. Returns the computation."""
        self.computation = computation
        computation.callers = 1
        return computation

    def leave(self, computation: C) -> bool:
        """Let a caller go, one that began or joined; whether the computation is to be ended, as it was the last."""
        computation.callers -= 1
        return not computation.callers and not computation.ended

    def end(self, computation: C, ttl: float | None, clock: Callable[[], float], now: float) -> bool:
        """
        Note that a computation runs no more, and store its value; see `put`. Twice is harmless.

        Returns:
            Whether it came to a value, be it `None`, that is not outdated.
        """
        if computation.ended:
            return False
        computation.ended = True
        self.computation = None
        if not computation._has_value or computation.outdated:
            return False
        self.put(computation._value, ttl, clock, now)
        return True


def checked_events(depends_on: Iterable[str] | None) -> list[str]:
    """
    The names of the events that a cache depends on.

    Raises:
        TypeError: It is one string, or one of them is no non-empty string.
    """
    if isinstance(depends_on, str):
        raise TypeError(f"depends_on must be names of events, got {depends_on!r}: write [{depends_on!r}]")
    events = list(depends_on or ())
    for event in events:
        if not isinstance(event, str) or not event:
            raise TypeError(f"depends_on must be names of events, got {event!r} among them")
    return events


def seconds(ttl: float) -> float:
    """
    A time to live, checked.

    Raises:
        ValueError: It is less than 0 or not a number at all.
        TypeError: It is no number.
    """
    if not isinstance(ttl, (int, float)):
        raise TypeError(f"ttl must be seconds, 0 for never, got {ttl!r}")
    if not ttl >= 0:
        raise ValueError(f"ttl must be 0 seconds or more, got {ttl!r}")
    return 0.0 if math.isinf(ttl) else float(ttl)


def bent_seconds(ttl: float) -> float:
    """
    A time to live, bent into shape: less than 0 is 0, and so is what is not a number at all.

    Source: 0.1.1 takes whatever `float` takes.
    """
    bent = float(ttl)
    return bent if bent > 0 else 0.0


def require_no_cycle(asking: Iterable[Computation], wanted: Computation) -> None:
    """
    Refuse a wait that would never end.

    Args:
        asking: The computations below whose factories the caller runs, outermost first.
        wanted: The one whose outcome it wants.

    Raises:
        RuntimeError: *wanted* waits, itself or by way of others, for one of *asking*. Names the caches on the way.
    """
    goals = {computation for computation in asking if not computation.ended}
    way = _way(wanted, goals, [])
    if way:
        names = " -> ".join([way[-1].name, *(computation.name for computation in way)])
        raise RuntimeError(
            f"cache {wanted.name!r} would wait for itself ({names}): a factory cannot ask for what it computes"
        )


def _way(start: Computation, goals: set[Computation], before: list[Computation]) -> list[Computation]:
    """From *start* to one of the *goals*, by what each waits for; empty if there is no way."""
    way = [*before, start]
    if start in goals:
        return way
    ahead = (_way(computation, goals, way) for computation in start.waits_for if computation not in way)
    return next(filter(None, ahead), [])
