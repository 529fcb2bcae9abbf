"""What is measured, who takes part, and what is to be reached."""

from __future__ import annotations

import functools
import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ASYNCIO = "asyncio"
GEVENT = "gevent"
OLD = "0.1.1"
"""The workers: ours on asyncio with its peers, our twin on gevent, and specter-runtime 0.1.1 in its own environment."""

SPECTER = "specter"
TWIN = "specter_gevent"


@dataclass(frozen=True)
class Goal:
    """
    What a contender is to reach.

    Attributes:
        contender: Its name.
        of: The contender whose figure is the measure, or None: then the goal is a figure.
        at_most: Part of that figure, or the figure itself, in the unit of the case; None where `at_least` is given.
        at_least: The same where more is better.
        more: At most so much more than the measure's figure, in the unit of the case.
        n: The only size that it is said for, or None.
    """

    contender: str
    at_most: float | None = None
    of: str | None = None
    at_least: float | None = None
    more: float | None = None
    n: int | None = None

    def reached(self, figure: float, of: float | None) -> float | None:
        """A figure in the terms of the goal; None if the measure has none."""
        if self.of is None:
            return figure
        if not of:
            return None
        return figure / of if self.more is None else figure - of

    def met(self, reached: float | None) -> bool | None:
        """Whether that is enough; None if there is nothing to tell by."""
        if reached is None:
            return None
        limit = self.at_most if self.more is None else self.more
        return reached <= limit if limit is not None else reached >= (self.at_least or 0)

    def __str__(self) -> str:
        if self.more is not None:
            return f"≤ {self.of} + {self.more:g}"
        limit = f"≤ {self.at_most:g}" if self.at_most is not None else f"≥ {self.at_least:g}"
        return limit if self.of is None else f"{limit} × {self.of}"


LAW = Goal(TWIN, 1.1, OLD)
"""For what applications on specter-runtime 0.1.1 do all the time: it never takes longer, up to what is noise."""


@dataclass(frozen=True)
class Contender:
    """One way to do the work of a case: `fn` returns one sample, and may be a coroutine function on asyncio."""

    name: str
    worker: str
    fn: Callable[..., Any]
    needs: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()

    def missing(self) -> str | None:
        """What keeps it from running in this process, in words; None if nothing does."""
        absent = [name for name in self.needs if importlib.util.find_spec(name) is None]
        absent += [name for name in self.programs if shutil.which(name) is None]
        return f"{', '.join(absent)} is not installed" if absent else None


class Case:
    """
    One thing that is measured.

    Args:
        title: What is done; ``{n}`` is the size.
        unit: Of the figures.
        sizes: How many of them; empty if there is no such thing.
        goals: What is to be reached.
        baseline: The contender that the ratios in the table are to.
        more_is_better: For rates.
        fresh: Each sample has a process of its own.
        curve: The sizes show how the figure grows: the exponent is fitted.
        repeats: At most so many samples, where one takes long.
        timeout: Seconds that a sample may take.
        quick_sizes: The sizes of a quick run, if not all.
        profiled: A profile of the process that measures says where the time goes; False where others do the work.
    """

    def __init__(
        self,
        title: str,
        *,
        unit: str = "µs",
        sizes: tuple[int, ...] = (),
        goals: tuple[Goal, ...] = (),
        baseline: str = OLD,
        more_is_better: bool = False,
        fresh: bool = False,
        curve: bool = False,
        repeats: int | None = None,
        timeout: float = 60.0,
        quick_sizes: tuple[int, ...] | None = None,
        profiled: bool = True,
    ) -> None:
        self.title = title
        self.unit = unit
        self.sizes = sizes
        self.goals = goals
        self.baseline = baseline
        self.more_is_better = more_is_better
        self.fresh = fresh
        self.curve = curve
        self.repeats = repeats
        self.timeout = timeout
        self.quick_sizes = sizes if quick_sizes is None else quick_sizes
        self.profiled = profiled
        self.contenders: list[Contender] = []

    def contender(
        self, name: str, worker: str = ASYNCIO, *, needs: tuple[str, ...] = (), programs: tuple[str, ...] = ()
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorate a function that takes part: ``fn(run)``, or ``fn(run, n)`` where the case has sizes."""

        def add(fn: Callable[..., Any]) -> Callable[..., Any]:
            self.contenders.append(Contender(name, worker, fn, needs, programs))
            return fn

        return add

    def ours(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate what Specter does on asyncio."""
        return self.contender(SPECTER)(fn)

    def on_gevent(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate what runs under our twin and, unchanged, under specter-runtime 0.1.1."""
        self.contender(TWIN, GEVENT)(fn)
        return self.contender(OLD, OLD)(fn)

    def all_three(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate what never waits, so that it reads the same everywhere; on asyncio it runs in a loop."""
        self.ours(in_runtime(fn))
        return self.on_gevent(fn)

    def title_of(self, n: int | None) -> str:
        """The title with the size in it."""
        return self.title if n is None else self.title.replace("{n}", f"{n:,}")


def in_runtime(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The same function where an application calls it: in a task, with a runtime around it."""

    @functools.wraps(fn)
    async def called(*args: Any) -> Any:
        from specter import Runtime

        async with Runtime():
            return fn(*args)

    return called
