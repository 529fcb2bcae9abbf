"""Items that are put into a queue and handled by its workers."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.cases import LAW, OLD, SPECTER, TWIN, Case, Goal
from benchmarks.run import Run, expect

TITLE = "items are queued and handled"
ITEMS = Case(
    "an item, {n} workers",
    sizes=(1, 8),
    goals=(Goal(SPECTER, 0.28, OLD), Goal(SPECTER, 1.6, "asyncio.Queue by hand"), Goal(TWIN, 1.0, OLD), LAW),
)

ONE_BY_ONE = Case("an item that comes when the one before it is done, {n} workers", sizes=(1, 8))


def queue_class() -> Any:
    """What is measured: it reads the same everywhere."""
    from specter import QueueService

    class Measured(QueueService):
        handled = 0

        def handle_item(self, item: int) -> None:
            self.handled += 1

    return Measured


@ITEMS.ours
async def _(run: Run, n: int) -> float:
    from specter import Runtime

    count = run.count(10_000, 20)
    queue = queue_class()("measured", worker_count=n)
    async with Runtime(), queue:
        await asyncio.sleep(0)
        with run.cpu() as spent:
            for item in range(count):
                queue.enqueue_nowait(item)
            await queue.join()
    expect(queue.handled, count, "items that were handled")
    return spent.each(count)


@ITEMS.on_gevent
def _(run: Run, n: int) -> float:
    import gevent

    count = run.count(10_000, 20)
    queue = queue_class()("measured", worker_count=n)
    queue.start()
    gevent.sleep(0)
    with run.cpu() as spent:
        for item in range(count):
            queue.enqueue(item)
        queue.queue.join()
    queue.stop()
    expect(queue.handled, count, "items that were handled")
    return spent.each(count)


@ITEMS.contender("asyncio.Queue by hand")
async def _(run: Run, n: int) -> float:
    async def work() -> None:
        nonlocal handled
        while True:
            await queue.get()
            handled += 1
            queue.task_done()

    handled, count, queue = 0, run.count(10_000, 20), asyncio.Queue[int]()
    workers = [asyncio.create_task(work()) for _ in range(n)]
    await asyncio.sleep(0)
    with run.cpu() as spent:
        for item in range(count):
            queue.put_nowait(item)
        await queue.join()
    for worker in workers:
        worker.cancel()
    expect(handled, count, "items that were handled")
    return spent.each(count)


@ITEMS.contender("anyio stream by hand")
async def _(run: Run, n: int) -> float:
    import math

    import anyio

    async def work() -> None:
        nonlocal handled
        async for _ in source.clone():
            handled += 1

    handled, count = 0, run.count(10_000, 20)
    sink, source = anyio.create_memory_object_stream[int](math.inf)
    with run.cpu() as spent, sink, source:
        async with anyio.create_task_group() as group:
            for _ in range(n):
                group.start_soon(work)
            for item in range(count):
                sink.send_nowait(item)
            sink.close()
    expect(handled, count, "items that were handled")
    return spent.each(count)


@ONE_BY_ONE.ours
async def _(run: Run, n: int) -> float:
    from specter import Runtime

    count = run.count(5_000, 20)
    queue = queue_class()("measured", worker_count=n)
    async with Runtime(), queue:
        await asyncio.sleep(0)
        with run.cpu() as spent:
            for item in range(count):
                await queue.enqueue(item)
                await queue.join()
    expect(queue.handled, count, "items that were handled")
    return spent.each(count)


@ONE_BY_ONE.on_gevent
def _(run: Run, n: int) -> float:
    import gevent

    count = run.count(5_000, 20)
    queue = queue_class()("measured", worker_count=n)
    queue.start()
    gevent.sleep(0)
    with run.cpu() as spent:
        for item in range(count):
            queue.enqueue(item)
            queue.queue.join()
    queue.stop()
    expect(queue.handled, count, "items that were handled")
    return spent.each(count)


@ONE_BY_ONE.contender("asyncio.Queue by hand")
async def _(run: Run, n: int) -> float:
    async def work() -> None:
        nonlocal handled
        while True:
            await queue.get()
            handled += 1
            queue.task_done()

    handled, count, queue = 0, run.count(5_000, 20), asyncio.Queue[int]()
    workers = [asyncio.create_task(work()) for _ in range(n)]
    await asyncio.sleep(0)
    with run.cpu() as spent:
        for item in range(count):
            await queue.put(item)
            await queue.join()
    for worker in workers:
        worker.cancel()
    expect(handled, count, "items that were handled")
    return spent.each(count)
