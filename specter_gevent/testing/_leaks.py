"""What code leaves behind on gevent."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from types import TracebackType

import gevent

from specter._testing.blocks import PlainBlock
from specter._testing.watch import LOOK_EVERY, LeakFinder, Watch, looks
from specter.sansio.leaks import Leak, checked_kinds, in_order

from ._holdings import held
from ._noting import note_greenlets

# What can run has run after as many turns of the hub, unless it goes on and on.
_TURNS = 5


def leaks() -> LeakBlock:
    """
    Find out what the block leaves behind: ``with leaks() as found: ...``.

    Tasks, timers, subscriptions and other things that are there at its end and were not at its beginning, be they
    Specter's or not. What ends by itself within 50 ms of real time does not count; it has longer on a
    busy machine.

    Returns:
        A list that is filled when the block has ended, owners before what they own.
    """
    return LeakBlock("leaks()")


def no_leaks(allow: str | Iterable[str] = ()) -> LeakBlock:
    """
    Fail if the block leaves something behind: ``with no_leaks(): ...``; see `leaks`.

    An error of the block itself goes on, and nothing is looked for.

    Args:
        allow: Kinds of leaks that do not count: ``services``, ``tasks``, ``timers``, ``subscriptions``, ``registry``,
            ``processes``, ``threads``, ``sockets``, ``files``.

    Raises:
        LeakError: Something was left behind; lists it with the lines that created it.
        ValueError: *allow* has something that is no kind of leak.
    """
    return LeakBlock("no_leaks()", checked_kinds(allow), fails=True)


class LeakBlock(LeakFinder, PlainBlock):
    """A block that finds out what it leaves behind."""

    _watch: Watching

    def __enter__(self) -> list[Leak]:
        self._watch = Watching(self._allowed)
        return self._found

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._found += self._watch.end()
        finally:
            self._watch.close()
        self.raise_found()


class Watching(Watch):
    """A watch over the hub of the caller: its greenlets, and what Specter has in it."""

    def __init__(self, allowed: Collection[str] = ()) -> None:
        gevent.get_hub()  # what its loop opens for itself is there before
        super().__init__(held, allowed)
        self._stop_noting = note_greenlets()

    def close(self) -> None:
        """Look no more."""
        self._stop_noting()
        super().close()

    def end(self) -> list[Leak]:
        """Tell what has come since and is still there, when it has had time to end. Waits for nothing if nothing is."""
        found = self.all()
        for wait in itertools.chain([0.0] * _TURNS, (LOOK_EVERY for _ in looks())):
            if not found:
                break
            gevent.sleep(wait)
            found = self.all()
        return in_order(self.without_garbage(found))
