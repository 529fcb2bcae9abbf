"""
One test body for both runtimes.

The body is an `async def` that gets a `Twin`. What the contract marks `await` is called as
``await twin(service.stop())``: on asyncio that awaits the call; on gevent the call has blocked the greenlet already and
its value is passed on, so that the whole body runs without ever suspending. Hooks and callbacks that wait are marked
with ``@twin.waits``.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from importlib import import_module
from typing import Any

PATIENCE = 10.0


def drive(coro: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never suspends, in this greenlet."""
    try:
        coro.send(None)
    except StopIteration as end:
        return end.value
    coro.close()
    raise AssertionError("a shared body waits by itself on gevent: wrap the call in twin(...)")


class Twin:
    """
    The public names of one runtime, and the ways to wait in it.

    Args:
        backend: ``asyncio``, ``trio`` or ``gevent``.
    """

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self.on_gevent = backend == "gevent"
        self.package = import_module("specter_gevent" if self.on_gevent else "specter")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.package, name)

    async def __call__(self, value: Any) -> Any:
        """The value of a call that waits."""
        if self.on_gevent:
            assert not inspect.isawaitable(value), "gevent's twin gave something to await"
            return value
        assert inspect.isawaitable(value), f"asyncio's twin gave nothing to await, but {value!r}"
        return await value

    def waits(self, fn: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """A hook or callback that waits: itself on asyncio, a plain function on gevent."""
        if not self.on_gevent:
            return fn

        @wraps(fn)
        def plain(*args: Any, **kwargs: Any) -> Any:
            return drive(fn(*args, **kwargs))

        return plain

    @asynccontextmanager
    async def within(self, context_manager: Any) -> AsyncIterator[Any]:
        """Enter what is an async context manager on asyncio and a plain one on gevent."""
        if self.on_gevent:
            with context_manager as value:
                yield value
        else:
            async with context_manager as value:
                yield value

    async def sleep(self, seconds: float) -> None:
        """Let others run, for at least that long."""
        await self._sleep(seconds)

    async def turns(self, count: int = 5) -> None:
        """Let everything run that can run now."""
        for _ in range(count):
            await self._sleep(0)

    async def until(self, condition: Callable[[], object], patience: float = PATIENCE) -> None:
        """Let others run until *condition* holds; fails if it does not within a bounded time."""
        for _ in range(int(patience / 0.002)):
            if condition():
                return
            await self._sleep(0.002)
        raise AssertionError(f"did not come true within {patience} s")

    async def together(self, *fns: Callable[[], Awaitable[Any]]) -> list[Any]:
        """
        Run async functions at once, and wait for all of them.

        Returns:
            What each returned, or the error that it raised.
        """

        async def outcome(fn: Callable[[], Awaitable[Any]]) -> Any:
            try:
                return await fn()
            except Exception as error:
                return error

        if self.on_gevent:
            import gevent

            greenlets = [gevent.spawn(drive, outcome(fn)) for fn in fns]
            gevent.joinall(greenlets, timeout=PATIENCE)
            return [greenlet.value for greenlet in greenlets]
        import anyio

        outcomes: list[Any] = [None] * len(fns)

        async def run(index: int) -> None:
            outcomes[index] = await outcome(fns[index])

        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                for index in range(len(fns)):
                    tasks.start_soon(run, index)
        return outcomes

    def run(self, body: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Run a test; on asyncio inside a `Runtime`."""
        if self.on_gevent:
            drive(body())
        else:
            import anyio

            async def main() -> None:
                async with self.package.Runtime():
                    await body()

            anyio.run(main, backend=self.backend)

    async def _sleep(self, seconds: float) -> None:
        if self.on_gevent:
            import gevent

            gevent.sleep(seconds)
        else:
            import anyio

            await anyio.sleep(seconds)
