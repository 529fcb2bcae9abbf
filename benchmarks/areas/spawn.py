"""Tasks that end at once, a thousand in a sample: from the call to the end of the last."""

from __future__ import annotations

import asyncio

from benchmarks.cases import GEVENT, LAW, OLD, SPECTER, TWIN, Case, Goal
from benchmarks.run import Run, expect

TITLE = "a task is spawned and finishes"
PLAIN = Case("spawn a plain function, and let it finish", goals=(Goal(SPECTER, 0.5, OLD), Goal(TWIN, 1.0, OLD), LAW))
COROUTINE = Case(
    "spawn a coroutine function, and let it finish",
    goals=(Goal(SPECTER, 1.6, "anyio start_soon"),),
    baseline="anyio start_soon",
)
WAITING = Case(
    "spawn a coroutine function that waits once, and let it finish",
    goals=(Goal(SPECTER, 1.6, "anyio start_soon"),),
    baseline="anyio start_soon",
)


class Ended:
    """How many have ended."""

    def __init__(self) -> None:
        self.count = 0

    def plain(self) -> None:
        self.count += 1

    async def coroutine(self) -> None:
        self.count += 1

    async def waiting(self) -> None:
        await asyncio.sleep(0)
        self.count += 1


async def turns(ended: Ended, count: int) -> None:
    """Let the loop turn until so many have ended."""
    for _ in range(20):
        if ended.count == count:
            return
        await asyncio.sleep(0)
    expect(ended.count, count, "tasks that have ended")


async def by_service(run: Run, kind: str) -> float:
    """What a service's tasks take."""
    from specter import Runtime, Service

    ended, count = Ended(), run.count(1_000, 10)
    fn = getattr(ended, kind)
    async with Runtime(), Service("measured") as service:
        with run.cpu() as spent:
            for _ in range(count):
                service.spawn(fn)
            await turns(ended, count)
            await asyncio.sleep(0)
    return spent.each(count)


async def by_group(run: Run, kind: str) -> float:
    """What the tasks of an anyio task group take."""
    import anyio

    ended, count = Ended(), run.count(1_000, 10)
    fn = getattr(ended, kind)
    with run.cpu() as spent:
        async with anyio.create_task_group() as group:
            for _ in range(count):
                group.start_soon(fn)
    expect(ended.count, count, "tasks that have ended")
    return spent.each(count)


async def by_hand(run: Run, kind: str) -> float:
    """What bare tasks take, kept as they have to be."""
    ended, count = Ended(), run.count(1_000, 10)
    fn, tasks = getattr(ended, kind), set[asyncio.Task[None]]()
    with run.cpu() as spent:
        for _ in range(count):
            task = asyncio.create_task(fn())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await turns(ended, count)
        await asyncio.sleep(0)
    expect(len(tasks), 0, "tasks that are left")
    return spent.each(count)


@PLAIN.ours
async def _(run: Run) -> float:
    return await by_service(run, "plain")


@PLAIN.on_gevent
def _(run: Run) -> float:
    import gevent

    from specter import Service

    ended, count = Ended(), run.count(1_000, 10)
    service = Service("measured")
    service.start()
    with run.cpu() as spent:
        for _ in range(count):
            service.spawn(ended.plain)
        gevent.sleep(0)
        gevent.sleep(0)
    service.stop()
    expect(ended.count, count, "tasks that have ended")
    return spent.each(count)


@PLAIN.contender("loop.call_soon")
async def _(run: Run) -> float:
    ended, count = Ended(), run.count(1_000, 10)
    loop = asyncio.get_running_loop()
    with run.cpu() as spent:
        for _ in range(count):
            loop.call_soon(ended.plain)
        await turns(ended, count)
    return spent.each(count)


@PLAIN.contender("gevent.spawn", GEVENT)
def _(run: Run) -> float:
    import gevent

    ended, count = Ended(), run.count(1_000, 10)
    with run.cpu() as spent:
        for _ in range(count):
            gevent.spawn(ended.plain)
        gevent.sleep(0)
    expect(ended.count, count, "tasks that have ended")
    return spent.each(count)


@COROUTINE.ours
async def _(run: Run) -> float:
    return await by_service(run, "coroutine")


@COROUTINE.contender("anyio start_soon")
async def _(run: Run) -> float:
    return await by_group(run, "coroutine")


@COROUTINE.contender("asyncio.create_task")
async def _(run: Run) -> float:
    return await by_hand(run, "coroutine")


@WAITING.ours
async def _(run: Run) -> float:
    return await by_service(run, "waiting")


@WAITING.contender("anyio start_soon")
async def _(run: Run) -> float:
    return await by_group(run, "waiting")


@WAITING.contender("asyncio.create_task")
async def _(run: Run) -> float:
    return await by_hand(run, "waiting")
