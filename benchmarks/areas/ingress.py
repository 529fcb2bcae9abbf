"""An event of a client, handed to the parts of the application that subscribed to it."""

from __future__ import annotations

from typing import Any

from benchmarks.cases import LAW, OLD, SPECTER, TWIN, Case, Goal
from benchmarks.run import Run

TITLE = "a socket event is dispatched"
DISPATCH = Case(
    "dispatch to {n} plain subscribers",
    sizes=(1, 10),
    goals=(Goal(SPECTER, 1.0, OLD), Goal(TWIN, 1.0, OLD), LAW),
)


class Heard:
    """How often a subscriber was told."""

    count = 0


def subscribed(ingress: Any, n: int) -> Heard:
    """Subscribe so many functions."""
    heard = Heard()
    for _ in range(n):

        def hear(data: object) -> None:
            heard.count += 1

        ingress.subscribe("message", hear)
    return heard


@DISPATCH.ours
async def _(run: Run, n: int) -> float:
    from specter import Runtime, SocketIngress

    async with Runtime():
        ingress = SocketIngress()
        heard = subscribed(ingress, n)
        return await run.per_await(ingress.dispatch, "message", {"text": "hello"}, check=lambda: heard.count == n)


@DISPATCH.on_gevent
def _(run: Run, n: int) -> float:
    from specter import SocketIngress

    ingress = SocketIngress()
    heard = subscribed(ingress, n)
    return run.per_call(ingress.dispatch, "message", {"text": "hello"}, check=lambda: heard.count == n)
