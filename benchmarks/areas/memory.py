"""What a started service costs that does nothing."""

import gc
import tracemalloc
from typing import Any

from measuring import Goal, main

TITLE = "Service: memory of an idle one"
UNIT = "bytes"
GOAL = Goal(figure=2_560)
SERVICES = 1_000


class Memory:
    """Bytes that Python took since it was made."""

    def __init__(self) -> None:
        gc.collect()
        tracemalloc.start()
        self.before = tracemalloc.get_traced_memory()[0]

    def each(self, kept: list[Any]) -> float:
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - self.before) / len(kept)


def ours() -> float:
    import anyio

    from specter import Runtime, Service

    async def measured() -> float:
        async with Runtime():
            await Service("first").start()
            memory = Memory()
            return memory.each([await Service("idle").start() for _ in range(SERVICES)])

    return anyio.run(measured)


def theirs() -> float:
    from specter import Service

    Service("first").start()
    memory = Memory()
    return memory.each([Service("idle").start() for _ in range(SERVICES)])


if __name__ == "__main__":
    main(ours, theirs)
