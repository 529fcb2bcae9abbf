"""One test body for all runtimes: the one on gevent under it."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

import gevent

import specter_gevent
from specter_gevent._limit import within


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

    on_gevent = True
    package = specter_gevent

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
            TypeError: The call has given something to await.
        """
        if inspect.isawaitable(call):
            raise TypeError(f"got {call!r} to await, and on gevent nothing awaits it: mark its function @backend.waits")
        return call

    def waits(self, fn: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """Make a hook or callback that waits of an ``async def``."""

        @wraps(fn)
        def plain(*args: Any, **kwargs: Any) -> Any:
            return drive(fn(*args, **kwargs))

        return plain

    @asynccontextmanager
    async def within(self, context_manager: Any) -> AsyncIterator[Any]:
        """Enter what is an async context manager on asyncio and a plain one here."""
        with context_manager as value:
            yield value

    async def sleep(self, seconds: float) -> None:
        """Let others run, for at least so many seconds."""
        gevent.sleep(seconds)

    async def turns(self, count: int = 5) -> None:
        """Let everything run that can run now, so many times one after another."""
        for _ in range(count):
            gevent.sleep(0)

    async def until(self, condition: Callable[[], object], patience: float = 10.0) -> None:
        """
        Let others run until *condition* holds.

        Args:
            condition: Called again and again.
            patience: Seconds.

        Raises:
            AssertionError: It did not come true in time.
        """
        with gevent.Timeout(patience, AssertionError(f"did not come true within {patience} s")):
            while not condition():
                gevent.sleep(0.002)

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

        async def outcome(fn: Callable[[], Awaitable[Any]]) -> Any:
            try:
                return await fn()
            except Exception as error:
                return error

        greenlets = [gevent.spawn(drive, outcome(fn)) for fn in fns]
        with within(patience):  # not `joinall`'s own: it counts from when the hub has last run
            gevent.joinall(greenlets)
        if not all(greenlet.ready() for greenlet in greenlets):
            gevent.killall(greenlets, block=False)
            raise TimeoutError(f"not all of {len(fns)} functions have ended within {patience} s")
        return [greenlet.value for greenlet in greenlets]


def drive(coroutine: Any) -> Any:
    """
    Run in this greenlet an awaitable that never suspends, since all of its waits are gevent's.

    Raises:
        RuntimeError: It suspends.
    """
    steps = coroutine.__await__()
    try:
        next(steps)
    except StopIteration as end:
        return end.value
    steps.close()
    raise RuntimeError("a shared test waits by itself on gevent: wrap the call that waits in backend(...)")
