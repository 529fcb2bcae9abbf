"""Services with one listener and one interval each, a thousand in a sample."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.cases import LAW, OLD, SPECTER, TWIN, Case, Goal
from benchmarks.run import Run, Spent, expect

TITLE = "a service with a listener and an interval is made, started and stopped"
ALL = Case(
    "create, start, run for a turn, stop",
    goals=(Goal(SPECTER, 0.5, OLD), Goal(TWIN, 1.0, OLD)),
)
START = Case("start", goals=(Goal(TWIN, 1.0, OLD), LAW))
STOP = Case("stop", goals=(Goal(TWIN, 1.0, OLD), LAW))


def service_class() -> Any:
    """What is measured: it reads the same on asyncio, on gevent and under 0.1.1."""
    from specter import Service

    class Measured(Service):
        def on_start(self) -> None:
            self.listen("measured", self.hear)
            self.interval(self.tick, 60)

        def hear(self, data: object) -> None: ...

        def tick(self) -> None: ...

    return Measured


async def on_asyncio(run: Run) -> tuple[Spent, Spent, int]:
    """What the start and the stop of so many services took."""
    from specter import Runtime, bus

    measured, count = service_class(), run.count(1_000, 10)
    async with Runtime():
        with run.cpu() as start:
            services = [await measured("measured").start() for _ in range(count)]
            await asyncio.sleep(0)
        expect(bus.listener_count("measured"), count, "listeners of services that run")
        with run.cpu() as stop:
            for service in services:
                await service.stop()
            await asyncio.sleep(0)
        expect(bus.listener_count("measured"), 0, "listeners of services that have stopped")
    return start, stop, count


def on_gevent(run: Run) -> tuple[Spent, Spent, int]:
    """The same on gevent."""
    import gevent

    from specter import bus

    measured, count = service_class(), run.count(1_000, 10)
    with run.cpu() as start:
        services = [measured("measured").start() for _ in range(count)]
        gevent.sleep(0)  # where an interval is a greenlet, it begins
    expect(bus.listener_count("measured"), count, "listeners of services that run")
    with run.cpu() as stop:
        for service in services:
            service.stop()
        gevent.sleep(0)
    expect(bus.listener_count("measured"), 0, "listeners of services that have stopped")
    return start, stop, count


@ALL.ours
async def _(run: Run) -> float:
    start, stop, count = await on_asyncio(run)
    return start.each(count) + stop.each(count)


@START.ours
async def _(run: Run) -> float:
    start, _, count = await on_asyncio(run)
    return start.each(count)


@STOP.ours
async def _(run: Run) -> float:
    _, stop, count = await on_asyncio(run)
    return stop.each(count)


@ALL.on_gevent
def _(run: Run) -> float:
    start, stop, count = on_gevent(run)
    return start.each(count) + stop.each(count)


@START.on_gevent
def _(run: Run) -> float:
    start, _, count = on_gevent(run)
    return start.each(count)


@STOP.on_gevent
def _(run: Run) -> float:
    _, stop, count = on_gevent(run)
    return stop.each(count)


@ALL.contender("mode-streaming", needs=("mode",))
async def _(run: Run) -> float:
    import mode

    class Measured(mode.Service):
        @mode.Service.timer(60)
        async def tick(self) -> None: ...

    count = run.count(200, 10)
    with run.cpu() as spent:
        services = [Measured() for _ in range(count)]
        for service in services:
            await service.start()
        await asyncio.sleep(0)
        started = sum(service.started for service in services)
        for service in services:
            await service.stop()
    expect(started, count, "services that run")
    return spent.each(count)


@ALL.contender("aiomisc", needs=("aiomisc",))
async def _(run: Run) -> float:
    import aiomisc

    class Measured(aiomisc.Service):
        async def start(self) -> None:
            self.ticks = aiomisc.PeriodicCallback(self.tick)
            self.ticks.start(60, delay=60)

        async def stop(self, exception: Exception | None = None) -> None:
            await self.ticks.stop(return_exceptions=True)

        async def tick(self) -> None: ...

    count, loop = run.count(1_000, 10), asyncio.get_running_loop()
    with run.cpu() as spent:
        services = [Measured() for _ in range(count)]
        for service in services:
            service.set_loop(loop)
            await service.start()
        await asyncio.sleep(0)
        started = len(asyncio.all_tasks()) - 1
        for service in services:
            await service.stop()
    expect(started, count, "periodic callbacks that run")
    return spent.each(count)


@ALL.contender("asphalt", needs=("asphalt",))
async def _(run: Run) -> float:
    from asphalt.core import Component, Context

    class Measured(Component):
        async def start(self, ctx: Context) -> None:
            ticks = asyncio.create_task(periodic())
            ctx.add_teardown_callback(ticks.cancel)

    count = run.count(1_000, 10)
    with run.cpu() as spent:
        async with Context() as context:
            for _ in range(count):
                await Measured().start(context)
            await asyncio.sleep(0)
            started = len(asyncio.all_tasks()) - 1
        await asyncio.sleep(0)
    expect(started, count, "tasks that run")
    return spent.each(count)


async def periodic() -> None:
    """An interval by hand."""
    while True:  # noqa: ASYNC110 - nothing is waited for but the time
        await asyncio.sleep(60)


@ALL.contender("asyncio.create_task")
async def _(run: Run) -> float:
    count = run.count(1_000, 10)
    with run.cpu() as spent:
        tasks = [asyncio.create_task(periodic()) for _ in range(count)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)
    expect(sum(task.cancelled() for task in tasks), count, "tasks that were cancelled")
    return spent.each(count)


@ALL.contender("anyio task group each")
async def _(run: Run) -> float:
    import anyio

    count = run.count(1_000, 10)
    with run.cpu() as spent:
        groups = []
        for _ in range(count):
            groups.append(await anyio.create_task_group().__aenter__())
            groups[-1].start_soon(periodic)
        await asyncio.sleep(0)
        started = len(asyncio.all_tasks()) - 1
        for group in reversed(groups):
            group.cancel_scope.cancel()
            await group.__aexit__(None, None, None)
    expect(started, count, "tasks that run")
    return spent.each(count)
