"""Waiting, and work, that no cancellation of the caller cuts short."""

from __future__ import annotations

import math
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Iterable
from contextvars import copy_context

import anyio

from ._loop import Loop


class Undisturbed:
    """
    Waits of a caller that may be cancelled meanwhile, and hears of it at the end.

    A shield alone does not do: asyncio's own ``Task.cancel()`` goes through anyio's.
    """

    def __init__(self) -> None:
        self._cancelled: CancelledError | None = None
        self._scope: anyio.CancelScope | None = None
        self._until = math.inf

    async def wait(self, awaited: Iterable[anyio.Event], until: float = math.inf) -> bool:
        """
        Wait until all of *awaited* are set.

        Args:
            awaited: Events.
            until: The moment to give up, on the clock of the loop.

        Returns:
            Whether all are set.
        """
        waiting = [event for event in awaited if not event.is_set()]
        self._until = until
        while not await self._waited(waiting):
            continue
        return all(event.is_set() for event in waiting)

    async def _waited(self, events: Iterable[anyio.Event]) -> bool:
        # A scope for each attempt: one in which a native cancellation arrived does not keep its own to itself any more.
        try:
            with anyio.CancelScope(shield=True, deadline=self._until) as self._scope:
                for event in events:
                    await event.wait()
        except CancelledError as error:
            self._cancelled = error
            return False
        return True

    def give_up_by(self, moment: float) -> None:
        """Have the wait that lasts given up at *moment*, if that is earlier than it was said."""
        if moment < self._until:
            self._until = moment
            if self._scope is not None:
                self._scope.deadline = moment

    def go_on(self) -> None:
        """Raise the cancellation that came during the waits, if one did."""
        if self._cancelled is not None:
            raise self._cancelled


async def wait_regardless(event: anyio.Event, until: float = math.inf) -> None:
    """
    Wait for *event* even if the caller is cancelled meanwhile; the cancellation goes on afterwards.

    Args:
        event: What is waited for.
        until: The moment to give up, on the clock of the loop.
    """
    undisturbed = Undisturbed()
    await undisturbed.wait([event], until)
    undisturbed.go_on()


async def run_whole(fn: Callable[[], Awaitable[None]], name: str) -> None:
    """
    Await *fn* to its end; a cancellation of the caller goes on afterwards.

    A shield alone does not do: asyncio's own ``Task.cancel()`` goes through anyio's. So it gets a task of its own.

    Raises:
        BaseException: What *fn* raised.
    """

    async def run() -> None:
        with anyio.CancelScope(shield=True):
            await fn()

    loop = Loop.current()
    if loop is None or loop.create_task is None:
        await run()
        return
    # Kept in a name: asyncio itself holds only weak references to tasks.
    task = loop.create_task(run(), name=name, context=copy_context())
    done = anyio.Event()
    task.add_done_callback(lambda _: done.set())
    await wait_regardless(done)
    task.result()
