"""What is there at one moment, and what has come since: the part of the leak report that both harnesses share."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple

from specter.sansio.errors import LeakError
from specter.sansio.leaks import Leak

from . import origins
from .outside import Outside

# What ends by itself may take a moment to do so. Seconds, real; nothing is waited for when nothing is left.
GRACE = 0.05
LOOK_EVERY = 0.001
# As many looks are taken at least: where others use the processor, the time may be over before a thread had its turn.
_LOOKS = int(GRACE / LOOK_EVERY)


class Held(NamedTuple):
    """
    One thing that is there.

    Attributes:
        kind: Its kind of leak.
        thing: The thing itself.
        what: What it is.
        owner: The name of who owns it; ``None`` if nobody does, or it is not known.
        where: Gives the line at which it waits.
    """

    kind: str
    thing: Any
    what: str
    owner: str | None = None
    where: Callable[[], str] | None = None


class Watch:
    """
    A look at what is there, to be compared with later ones. To be closed.

    Args:
        held: Gives all that there is inside the event loop.
        allowed: Kinds of leaks that do not count.
    """

    def __init__(self, held: Callable[[], Iterable[Held]], allowed: Collection[str] = ()) -> None:
        origins.begin()
        self._held = held
        self._allowed = allowed
        # Kept themselves: nothing that comes later can have the identity of one of them.
        self._before = {id(one.thing): one.thing for one in held()}
        self._outside = Outside()
        # What was there at an earlier look, and was to be told, though something has ended it since.
        self.kept: list[Leak] = []

    def close(self) -> None:
        """Look no more."""
        origins.end()
        self._before.clear()

    def inside(self) -> list[Leak]:
        """Tell what has come since inside the event loop and is still there."""
        return self.among(self._held())

    def among(self, held: Iterable[Held]) -> list[Leak]:
        """Tell which of the things in *held* have come since."""
        return [
            Leak(one.kind, one.what, one.owner, origins.line_of(one.thing), None if one.where is None else one.where())
            for one in held
            if one.kind not in self._allowed and id(one.thing) not in self._before
        ]

    def end_plainly(self) -> list[Leak]:
        """Tell it when it has had time to end, where no event loop is needed for that."""
        found = self.all()
        for _ in looks() if found else ():
            time.sleep(LOOK_EVERY)
            found = self.all()
            if not found:
                break
        return self.without_garbage(found)

    def all(self) -> list[Leak]:
        """Tell what has come since and is still there, but for what was kept."""
        outside = (leak for leak in self._outside.leaks() if leak.kind not in self._allowed)
        return [leak for leak in (*self.inside(), *outside) if leak not in self.kept]

    def without_garbage(self, found: list[Leak]) -> list[Leak]:
        """Tell what is left of what was *found* by several looks: it may wait to be collected since the first one."""
        if not found:
            return found
        self._outside.collect_again()
        return self.all()


class LeakFinder:
    """
    What the blocks that find leaks have in common.

    Args:
        made: How the block is written.
        allowed: Kinds of leaks that do not count.
        fails: Whether it raises what it has found.
    """

    def __init__(self, made: str, allowed: Collection[str] = (), *, fails: bool = False) -> None:
        self._made = made
        self._allowed = allowed
        self._fails = fails
        self._found: list[Leak] = []

    def raise_found(self) -> None:
        """
        Raise what was found, if it is to be.

        Raises:
            LeakError: Something was.
        """
        if self._found and self._fails:
            raise LeakError(self._found)


def unended(service: Any, manager: type[Any]) -> str:
    """Say what a service is that runs: one of the class *manager* is ended with all that it has booted."""
    if isinstance(service, manager):
        return f"manager {service.name!r}, which was not shut down (`running(...)` does that)"
    return f"service {service.name!r}, which was not stopped"


def looks() -> Iterator[None]:
    """Give one moment after the other to look again, for as long as the grace lasts; longer on a busy machine."""
    until = time.monotonic() + GRACE
    for count in itertools.count():
        if count >= _LOOKS and time.monotonic() >= until:
            return
        yield
