"""
Any calls to any services in any order, and what holds afterwards.

Five services, some two dozen calls (start, stop, adopt, spawn, emit, set_state), each by a task of its own that may be
cancelled; hooks, cleanups, tasks and listeners that wait, fail, and start or stop whatever they like. Time is virtual.

A seed does not replay a run (anyio walks sets of tasks, trio shuffles its batches), so each run keeps a trace.
"""

import asyncio
import random
from collections import Counter
from contextlib import asynccontextmanager, suppress

import anyio
import pytest
from anyio.lowlevel import checkpoint

from specter import Runtime, Service, bus
from specter.testing import backend_options, virtual_time

SERVICES = 5
CALLS = 25
# Halved again and again on the way down, and yet more than anything takes but what hangs.
STOP_TIMEOUT = 1_000.0
HANG = 100_000.0
# Only what waits without end gets there.
FOR_EVER = 1e9


class World:
    """One run."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.trace = []
        self.acquired, self.released = Counter(), Counter()
        self.open_hooks = Counter()
        self.slowest_stop = 0.0
        # In every other world something hangs here and there.
        self.hangs = seed % 2 == 1
        self.services = [Busy(self, f"s{number}") for number in range(SERVICES)]

    def note(self, *what):
        self.trace.append(" ".join(map(str, what)))

    def one(self):
        return self.random.choice(self.services)

    async def pause(self):
        match self.random.randrange(4):
            case 0:
                await checkpoint()
            case 1:
                await anyio.sleep(self.random.choice([0.001, 0.1, 1.0]))

    async def whatever(self, service, depth=0):
        """What hooks, cleanups, tasks and listeners do."""
        match self.random.randrange(13):
            case 0 | 1 | 2:
                await self.pause()
            case 3:
                raise ValueError("no good")
            case 4:
                await self.stop(service)
            case 5:
                await self.stop(self.one())
            case 6 if service._parent is not None:
                await self.stop(service._parent)
            case 7:
                await self.one().start()
            case 8 if depth < 3:
                await service.spawn(self.whatever, service, depth + 1).wait()
            case 9 if depth < 3:
                await service.adopt(self.one())
            case 10 if depth < 3:
                await service.emit("event", depth + 1)
            case 11 if self.hangs and self.random.random() < 0.2:
                await anyio.sleep(HANG)
            case 12:
                await service.enter(self.held())

    @asynccontextmanager
    async def held(self):
        self.acquired["held"] += 1
        try:
            async with anyio.create_task_group():
                yield
                await self.pause()
        finally:
            self.released["held"] += 1

    async def stop(self, service):
        began = anyio.current_time()
        self.note("stop", service.name, "begins")
        try:
            await service.stop()
        finally:
            took = anyio.current_time() - began
            self.note("stop", service.name, "took", took)
            self.slowest_stop = max(self.slowest_stop, took)

    async def call(self):
        service = self.one()
        what = self.random.choice(["start"] * 4 + ["stop"] * 3 + ["adopt", "adopt", "spawn", "spawn", "emit", "state"])
        self.note(what, service.name)
        match what:
            case "start":
                await service.start()
            case "stop":
                await self.stop(service)
            case "adopt":
                await service.adopt(self.one(), start=self.random.random() < 0.8)
            case "spawn":
                service.spawn(service.work)
            case "emit":
                bus.emit_nowait("event", 2)
                await bus.emit("event", 2)
            case "state":
                service.set_state({"n": self.random.random()})

    async def caller(self):
        """One call, perhaps cancelled in the middle, by a scope or (asyncio) natively."""
        after = self.random.choice([None, None, 0.0, 0.001, 0.1, 1.0])
        try:
            if after is not None and self.random.random() < 0.5 and on_asyncio():
                async with asyncio.timeout(after):
                    await self.call()
            else:
                with anyio.CancelScope() as scope:
                    scope.deadline = FOR_EVER if after is None else anyio.current_time() + after
                    await self.call()
        except Exception as error:
            self.note("raised", repr(error))


class Busy(Service):
    def __init__(self, world, name):
        super().__init__(name)
        self.world = world
        self.stop_timeout = STOP_TIMEOUT

    def acquire(self):
        self.world.acquired[self.name] += 1
        self.add_cleanup(self.release)

    async def release(self):
        self.world.released[self.name] += 1
        if self.world.random.random() < 0.3:
            await self.world.whatever(self)

    async def on_start(self):
        self.world.open_hooks[self.name] += 1
        assert self.world.open_hooks[self.name] == 1
        self.acquire()
        self.listen("event", self.hear)
        self.watch(self.told)
        self.interval(self.tick, self.world.random.choice([0.5, 100]))
        self.spawn(self.work)
        self.acquire()
        if self.world.random.random() < 0.6:
            await self.world.whatever(self)

    async def on_stop(self):
        self.world.note("on_stop", self.name)
        self.world.open_hooks[self.name] -= 1
        assert self.world.open_hooks[self.name] == 0
        if self.world.random.random() < 0.6:
            await self.world.whatever(self)

    def _be_stopped(self):
        self.world.open_hooks[self.name] = 0  # its start failed
        super()._be_stopped()

    async def work(self):
        try:
            await self.world.whatever(self)
            await anyio.sleep(self.world.random.choice([0, 0.2, 30]))
        finally:
            with anyio.CancelScope(shield=True):
                if self.world.random.random() < 0.2:
                    await self.world.stop(self.world.one())
                else:
                    await checkpoint()

    async def hear(self, depth):
        if depth < 3:
            await self.world.whatever(self, depth + 1)

    async def told(self, state, service):
        await checkpoint()

    async def tick(self):
        if self.world.random.random() < 0.1:
            await self.world.whatever(self)


def on_asyncio():
    with suppress(RuntimeError):
        return asyncio.get_running_loop() is not None
    return False


async def run(world):
    with virtual_time(), anyio.fail_after(FOR_EVER):
        async with Runtime() as runtime:
            async with anyio.create_task_group() as group:
                for _ in range(CALLS):
                    group.start_soon(world.caller)
                    await world.pause()

    assert [service for service in world.services if service.running] == []
    assert [service for service in world.services if service._ledger] == []
    assert world.acquired == world.released
    assert runtime._services == {}
    # Where something hangs, a task may be in a stop that takes longer than its own service has.
    assert world.hangs or runtime.abandoned == []
    assert runtime._tasks == {}
    assert bus.listener_count() == 0
    # Late steps get 0.01 s each.
    assert world.slowest_stop <= STOP_TIMEOUT + 1


def run_many(backend, seeds):
    for seed in seeds:
        world = World(seed)
        try:
            anyio.run(run, world, backend=backend, backend_options=backend_options(backend))
        except BaseException as error:
            error.add_note(f"seed {seed}:\n" + "\n".join(world.trace))
            raise
        finally:
            bus.clear()


every = pytest.mark.parametrize("backend", ["asyncio", "trio"])


@pytest.fixture(autouse=True)
def no_log(caplog):
    caplog.set_level("CRITICAL", "specter")


@every
def test_any_calls_in_any_order(backend):
    run_many(backend, range(150))


@pytest.mark.slow
@pytest.mark.timeout(600)
@every
def test_many_more(backend):
    run_many(backend, range(1000, 2500))
