"""A thousand services with one listener and one interval each are made and started, run for a turn, and are stopped."""

from time import process_time
from typing import Any

from measuring import Goal, main

TITLE = "Service: create, start and stop; one listener, one interval"
UNIT = "µs"
GOAL = Goal(ratio=0.6)
SERVICES = 1_000
ROUNDS = 10


def service_class() -> Any:
    from specter import Service

    class Measured(Service):
        def on_start(self) -> None:
            self.listen("event", self.hear)
            self.interval(self.tick, 60)

        def hear(self, data: object) -> None: ...

        def tick(self) -> None: ...

    return Measured


def ours() -> float:
    import anyio
    from anyio.lowlevel import checkpoint

    from specter import Runtime

    measured = service_class()

    async def one_round() -> float:
        async with Runtime():
            start = process_time()
            services = [await measured("measured").start() for _ in range(SERVICES)]
            await checkpoint()
            for service in services:
                await service.stop()
            await checkpoint()
            return process_time() - start

    return min(anyio.run(one_round) for _ in range(ROUNDS)) / SERVICES * 1e6


def theirs() -> float:
    import gevent

    measured = service_class()

    def one_round() -> float:
        start = process_time()
        services = [measured("measured").start() for _ in range(SERVICES)]
        gevent.sleep(0)  # the greenlets of the intervals begin
        for service in services:
            service.stop()
        gevent.sleep(0)  # and end
        return process_time() - start

    return min(one_round() for _ in range(ROUNDS)) / SERVICES * 1e6


if __name__ == "__main__":
    main(ours, theirs)
