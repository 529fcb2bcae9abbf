"""Items that are put into a queue and handled by its workers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
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


Feed = Callable[[Any, int], Any]
"""Put so many items into a queue, and come back when they are handled."""


async def ours(run: Run, workers: int, count: int, feed: Feed) -> float:
    """The time for an item in a queue of ours on asyncio."""
    from specter import Runtime

    queue = queue_class()("measured", worker_count=workers)
    async with Runtime(), queue:
        await asyncio.sleep(0)
        with run.cpu() as spent:
            await feed(queue, count)
    expect(queue.handled, count, "items that were handled")
    return spent.each(count)


def on_gevent(run: Run, workers: int, count: int, feed: Feed) -> float:
    """The time for an item in a queue of our twin, or of 0.1.1."""
    import gevent

    queue = queue_class()("measured", worker_count=workers)
    queue.start()
    gevent.sleep(0)
    with run.cpu() as spent:
        feed(queue, count)
    queue.stop()
    expect(queue.handled, count, "items that were handled")
    return spent.each(count)


async def by_hand(run: Run, workers: int, count: int, feed: Feed) -> float:
    """The time for an item in a queue of asyncio, with workers as one writes them."""

    async def work() -> None:
        nonlocal handled
        while True:
            await queue.get()
            handled += 1
            queue.task_done()

    handled, queue = 0, asyncio.Queue[int]()
    tasks = [asyncio.create_task(work()) for _ in range(workers)]
    await asyncio.sleep(0)
    with run.cpu() as spent:
        await feed(queue, count)
    for task in tasks:
        task.cancel()
    expect(handled, count, "items that were handled")
    return spent.each(count)


@ITEMS.ours
async def _(run: Run, n: int) -> float:
    async def feed(queue: Any, count: int) -> None:
        for item in range(count):
            queue.enqueue_nowait(item)
        await queue.join()

    return await ours(run, n, run.count(10_000, 20), feed)


@ITEMS.on_gevent
def _(run: Run, n: int) -> float:
    def feed(queue: Any, count: int) -> None:
        for item in range(count):
            queue.enqueue(item)
        queue.queue.join()

    return on_gevent(run, n, run.count(10_000, 20), feed)


@ITEMS.contender("asyncio.Queue by hand")
async def _(run: Run, n: int) -> float:
    async def feed(queue: asyncio.Queue[int], count: int) -> None:
        for item in range(count):
            queue.put_nowait(item)
        await queue.join()

    return await by_hand(run, n, run.count(10_000, 20), feed)


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
    async def feed(queue: Any, count: int) -> None:
        for item in range(count):
            await queue.enqueue(item)
            await queue.join()

    return await ours(run, n, run.count(5_000, 20), feed)


@ONE_BY_ONE.on_gevent
def _(run: Run, n: int) -> float:
    def feed(queue: Any, count: int) -> None:
        for item in range(count):
            queue.enqueue(item)
            queue.queue.join()

    return on_gevent(run, n, run.count(5_000, 20), feed)


@ONE_BY_ONE.contender("asyncio.Queue by hand")
async def _(run: Run, n: int) -> float:
    async def feed(queue: asyncio.Queue[int], count: int) -> None:
        for item in range(count):
            await queue.put(item)
            await queue.join()

    return await by_hand(run, n, run.count(5_000, 20), feed)
