"""One value that took long to compute."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.cases import ASYNCIO, LAW, OLD, SPECTER, TWIN, Case, Goal
from benchmarks.run import Run, expect

TITLE = "a computed value is kept, and computed once for many callers"
GET = Case("get", goals=(Goal(SPECTER, 0.5, OLD), Goal(TWIN, 1.0, OLD), LAW))
HIT = Case("get_or_compute of what is there", goals=(Goal(SPECTER, 0.6, OLD), Goal(TWIN, 1.0, OLD), LAW))
STAMPEDE = Case(
    "{n} callers at once of what is not there, for all of them",
    sizes=(100, 1_000),
    goals=(Goal(SPECTER, 0.3, OLD), Goal(TWIN, 1.0, OLD)),
)
VALUE = {"answer": 42}
TTL = 600


class Computing:
    """Counts the computations, each of which waits."""

    count = 0

    async def on_asyncio(self) -> dict[str, int]:
        self.count += 1
        await asyncio.sleep(0.005)
        return VALUE

    def on_gevent(self) -> dict[str, int]:
        import gevent

        self.count += 1
        gevent.sleep(0.005)
        return VALUE


@GET.all_three
def _(run: Run) -> float:
    from specter import Cache

    cache = Cache("measured", ttl=TTL)
    cache.set(VALUE)
    return run.per_call(cache.get, check=lambda: cache.get() == VALUE)


@GET.contender("cachetools", needs=("cachetools",))
def _(run: Run) -> float:
    from cachetools import TTLCache

    cache: Any = TTLCache(1, TTL)
    cache["value"] = VALUE
    return run.per_call(cache.get, "value", check=lambda: cache.get("value") == VALUE)


@HIT.ours
async def _(run: Run) -> float:
    from specter import Cache, Runtime

    cache, computing = Cache("measured", ttl=TTL), Computing()
    async with Runtime():
        await cache.get_or_compute(computing.on_asyncio)
        return await run.per_await(cache.get_or_compute, computing.on_asyncio, check=lambda: computing.count == 1)


@HIT.on_gevent
def _(run: Run) -> float:
    from specter import Cache

    cache, computing = Cache("measured", ttl=TTL), Computing()
    cache.get_or_compute(computing.on_gevent)
    return run.per_call(cache.get_or_compute, computing.on_gevent, check=lambda: computing.count == 1)


@HIT.contender("cachetools", needs=("cachetools",))
def _(run: Run) -> float:
    from cachetools import TTLCache, cached

    computed = 0

    @cached(TTLCache(1, TTL))
    def value() -> dict[str, int]:
        nonlocal computed
        computed += 1
        return VALUE

    value()
    return run.per_call(value, check=lambda: computed == 1)


Make = Callable[[Callable[[], Awaitable[Any]]], Callable[[], Awaitable[Any]]]


def aiocache(compute: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    """Decorated by aiocache, which has a lock for each key."""
    from aiocache import cached_stampede

    async def value() -> Any:
        return await compute()

    return cached_stampede(lease=5, ttl=TTL, key="value")(value)  # type: ignore[no-any-return]


def cashews(compute: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    """Decorated by cashews, with its lock."""
    from cashews import Cache

    cache = Cache()
    cache.setup("mem://")

    async def value() -> Any:
        return await compute()

    return cache(ttl=TTL, key="value", lock=True)(value)  # type: ignore[no-any-return]


def async_lru(compute: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    """Decorated by async-lru, whose callers share a task."""
    from async_lru import alru_cache

    async def value() -> Any:
        return await compute()

    return alru_cache(maxsize=1, ttl=TTL)(value)


def shared_future(compute: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    """By hand."""
    task: asyncio.Future[Any] | None = None

    async def value() -> Any:
        nonlocal task
        if task is None:
            task = asyncio.ensure_future(compute())
        return task.result() if task.done() else await asyncio.shield(task)

    return value


PEERS: dict[str, tuple[Make, tuple[str, ...]]] = {
    "aiocache": (aiocache, ("aiocache",)),
    "cashews": (cashews, ("cashews",)),
    "async-lru": (async_lru, ("async_lru",)),
    "a shared future": (shared_future, ()),
}


async def stampede(run: Run, n: int, value: Callable[[], Awaitable[Any]], computing: Computing) -> float:
    """Microseconds for all of so many callers."""
    with run.cpu() as spent:
        values = await asyncio.gather(*(value() for _ in range(n)))
    expect(values, [VALUE] * n, "what the callers got")
    expect(computing.count, 1, "computations")
    return spent.each(1)


@STAMPEDE.ours
async def _(run: Run, n: int) -> float:
    from specter import Cache, Runtime

    cache, computing = Cache("measured", ttl=TTL), Computing()
    async with Runtime():
        return await stampede(run, n, lambda: cache.get_or_compute(computing.on_asyncio), computing)


@STAMPEDE.on_gevent
def _(run: Run, n: int) -> float:
    import gevent

    from specter import Cache

    cache, computing = Cache("measured", ttl=TTL), Computing()
    with run.cpu() as spent:
        callers = [gevent.spawn(cache.get_or_compute, computing.on_gevent) for _ in range(n)]
        gevent.joinall(callers)
    expect([caller.value for caller in callers], [VALUE] * n, "what the callers got")
    expect(computing.count, 1, "computations")
    return spent.each(1)


def add_peer(name: str, make: Make, needs: tuple[str, ...]) -> None:
    """Let a peer take part in both cases that compute."""

    @HIT.contender(name, ASYNCIO, needs=needs)
    async def hit(run: Run) -> float:
        computing = Computing()
        value = make(computing.on_asyncio)
        await value()
        return await run.per_await(value, check=lambda: computing.count == 1)

    @STAMPEDE.contender(name, ASYNCIO, needs=needs)
    async def at_once(run: Run, n: int) -> float:
        computing = Computing()
        return await stampede(run, n, make(computing.on_asyncio), computing)


for peer, (making, modules) in PEERS.items():
    add_peer(peer, making, modules)
