"""How the cost of one operation, or of all, grows with how many there are."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

from benchmarks.cases import Case
from benchmarks.run import Run, expect

TITLE = "what grows, and how"
DECADES = (10, 100, 1_000, 10_000)
QUICK = (10, 30)


def curve(title: str, unit: str = "µs") -> Case:
    """A case over all decades."""
    return Case(title, unit=unit, sizes=DECADES, quick_sizes=QUICK, curve=True, repeats=3)


SERVICES = curve("start and stop n services, all of them", "ms")
TIMERS = curve("start and cancel n intervals, all of them", "ms")
LISTENERS = curve("emit to n listeners")
SUBSCRIBERS = curve("Store.set, n subscribers")
SELECTORS = curve("Model.set, n subscribers to other paths")
KEYS = curve("Model.set, n keys in groups of a hundred")


@SERVICES.ours
async def _(run: Run, n: int) -> float:
    from specter import Runtime, Service

    async with Runtime():
        with run.cpu() as spent:
            services = [await Service("measured").start() for _ in range(n)]
            running = sum(service.running for service in services)
            for service in services:
                await service.stop()
    expect(running, n, "services that ran")
    return spent.seconds * 1000


@SERVICES.on_gevent
def _(run: Run, n: int) -> float:
    from specter import Service

    with run.cpu() as spent:
        services: list[Any] = [Service("measured").start() for _ in range(n)]
        running = sum(service.running for service in services)
        for service in services:
            service.stop()
    expect(running, n, "services that ran")
    return spent.seconds * 1000


def nothing(*values: object) -> None:
    """A callback."""


@TIMERS.ours
async def _(run: Run, n: int) -> float:
    from specter import Runtime, Service

    async with Runtime(), Service("measured") as service:
        with run.cpu() as spent:
            ids = [service.interval(nothing, 60) for _ in range(n)]
            await asyncio.sleep(0)
            for each in ids:
                service.cancel_interval(each)
            await asyncio.sleep(0)
    expect(len(set(ids)), n, "intervals")
    return spent.seconds * 1000


@TIMERS.on_gevent
def _(run: Run, n: int) -> float:
    import gevent

    from specter import Service

    service: Any = Service("measured").start()
    with run.cpu() as spent:
        ids = [service.interval(nothing, 60) for _ in range(n)]
        gevent.sleep(0)
        for each in ids:
            service.cancel_interval(each)
        gevent.sleep(0)
    service.stop()
    expect(len(set(ids)), n, "intervals")
    return spent.seconds * 1000


class Heard:
    """How often something was heard."""

    def __init__(self) -> None:
        self.count = 0

    def hear(self, *values: object) -> None:
        self.count += 1


@LISTENERS.all_three
def _(run: Run, n: int) -> float:
    from specter import EventBus

    bus, heard = EventBus(), [Heard() for _ in range(n)]
    for each in heard:
        bus.on("event", each.hear)
    emit = getattr(bus, "emit_nowait", bus.emit)
    return run.per_call(emit, "event", 1, check=lambda: sum(each.count for each in heard) == n)


@SUBSCRIBERS.all_three
def _(run: Run, n: int) -> float:
    from specter import Store

    store, heard, numbers = Store("measured", {"key": 0}), [Heard() for _ in range(n)], count(1)
    for each in heard:
        store.subscribe(each.hear)
    return run.per_call(lambda: store.set({"key": next(numbers)}), check=lambda: sum(each.count for each in heard) == n)


@SELECTORS.all_three
def _(run: Run, n: int) -> float:
    from specter import Model

    model: Any = Model("measured", {"heard": {str(number): number for number in range(n)}, "set": {"key": 0}})
    heard, numbers = Heard(), count(1)
    for number in range(n):
        model.subscribe(lambda value, model: heard.hear(), selector=("heard", str(number)))
    figure = run.per_call(lambda: model.set("set.key", next(numbers)), check=lambda: model.get("set.key") == 1)
    expect(heard.count, 0, "what subscribers to other paths heard")
    return figure


@KEYS.all_three
def _(run: Run, n: int) -> float:
    from specter import Model

    model: Any = Model(
        "measured", {f"group{i}": {f"key{j}": j for j in range(min(n, 100))} for i in range(max(1, n // 100))}
    )
    numbers = count(1)
    return run.per_call(lambda: model.set("group0.key1", next(numbers)), check=lambda: model.get("group0.key1") == 1)
