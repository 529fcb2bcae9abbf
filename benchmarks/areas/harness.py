"""The virtual clock of the test harness: what a tick costs where nothing waits in real time."""

from __future__ import annotations

import asyncio

from benchmarks.cases import GEVENT, SPECTER, TWIN, Case, Goal
from benchmarks.run import Run, expect

LOOPTIME = "looptime, asyncio.sleep"

TITLE = "an interval of one second in virtual time"
TICK = Case("a tick of an interval of 1 s", baseline=LOOPTIME, goals=(Goal(SPECTER, 1 / 20, LOOPTIME),), timeout=120)
HOURS = Case("1,000 hours of an interval of 1 s", unit="s", baseline=SPECTER, repeats=1, timeout=600, profiled=False)


def ticked_on(backend: str, run: Run, hours: int) -> tuple[float, float]:
    """Microseconds of the processor for a tick, and seconds for all of so many hours."""
    import anyio

    from specter import Runtime, Service
    from specter.testing import backend_options, virtual_time

    async def measured() -> tuple[float, float]:
        ticks = 0

        def tick() -> None:
            nonlocal ticks
            ticks += 1

        with virtual_time() as clock:
            async with Runtime(), Service("measured") as service:
                service.interval(tick, 1)
                with run.cpu() as spent:
                    await clock.advance(hours * 3600)
        expect(ticks, hours * 3600, "ticks")
        return spent.each(ticks), spent.seconds

    return anyio.run(measured, backend=backend, backend_options=backend_options(backend))


def ticked_on_gevent(run: Run, hours: int) -> tuple[float, float]:
    """The same on gevent."""
    from specter_gevent import Service
    from specter_gevent.testing import virtual_time

    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1

    with virtual_time() as clock:
        service = Service("measured")
        service.start()
        service.interval(tick, 1)
        with run.cpu() as spent:
            clock.advance(hours * 3600)
        service.stop()
    expect(ticks, hours * 3600, "ticks")
    return spent.each(ticks), spent.seconds


@TICK.contender(LOOPTIME, needs=("looptime",))
def _(run: Run) -> float:
    import looptime

    async def measured() -> float:
        loop = asyncio.get_running_loop()
        began, count = loop.time(), run.count(3600, 60)
        with run.cpu() as spent:
            for _ in range(count):
                await asyncio.sleep(1)
        expect(round(loop.time() - began), count, "virtual seconds")
        return spent.each(count)

    loop = looptime.patch_event_loop(asyncio.new_event_loop())
    try:
        return loop.run_until_complete(measured())
    finally:
        loop.close()


@TICK.ours
def _(run: Run) -> float:
    return ticked_on("asyncio", run, run.count(10, 1))[0]


@TICK.contender("specter, trio", needs=("trio",))
def _(run: Run) -> float:
    return ticked_on("trio", run, run.count(3, 1))[0]


@TICK.contender(TWIN, GEVENT)
def _(run: Run) -> float:
    return ticked_on_gevent(run, run.count(3, 1))[0]


@TICK.contender("the same loop, asyncio.sleep")
def _(run: Run) -> float:
    from specter.testing import loop_factory, virtual_time

    async def measured() -> float:
        count = run.count(36_000, 60)
        with virtual_time() as clock, run.cpu() as spent:
            for _ in range(count):
                await asyncio.sleep(1)
        expect(clock.now, count, "virtual seconds")
        return spent.each(count)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(measured())


@HOURS.ours
def _(run: Run) -> float:
    return ticked_on("asyncio", run, run.count(1000, 1))[1]
