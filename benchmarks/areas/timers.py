"""Intervals: what one costs to start, to cancel, to have, and each time it is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.cases import OLD, SPECTER, TWIN, Case, Goal
from benchmarks.run import Run, Spent, expect

TITLE = "intervals are started, tick, idle and are cancelled"
START = Case("start an interval, one of 1,000", goals=(Goal(SPECTER, 0.1, OLD), Goal(TWIN, 1.0, OLD)))
CANCEL = Case("cancel an interval, one of 1,000", goals=(Goal(SPECTER, 1.0, OLD), Goal(TWIN, 1.0, OLD)))
TICK = Case(
    "a tick, of 1,000 intervals of 0.1 s",
    goals=(Goal(SPECTER, 0.2, OLD), Goal(TWIN, 0.3, OLD)),
    repeats=5,
)
IDLE = Case(
    "{n} intervals of 1 s: part of one processor",
    unit="%",
    sizes=(10_000, 100_000),
    quick_sizes=(100,),
    goals=(Goal(SPECTER, 15.0, n=100_000), Goal(TWIN, 0.2, OLD)),
    repeats=3,
    timeout=120,
)


class Ticks:
    """
    Counts the calls of intervals.

    Args:
        reached: Called when there were so many as `wanted` says.
    """

    def __init__(self, reached: Callable[[], object]) -> None:
        self.count = 0
        self.wanted = 0
        self._reached = reached

    def tick(self) -> None:
        self.count += 1
        if self.count == self.wanted:
            self._reached()

    async def on_asyncio(self, event: asyncio.Event, more: int) -> None:
        """Wait for so many more."""
        event.clear()
        self.wanted = self.count + more
        await event.wait()


def nothing() -> None:
    """What an interval calls that is never due."""


async def started_on_asyncio(run: Run) -> tuple[Spent, Spent, int]:
    """What it took to start and to cancel so many."""
    from specter import Runtime, Service

    count = run.count(1_000, 10)
    async with Runtime(), Service("measured") as service:
        with run.cpu() as start:
            ids = [service.interval(nothing, 60) for _ in range(count)]
            await asyncio.sleep(0)
        with run.cpu() as cancel:
            for each in ids:
                service.cancel_interval(each)
            await asyncio.sleep(0)
    expect(len(set(ids)), count, "intervals")
    return start, cancel, count


def started_on_gevent(run: Run) -> tuple[Spent, Spent, int]:
    """The same on gevent."""
    import gevent

    from specter import Service

    count = run.count(1_000, 10)
    service = Service("measured")
    service.start()
    with run.cpu() as start:
        ids = [service.interval(nothing, 60) for _ in range(count)]
        gevent.sleep(0)
    with run.cpu() as cancel:
        for each in ids:
            service.cancel_interval(each)
        gevent.sleep(0)
    service.stop()
    expect(len(set(ids)), count, "intervals")
    return start, cancel, count


@START.ours
async def _(run: Run) -> float:
    start, _, count = await started_on_asyncio(run)
    return start.each(count)


@CANCEL.ours
async def _(run: Run) -> float:
    _, cancel, count = await started_on_asyncio(run)
    return cancel.each(count)


@START.on_gevent
def _(run: Run) -> float:
    start, _, count = started_on_gevent(run)
    return start.each(count)


@CANCEL.on_gevent
def _(run: Run) -> float:
    _, cancel, count = started_on_gevent(run)
    return cancel.each(count)


@dataclass
class Due:
    """What a number of ticks took: seconds of the processor, and by the clock."""

    ticks: int
    cpu: float
    wall: float

    def each(self) -> float:
        """Microseconds of the processor for a tick."""
        return self.cpu / self.ticks * 1e6

    def part(self) -> float:
        """Percent of a processor."""
        return self.cpu / self.wall * 100


Start = Callable[[Callable[[], None]], object]


async def due(run: Run, count: int, rounds: int, start: Start) -> Due:
    """What *rounds* ticks of each of *count* intervals take; ``start(tick)`` begins one."""
    reached = asyncio.Event()
    ticks = Ticks(reached.set)
    for _ in range(count):
        start(ticks.tick)
    await ticks.on_asyncio(reached, count)
    with run.cpu() as cpu, run.wall() as wall:
        await ticks.on_asyncio(reached, count * rounds)
    return Due(count * rounds, cpu.seconds, wall.seconds)


async def due_on_asyncio(run: Run, count: int, every: float, rounds: int) -> Due:
    """The same for the intervals of a service."""
    from specter import Runtime, Service

    async with Runtime(), Service("measured") as service:
        return await due(run, count, rounds, lambda tick: service.interval(tick, every))


def due_on_gevent(run: Run, count: int, every: float, rounds: int) -> Due:
    """The same on gevent."""
    from gevent.event import Event

    from specter import Service

    reached, service = Event(), Service("measured")
    ticks = Ticks(reached.set)
    service.start()
    for _ in range(count):
        service.interval(ticks.tick, every)
    ticks.wanted = count
    reached.wait()
    reached.clear()
    ticks.wanted = ticks.count + count * rounds
    with run.cpu() as cpu, run.wall() as wall:
        reached.wait()
    service.stop()
    return Due(count * rounds, cpu.seconds, wall.seconds)


@TICK.ours
async def _(run: Run) -> float:
    return (await due_on_asyncio(run, run.count(1_000, 10), 0.1, run.count(10, 2))).each()


@TICK.on_gevent
def _(run: Run) -> float:
    return due_on_gevent(run, run.count(1_000, 10), 0.1, run.count(10, 2)).each()


@TICK.contender("asyncio.sleep in a task each")
async def _(run: Run) -> float:
    async def interval(tick: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(0.1)
            tick()

    tasks: list[asyncio.Task[None]] = []
    return (
        await due(
            run,
            run.count(1_000, 10),
            run.count(10, 2),
            lambda tick: tasks.append(asyncio.create_task(interval(tick))),
        )
    ).each()


@TICK.contender("loop.call_later by hand")
async def _(run: Run) -> float:
    loop = asyncio.get_running_loop()

    def interval(tick: Callable[[], None]) -> None:
        def again() -> None:
            tick()
            loop.call_later(0.1, again)

        loop.call_later(0.1, again)

    return (await due(run, run.count(1_000, 10), run.count(10, 2), interval)).each()


@IDLE.ours
async def _(run: Run, n: int) -> float:
    return (await due_on_asyncio(run, n, run.count(100, 10) / 100, run.count(4, 1))).part()


@IDLE.on_gevent
def _(run: Run, n: int) -> float:
    return due_on_gevent(run, n, run.count(100, 10) / 100, run.count(4, 1)).part()
