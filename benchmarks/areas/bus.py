"""One emitter, and listeners that count."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from benchmarks.cases import LAW, OLD, SPECTER, TWIN, Case, Goal
from benchmarks.run import Run

TITLE = "an event reaches its listeners"


class Heard:
    """How many listeners have heard something."""

    count = 0

    def listener(self) -> Callable[[object], None]:
        """A new one."""

        def hear(data: object) -> None:
            self.count += 1

        return hear


PLAIN = Case(
    "emit to {n} plain listeners",
    sizes=(1, 10, 100),
    goals=(
        Goal("specter emit_nowait", 1.0, OLD),
        Goal("specter emit", 1.4, OLD),
        Goal(TWIN, 1.0, OLD),
        LAW,
    ),
)


@PLAIN.contender("specter emit_nowait")
async def _(run: Run, n: int) -> float:
    from specter import EventBus

    bus, heard = EventBus(), Heard()
    for _ in range(n):
        bus.on("event", heard.listener())
    return run.per_call(bus.emit_nowait, "event", 1, check=lambda: heard.count == n)


@PLAIN.contender("specter emit")
async def _(run: Run, n: int) -> float:
    from specter import EventBus

    bus, heard = EventBus(), Heard()
    for _ in range(n):
        bus.on("event", heard.listener())
    return await run.per_await(bus.emit, "event", 1, check=lambda: heard.count == n)


@PLAIN.on_gevent
def _(run: Run, n: int) -> float:
    from specter import EventBus

    bus, heard = EventBus(), Heard()
    for _ in range(n):
        bus.on("event", heard.listener())
    return run.per_call(bus.emit, "event", 1, check=lambda: heard.count == n)


@PLAIN.contender("pyee", needs=("pyee",))
def _(run: Run, n: int) -> float:
    from pyee.base import EventEmitter

    emitter, heard = EventEmitter(), Heard()
    for _ in range(n):
        emitter.on("event", heard.listener())
    return run.per_call(emitter.emit, "event", 1, check=lambda: heard.count == n)


@PLAIN.contender("blinker", needs=("blinker",))
def _(run: Run, n: int) -> float:
    from blinker import Signal

    signal, heard = Signal(), Heard()
    for _ in range(n):
        signal.connect(heard.listener(), weak=False)
    return run.per_call(signal.send, 1, check=lambda: heard.count == n)


@PLAIN.contender("psygnal", needs=("psygnal",))
def _(run: Run, n: int) -> float:
    from psygnal import SignalInstance

    signal, heard = SignalInstance((object,)), Heard()
    for _ in range(n):
        signal.connect(heard.listener())
    return run.per_call(signal.emit, 1, check=lambda: heard.count == n)


@PLAIN.contender("a loop over a list")
def _(run: Run, n: int) -> float:
    heard = Heard()
    listeners = [heard.listener() for _ in range(n)]

    def emit(data: object) -> None:
        for listener in listeners:
            listener(data)

    return run.per_call(emit, 1, check=lambda: heard.count == n)


COROUTINES = Case(
    "emit to {n} coroutine listeners, and wait for them",
    sizes=(1, 10, 100),
    goals=(Goal(SPECTER, 1.0, "anyio task group"),),
    baseline="anyio task group",
)


def coroutine_listener(heard: Heard) -> Callable[[object], Awaitable[None]]:
    """A listener that waits once."""

    async def hear(data: object) -> None:
        await asyncio.sleep(0)
        heard.count += 1

    return hear


@COROUTINES.ours
async def _(run: Run, n: int) -> float:
    from specter import EventBus, Runtime

    async with Runtime():
        bus, heard = EventBus(), Heard()
        for _ in range(n):
            bus.on("event", coroutine_listener(heard))
        return await run.per_await(bus.emit, "event", 1, check=lambda: heard.count == n)


@COROUTINES.contender("anyio task group")
async def _(run: Run, n: int) -> float:
    import anyio

    heard = Heard()
    listeners = [coroutine_listener(heard) for _ in range(n)]

    async def emit(data: object) -> None:
        async with anyio.create_task_group() as group:
            for listener in listeners:
                group.start_soon(listener, data)

    return await run.per_await(emit, 1, check=lambda: heard.count == n)


@COROUTINES.contender("asyncio.TaskGroup")
async def _(run: Run, n: int) -> float:
    heard = Heard()
    listeners = [coroutine_listener(heard) for _ in range(n)]

    async def emit(data: object) -> None:
        async with asyncio.TaskGroup() as group:
            for listener in listeners:
                group.create_task(listener(data))

    return await run.per_await(emit, 1, check=lambda: heard.count == n)


@COROUTINES.contender("asyncio.gather")
async def _(run: Run, n: int) -> float:
    heard = Heard()
    listeners = [coroutine_listener(heard) for _ in range(n)]

    async def emit(data: object) -> None:
        await asyncio.gather(*(listener(data) for listener in listeners))

    return await run.per_await(emit, 1, check=lambda: heard.count == n)


@COROUTINES.contender("pyee", needs=("pyee",))
async def _(run: Run, n: int) -> float:
    from pyee.asyncio import AsyncIOEventEmitter

    emitter, heard = AsyncIOEventEmitter(), Heard()
    for _ in range(n):
        emitter.on("event", coroutine_listener(heard))

    async def emit(data: object) -> None:
        emitter.emit("event", data)
        await emitter.wait_for_complete()

    return await run.per_await(emit, 1, check=lambda: heard.count == n)
