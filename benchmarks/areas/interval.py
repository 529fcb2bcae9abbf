"""Processor time of one tick, of a thousand plain intervals of 0.1 seconds."""

from time import process_time
from typing import Any

from measuring import Goal, main

TITLE = "Service: one tick of 1,000 intervals of 0.1 s"
UNIT = "µs"
GOAL = Goal(ratio=0.2)
INTERVALS = 1_000
SECONDS = 3.0


class Ticks:
    """Counts, and has the time that the processor took."""

    def __init__(self) -> None:
        self.count = 0
        self.start = process_time()

    def tick(self) -> None:
        self.count += 1

    def microseconds(self) -> float:
        return (process_time() - self.start) / self.count * 1e6


def begin(service: Any) -> Ticks:
    ticks = Ticks()
    for _ in range(INTERVALS):
        service.interval(ticks.tick, 0.1)
    return ticks


def ours() -> float:
    import anyio

    from specter import Runtime, Service

    async def measured() -> float:
        async with Runtime(), Service("measured") as service:
            ticks = begin(service)
            await anyio.sleep(SECONDS)
            return ticks.microseconds()

    return anyio.run(measured)


def theirs() -> float:
    import gevent

    from specter import Service

    service = Service("measured")
    service.start()
    ticks = begin(service)
    gevent.sleep(SECONDS)
    return ticks.microseconds()


if __name__ == "__main__":
    main(ours, theirs)
