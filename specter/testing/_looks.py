"""When to look again at something that may have changed."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any

import anyio

from specter._delivery import Subscriber
from specter._loop import Loop, LoopGone
from specter._testing.observed import ENTRIES, Ends, Told, note, refusal, tap
from specter.event_bus import EventBus
from specter.model import Model
from specter.queue_service import QueueService
from specter.service import Service
from specter.service_registry import SPECTERRegistry
from specter.store import Store
from specter.watcher import Watcher

from ._recorder import Recorder
from ._settling import told_of_settling, told_of_steps

# What another thread has done wakes nobody: seconds of real time until it is looked for.
_UNTOLD = 0.05
# An event loop that does not tell when it has run something is asked after so many seconds, and then after twice that.
_FIRST = 0.001
_LATEST = 0.02


class Look:
    """One who looks again and again."""

    def __init__(self) -> None:
        loop = Loop.current()
        assert loop is not None
        self._loop = loop
        self._told = anyio.Event()
        # Gives how long to wait at most before the next look, in seconds.
        self._longest: Callable[[], float] = lambda: math.inf

    @staticmethod
    @contextmanager
    def at(on: Any) -> Iterator[Look]:
        """
        Begin to look, at what changes *on* that, or else whenever something has run on this event loop.

        Args:
            on: What can be observed, or a tuple of it; `None` for everything.

        Raises:
            TypeError: Nothing can be heard of it.
        """
        look = Look()
        with ExitStack() as ends:
            if on is None:
                ends.enter_context(look._told_of_all())
            else:
                for thing in on if isinstance(on, tuple) else (on,):
                    for end in _observe(thing, look.tell):
                        ends.callback(end)
            yield look

    def tell(self) -> None:
        """Say that it is time to look. Safe from every thread."""
        if self._loop.here():
            self._told.set()
            return
        try:
            self._loop.soon(self.tell)
        except LoopGone:
            return  # so is who looks

    async def again(self) -> None:
        """Wait until it is time to look again."""
        with anyio.move_on_after(self._longest()):
            await self._told.wait()
        self._told = anyio.Event()

    def _told_of_all(self) -> AbstractContextManager[None]:
        if Loop.is_trio():
            clock = sys.modules["trio"].lowlevel.current_clock()
            self._longest = lambda: math.inf if getattr(clock, "rate", 1) == 0 else _UNTOLD
            return told_of_steps(self.tell)
        selector = _selector_of(asyncio.get_running_loop())
        if selector is None:
            self._longest = partial(next, _backing_off())
            return nullcontext()
        self._longest = lambda: _UNTOLD if getattr(selector, "pace", None) is None else math.inf
        return told_of_settling(selector, self.tell)


def _selector_of(loop: Any) -> Any:
    """What the loop waits with; `None` if it has no selector, as uvloop has none."""
    return getattr(loop, "_selector", None)


def _backing_off() -> Iterator[float]:
    wait = _FIRST
    while True:
        yield wait
        wait = min(2 * wait, _LATEST)


def _observe(thing: Any, told: Told) -> Ends:
    match thing:
        case EventBus() | Recorder():
            # Whoever emits, in whatever thread: it is heard here.
            yield from tap(thing, told, partial(Subscriber, loop=Loop.current()))
        case SPECTERRegistry():
            yield from note(thing._entries, told, *ENTRIES)
        case Service():
            yield thing.subscribe(lambda *args: told())
            yield from note(thing, told, "_set_phase")
            if isinstance(thing, QueueService):
                yield from note(thing.queue, told, "task_done")
        case Store() | Model() | Watcher():
            yield thing.subscribe(lambda *args: told())
        case _:
            raise refusal(thing)
