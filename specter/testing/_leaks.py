"""What code leaves behind on asyncio and trio."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable
from types import TracebackType

import anyio

from specter._testing.blocks import AsyncBlock
from specter._testing.watch import LOOK_EVERY, LeakFinder, Watch, looks
from specter.runtime import Runtime
from specter.sansio.leaks import Leak, checked_kinds, in_order

from ._holdings import held, held_in
from ._noting import note_tasks

# What can run has run after as many turns of the loop, unless it goes on and on.
_TURNS = 5


def leaks() -> LeakBlock:
    """
    Find out what the block leaves behind: ``async with leaks() as found: ...``.

    Tasks, timers, subscriptions and other things that are there at its end and were not at its beginning, be they
    Specter's or not. What ends by itself within 50 ms of real time does not count; it has longer on a
    busy machine.

    Returns:
        A list that is filled when the block has ended, owners before what they own.
    """
    return LeakBlock("leaks()")


def no_leaks(allow: str | Iterable[str] = ()) -> LeakBlock:
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
    return LeakBlock("no_leaks()", checked_kinds(allow), fails=True)


class LeakBlock(LeakFinder, AsyncBlock):
    """A block that finds out what it leaves behind."""

    _watch: Watching

    async def __aenter__(self) -> list[Leak]:
        self._watch = Watching(self._allowed)
        return self._found

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._found += await self._watch.end()
        finally:
            self._watch.close()
        self.raise_found()


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
        return in_order([*self.kept, *self.without_garbage(await self._settled(self.all))])

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
