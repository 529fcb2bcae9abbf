"""What code leaves behind on asyncio and trio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel

from specter._testing.watch import LOOK_EVERY, Watch, looks
from specter.sansio.errors import LeakError
from specter.sansio.leaks import Leak, checked_kinds, in_order

from ._holdings import held
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
    watch = Watching()
    try:
        yield found
        found += await watch.end()
    finally:
        watch.close()


@asynccontextmanager
async def no_leaks(allow: Iterable[str] = ()) -> AsyncIterator[None]:
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
    allowed = checked_kinds(allow)
    async with leaks() as found:
        yield
    if left := in_order(found, allowed):
        raise LeakError(left)


class Watching(Watch):
    """A watch over the loop of the caller: its tasks, and what Specter has in it."""

    def __init__(self) -> None:
        super().__init__(held)
        self._stop_noting = note_tasks()

    def close(self) -> None:
        """Look no more."""
        self._stop_noting()
        super().close()

    async def end(self) -> list[Leak]:
        """Tell what has come since and is still there, when it has had time to end."""
        await self.settle(self.all)
        return in_order(self.all())

    async def settle(self, left: Callable[[], Collection[Any]]) -> None:
        """Wait until nothing is *left*, for as long as the grace lasts."""
        for _ in range(_TURNS):
            await anyio.lowlevel.checkpoint()
        for _ in looks():
            if not left():
                return
            await anyio.sleep(LOOK_EVERY)
