"""One test body for all runtimes: the one on asyncio or trio under it."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.lowlevel import checkpoint

import specter


class Backend:
    """
    The runtime under a shared test: the public names of one runtime, and ways to wait that all of them have.

    The test is one ``async def``. What waits is called as ``await backend(service.stop())``: on asyncio and trio that
    awaits the call; on gevent the call has waited already. Hooks and callbacks that wait are marked with
    ``@backend.waits``. A name that is not here is that of the package, ``backend.Service`` or ``backend.bus``.

    Args:
        name: ``asyncio``, ``trio`` or ``gevent``.

    Attributes:
        name: As given.
        on_gevent: Whether it is ``gevent``.
        package: `specter` or `specter_gevent`.
    """

    on_gevent = False
    package = specter

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<Backend {self.name!r}>"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.package, name)

    async def __call__(self, call: Any) -> Any:
        """
        Give the value of a call that waits.

        Raises:
            TypeError: The call has given nothing to await.
        """
        if not inspect.isawaitable(call):
            raise TypeError(f"nothing to await, but {call!r}: a call that does not wait needs no `await backend(...)`")
        return await call

    def waits(self, fn: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """Make a hook or callback that waits of an ``async def``."""
        return fn

    @asynccontextmanager
    async def within(self, context_manager: Any) -> AsyncIterator[Any]:
        """Enter what is an async context manager here and a plain one on gevent."""
        async with context_manager as value:
            yield value

    async def sleep(self, seconds: float) -> None:
        """Let others run, for at least so many seconds."""
        await anyio.sleep(seconds)

    async def turns(self, count: int = 5) -> None:
        """Let everything run that can run now, so many times one after another."""
        for _ in range(count):
            await checkpoint()

    async def until(self, condition: Callable[[], object], patience: float = 10.0) -> None:
        """
        Let others run until *condition* holds.

        Args:
            condition: Called again and again.
            patience: Seconds.

        Raises:
            AssertionError: It did not come true in time.
        """
        with anyio.move_on_after(patience):
            while not condition():  # noqa: ASYNC110 - for what tells nobody
                await anyio.sleep(0.002)
        if not condition():
            raise AssertionError(f"did not come true within {patience} s")

    async def together(self, *fns: Callable[[], Awaitable[Any]], patience: float = 10.0) -> list[Any]:
        """
        Run async functions at once, and wait for all of them.

        Args:
            fns: Without parameters.
            patience: Seconds.

        Returns:
            What each returned, or the `Exception` that it raised.

        Raises:
            TimeoutError: One of them did not end in time.
        """
        outcomes: list[Any] = [None] * len(fns)

        async def run(index: int) -> None:
            try:
                outcomes[index] = await fns[index]()
            except Exception as error:
                outcomes[index] = error

        with anyio.fail_after(patience):
            async with anyio.create_task_group() as tasks:
                for index in range(len(fns)):
                    tasks.start_soon(run, index)
        return outcomes
