"""Intervals: what one costs to start, to cancel, to have, and each time it is due."""

from __future__ import annotations

import asyncio
from typing import Any

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
    """How often an interval's function was called."""

    count = 0

    def tick(self) -> None:
        self.count += 1


async def started_on_asyncio(run: Run) -> tuple[Spent, Spent, int]:
    """What it took to start and to cancel so many."""
    from specter import Runtime, Service

    count = run.count(1_000, 10)
    async with Runtime(), Service("measured") as service:
        with run.cpu() as start:
            ids = [service.interval(Ticks().tick, 60) for _ in range(count)]
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
        ids = [service.interval(Ticks().tick, 60) for _ in range(count)]
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


async def due_on_asyncio(run: Run, count: int, every: float, seconds: float) -> tuple[Spent, int]:
    """What *seconds* with so many intervals took, and how many ticks there were."""
    from specter import Runtime, Service

    ticks = Ticks()
    async with Runtime(), Service("measured") as service:
        for _ in range(count):
            service.interval(ticks.tick, every)
        await asyncio.sleep(every)  # none is due before
        before = ticks.count
        with run.cpu() as spent:
            await asyncio.sleep(seconds)
        return spent, ticks.count - before


def due_on_gevent(run: Run, count: int, every: float, seconds: float) -> tuple[Spent, int]:
    """The same on gevent."""
    import gevent

    from specter import Service

    ticks = Ticks()
    service: Any = Service("measured")
    service.start()
    for _ in range(count):
        service.interval(ticks.tick, every)
    gevent.sleep(every)
    before = ticks.count
    with run.cpu() as spent:
        gevent.sleep(seconds)
    found = ticks.count - before
    service.stop()
    return spent, found


def per_tick(run: Run, spent: Spent, ticks: int) -> float:
    """Microseconds for each tick; at least half of those that fit were made."""
    expect(ticks >= run.count(5_000, 10), True, f"ticks ({ticks}) are what they should be")
    return spent.each(ticks)


def part(seconds: float, spent: Spent, ticks: int, count: int) -> float:
    """Percent of a processor; a tick may be late by more than one interval, but not by two."""
    expect(ticks >= count * max(1, seconds - 2) * 0.9, True, f"ticks ({ticks}) are what they should be")
    return spent.seconds / seconds * 100


@TICK.ours
async def _(run: Run) -> float:
    spent, ticks = await due_on_asyncio(run, run.count(1_000, 10), 0.1, run.count(10, 2) / 10)
    return per_tick(run, spent, ticks)


@TICK.on_gevent
def _(run: Run) -> float:
    spent, ticks = due_on_gevent(run, run.count(1_000, 10), 0.1, run.count(10, 2) / 10)
    return per_tick(run, spent, ticks)


@TICK.contender("asyncio.sleep in a task each")
async def _(run: Run) -> float:
    async def interval() -> None:
        while True:
            await asyncio.sleep(0.1)
            ticks.tick()

    ticks, seconds = Ticks(), run.count(10, 2) / 10
    tasks = [asyncio.create_task(interval()) for _ in range(run.count(1_000, 10))]
    await asyncio.sleep(0)
    with run.cpu() as spent:
        await asyncio.sleep(seconds + 0.05)
    for task in tasks:
        task.cancel()
    return per_tick(run, spent, ticks.count)


@TICK.contender("loop.call_later by hand")
async def _(run: Run) -> float:
    def again() -> None:
        ticks.tick()
        if open_:
            loop.call_later(0.1, again)

    ticks, seconds, open_, loop = Ticks(), run.count(10, 2) / 10, [True], asyncio.get_running_loop()
    for _ in range(run.count(1_000, 10)):
        loop.call_later(0.1, again)
    with run.cpu() as spent:
        await asyncio.sleep(seconds + 0.05)
    open_.clear()
    await asyncio.sleep(0.15)
    return per_tick(run, spent, ticks.count)


@IDLE.ours
async def _(run: Run, n: int) -> float:
    seconds = run.count(4, 1)
    return part(seconds, *await due_on_asyncio(run, n, 1.0, seconds), n)


@IDLE.on_gevent
def _(run: Run, n: int) -> float:
    seconds = run.count(4, 1)
    return part(seconds, *due_on_gevent(run, n, 1.0, seconds), n)
