"""What there are thousands of: resident memory of each, in a process that has nothing else to do."""

from __future__ import annotations

import asyncio
import gc
import linecache
import resource
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.cases import GEVENT, OLD, SPECTER, TWIN, Case, Goal
from benchmarks.profiles import Found, imported, of_amounts
from benchmarks.run import Run, expect

TITLE = "resident memory, of each"
PARTS = ("where the memory goes", "the lines that have asked for what is kept")


def each_of(title: str, *goals: Goal, baseline: str = OLD) -> Case:
    """A case in which each sample has a process of its own: what was freed stays with the process."""
    return Case(title, unit="KiB", goals=goals, baseline=baseline, fresh=True, repeats=3)


SERVICE = each_of("an idle service", Goal(SPECTER, 2.0), Goal(TWIN, 1.0, OLD))
INTERVAL = each_of("an interval", Goal(SPECTER, 0.4), Goal(TWIN, 0.1, OLD))
SUBSCRIPTION = each_of("a subscription to the bus", Goal(SPECTER, 0.25), Goal(TWIN, 1.0, OLD))
TASK = each_of(
    "a task that sleeps",
    Goal(SPECTER, 1.1, "anyio start_soon"),
    Goal(TWIN, 1.0, OLD),
    baseline="anyio start_soon",
)


def resident() -> int:
    """Bytes of this process that are in memory; where the system does not tell, the most that there were."""
    gc.collect()
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def begin(run: Run) -> int:
    """What there is before any are made."""
    if run.profiling:
        tracemalloc.start()
    return resident()


def each(run: Run, before: int, kept: list[Any]) -> float:
    """KiB of each since *before*."""
    expect(len(kept), things(run), "what is kept")
    if run.profiling:
        run.found = allocated(len(kept))
        tracemalloc.stop()
    return (resident() - before) / len(kept) / 1024


WIDEST = 60
"""Characters of a line that are shown."""


def allocated(count: int) -> Found:
    """Bytes of each that are kept, by the line of the program that asked for them."""
    amounts: dict[str, float] = {}
    for found in tracemalloc.take_snapshot().statistics("lineno"):
        (frame,) = found.traceback
        text = linecache.getline(frame.filename, frame.lineno).strip()
        line = f"{imported(frame.filename)} {text if len(text) <= WIDEST else text[:WIDEST] + '...'}"
        amounts[line] = amounts.get(line, 0.0) + found.size / count
    return of_amounts(amounts, "B")


def things(run: Run) -> int:
    """How many are made."""
    return run.count(10_000, 100)


def functions(run: Run) -> list[Callable[..., None]]:
    """A function for each; they are the user's and do not count."""
    return [lambda *args: None for _ in range(things(run))]


@SERVICE.ours
async def _(run: Run) -> float:
    from specter import Runtime, Service

    async with Runtime():
        await Service("first").start()
        before = begin(run)
        return each(run, before, [await Service("idle").start() for _ in range(things(run))])


@SERVICE.on_gevent
def _(run: Run) -> float:
    from specter import Service

    Service("first").start()
    before = begin(run)
    return each(run, before, [Service("idle").start() for _ in range(things(run))])


@INTERVAL.ours
async def _(run: Run) -> float:
    from specter import Runtime, Service

    ticks = functions(run)
    async with Runtime(), Service("measured") as service:
        before = begin(run)
        return each(run, before, [service.interval(tick, 60) for tick in ticks])


@INTERVAL.on_gevent
def _(run: Run) -> float:
    import gevent

    from specter import Service

    ticks, service = functions(run), Service("measured")
    service.start()
    before = begin(run)
    kept = [service.interval(tick, 60) for tick in ticks]
    gevent.sleep(0)
    return each(run, before, kept)


@INTERVAL.contender("loop.call_later")
async def _(run: Run) -> float:
    ticks, loop = functions(run), asyncio.get_running_loop()
    before = begin(run)
    return each(run, before, [loop.call_later(60, tick) for tick in ticks])


@SUBSCRIPTION.all_three
def _(run: Run) -> float:
    from specter import EventBus

    listeners, bus = functions(run), EventBus()
    before = begin(run)
    return each(run, before, [bus.on("event", listener) for listener in listeners])


@TASK.ours
async def _(run: Run) -> float:
    import anyio

    from specter import Runtime, Service

    async with Runtime(), Service("measured") as service:
        before = begin(run)
        kept = [service.spawn(anyio.sleep, 60) for _ in range(things(run))]
        await turns()
        return each(run, before, kept)


@TASK.on_gevent
def _(run: Run) -> float:
    import gevent

    from specter import Service

    service = Service("measured")
    service.start()
    before = begin(run)
    kept = [service.spawn(gevent.sleep, 60) for _ in range(things(run))]
    gevent.sleep(0)
    return each(run, before, kept)


@TASK.contender("anyio start_soon")
async def _(run: Run) -> float:
    import anyio

    async with anyio.create_task_group() as group:
        before = begin(run)
        for _ in range(things(run)):
            group.start_soon(anyio.sleep, 60)
        await turns()
        found = (resident() - before) / things(run) / 1024
        expect(len(anyio.get_running_tasks()), things(run) + 1, "tasks that run")
        group.cancel_scope.cancel()
    return found


@TASK.contender("asyncio.create_task")
async def _(run: Run) -> float:
    before = begin(run)
    kept = [asyncio.create_task(asyncio.sleep(60)) for _ in range(things(run))]
    await turns()
    return each(run, before, kept)


@TASK.contender("gevent.spawn", GEVENT)
def _(run: Run) -> float:
    import gevent

    before = begin(run)
    kept = [gevent.spawn(gevent.sleep, 60) for _ in range(things(run))]
    gevent.sleep(0)
    return each(run, before, kept)


async def turns() -> None:
    """Let what was started come to its sleep."""
    for _ in range(5):
        await asyncio.sleep(0)
