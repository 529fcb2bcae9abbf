"""An application with a thousand services, whose hooks do nothing or some work."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from benchmarks.cases import OLD, SPECTER, TWIN, Case, Goal
from benchmarks.run import Run, expect

TITLE = "an application boots and shuts down"
EMPTY = Case(
    "boot and shutdown of 1,000 services, hooks empty",
    unit="ms",
    goals=(Goal(SPECTER, 1.0, OLD), Goal(TWIN, 1.0, OLD)),
    repeats=5,
)
WORKING = Case(
    "boot and shutdown of 1,000 services, hooks work for about 0.1 ms",
    unit="ms",
    goals=(Goal(SPECTER, 1.2, "the hooks by hand"), Goal(TWIN, 1.2, "the hooks by hand")),
    baseline="the hooks by hand",
    repeats=5,
)
SETTINGS = {f"key{number}": list(range(20)) for number in range(4)}


def work() -> None:
    """What a hook might do: read its settings."""
    for _ in range(4):
        json.loads(json.dumps(SETTINGS))


class Count:
    """How many hooks have run."""

    hooks = 0


def services(run: Run, count: Count, working: bool, *, waits: bool) -> list[Any]:
    """So many, each with both hooks; where they can wait, they do so once."""
    from specter import Service

    def hook() -> None:
        count.hooks += 1
        if working:
            work()

    class Plain(Service):
        def on_start(self) -> None:
            hook()

        def on_stop(self) -> None:
            hook()

    class Waiting(Service):
        async def on_start(self) -> None:
            hook()
            await asyncio.sleep(0)

        async def on_stop(self) -> None:
            hook()
            await asyncio.sleep(0)

    made: Any = Waiting if waits else Plain
    return [made(f"service{number}") for number in range(run.count(1_000, 5))]


async def on_asyncio(run: Run, *, working: bool) -> float:
    """Milliseconds from the first registration to the end of the last service."""
    from specter import ServiceManager

    count = Count()
    parts = services(run, count, working, waits=True)
    with run.cpu() as spent:
        manager = ServiceManager()
        for service in parts:
            manager.register_service(service)
        async with manager:
            running = sum(service.running for service in parts)
    expect((running, count.hooks), (len(parts), 2 * len(parts)), "services that ran, and their hooks")
    return spent.seconds * 1000


def on_gevent(run: Run, *, working: bool) -> float:
    """The same on gevent."""
    from specter import ServiceManager

    count = Count()
    parts = services(run, count, working, waits=False)
    with run.cpu() as spent:
        manager = ServiceManager()
        for service in parts:
            manager.register_service(service)
        manager.boot()
        running = sum(service.running for service in parts)
        manager.shutdown()
    expect((running, count.hooks), (len(parts), 2 * len(parts)), "services that ran, and their hooks")
    return spent.seconds * 1000


@EMPTY.ours
async def _(run: Run) -> float:
    return await on_asyncio(run, working=False)


@EMPTY.on_gevent
def _(run: Run) -> float:
    return on_gevent(run, working=False)


@WORKING.ours
async def _(run: Run) -> float:
    return await on_asyncio(run, working=True)


@WORKING.on_gevent
def _(run: Run) -> float:
    return on_gevent(run, working=True)


async def by_hand(run: Run, *, working: bool) -> float:
    """The hooks alone."""
    count = Count()
    parts = services(run, count, working, waits=True)
    with run.cpu() as spent:
        for service in parts:
            await service.on_start()
        for service in reversed(parts):
            await service.on_stop()
    expect(count.hooks, 2 * len(parts), "hooks that have run")
    return spent.seconds * 1000


@EMPTY.contender("the hooks by hand")
async def _(run: Run) -> float:
    return await by_hand(run, working=False)


@WORKING.contender("the hooks by hand")
async def _(run: Run) -> float:
    return await by_hand(run, working=True)
