"""What code leaves behind on asyncio and trio."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager

import anyio

from specter._testing.watch import LOOK_EVERY, Watch, looks
from specter.runtime import Runtime
from specter.sansio.errors import LeakError
from specter.sansio.leaks import Leak, checked_kinds, in_order

from ._holdings import held, held_in
from ._noting import note_tasks

# What can run has run after as many turns of the loop, unless it goes on and on.
_TURNS = 5


@asynccontextmanager
async def leaks() -> AsyncIterator[list[Leak]]:
    """
    Find out what the block leaves behind: ``async with leaks() as found: ...``.

    Tasks, timers, subscriptions and other things that are there at its end and were not at its beginning, be they
    Specter's or not. What ends by itself within 50 ms of real time does not count.

    Returns:
        A list that is filled when the block has ended, owners before what they own.
    """
    found: list[Leak] = []
    async with _watching() as watch:
        yield found
        found += await watch.end()


@asynccontextmanager
async def no_leaks(allow: str | Iterable[str] = ()) -> AsyncIterator[None]:
    """
    Fail if the block leaves something behind: ``async with no_leaks(): ...``; see `leaks`.

    An error of the block itself goes on, and nothing is looked for.

    Args:
        allow: Kinds of leaks that do not count: ``services``, ``tasks``, ``timers``, ``subscriptions``, ``registry``,
            ``processes``, ``threads``, ``sockets``, ``files``.

    Raises:
        LeakError: Something was left behind; lists it with the lines that created it.
        ValueError: *allow* has something that is no kind of leak.
    """
    async with _watching(checked_kinds(allow)) as watch:
        yield
        left = await watch.end()
    if left:
        raise LeakError(left)


@asynccontextmanager
async def _watching(allowed: Collection[str] = ()) -> AsyncIterator[Watching]:
    watch = Watching(allowed)
    try:
        yield watch
    finally:
        watch.close()


class Watching(Watch):
    """A watch over the loop of the caller: its tasks, and what Specter has in it."""

    def __init__(self, allowed: Collection[str] = ()) -> None:
        super().__init__(held, allowed)
        self._stop_noting = note_tasks()

    def close(self) -> None:
        """Look no more."""
        self._stop_noting()
        super().close()

    async def end(self) -> list[Leak]:
        """Tell what has come since and is still there, when it has had time to end."""
        return in_order([*self.kept, *await self._settled(self.all)])

    async def look_into(self, runtime: Runtime) -> None:
        """Keep what a runtime holds, which is about to be closed."""
        self.kept += await self._settled(lambda: self.among(held_in(runtime)))

    async def _settled(self, left: Callable[[], list[Leak]]) -> list[Leak]:
        """Tell what is *left* when all has run that can, and the grace is over. Nothing is waited for if nothing is."""
        found = left()
        for wait in itertools.chain([0.0] * _TURNS, (LOOK_EVERY for _ in looks())):
            if not found:
                break
            await anyio.sleep(wait)
            found = left()
        return found
