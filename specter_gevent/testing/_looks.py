"""When to look again at something that may have changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import get_native_id
from typing import Any

import gevent
from gevent.hub import Waiter

from specter._testing.observed import ENTRIES, Ends, Told, note, refusal, tap
from specter_gevent.event_bus import EventBus
from specter_gevent.model import Model
from specter_gevent.service import Service
from specter_gevent.service_registry import SPECTERRegistry
from specter_gevent.store import Store
from specter_gevent.watcher import Watcher

from ._recorder import Recorder
from ._settling import told_of_settling

# What another thread has done wakes nobody: seconds of real time until it is looked for.
_UNTOLD = 0.05


class Look:
    """One who looks again and again: each time before the hub waits."""

    def __init__(self) -> None:
        self._hub = gevent.get_hub()
        self._thread = get_native_id()
        self._waiter: Waiter[None] | None = None

    @staticmethod
    @contextmanager
    def at(on: Any) -> Iterator[Look]:
        """
        Begin to look, whenever something has run in this hub, and when *on* has changed in another thread.

        Args:
            on: What can be observed, or a tuple of it; `None` for nothing more.

        Raises:
            TypeError: Nothing can be heard of it.
        """
        look = Look()
        with ExitStack() as ends:
            for thing in on if isinstance(on, tuple) else () if on is None else (on,):
                for end in _observe(thing, look.tell):
                    ends.callback(end)
            ends.enter_context(look._told_of_all())
            yield look

    def tell(self) -> None:
        """Say that it is time to look. Safe from every thread."""
        # Not by `get_hub`: that would make a hub in each thread that has none.
        if get_native_id() != self._thread:
            self._hub.loop.run_callback_threadsafe(_wake)

    def again(self) -> None:
        """Wait until it is time to look again."""
        self._waiter = Waiter()
        self._waiter.get()

    @contextmanager
    def _told_of_all(self) -> Iterator[None]:
        loop: Any = self._hub.loop
        # In virtual time, another loop stands in the place of gevent's, and nobody outside is unheard.
        untold = loop.timer(_UNTOLD, _UNTOLD, ref=False) if isinstance(loop, self._hub.loop_class) else None
        if untold is not None:
            untold.start(_wake)
        try:
            with told_of_settling(self._look):
                yield
        finally:
            if untold is not None:
                untold.stop()
                untold.close()

    def _look(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is None:
            return
        loop: Any = self._hub.loop
        active = loop.activecnt
        waiter.switch(None)
        # gevent runs its callbacks before this is called, and then waits: whatever one was added meanwhile.
        if self._waiter is None or loop.activecnt != active:
            soon = loop.timer(0)
            soon.start(soon.close)


def _wake() -> None:
    """Have the hub go round once more."""


def _observe(thing: Any, told: Told) -> Ends:
    match thing:
        case EventBus() | Recorder():
            yield from tap(thing, told, lambda fn: None)
        case SPECTERRegistry():
            yield from note(thing._table, told, *ENTRIES)
        case Service() | Store() | Model() | Watcher():
            yield thing.subscribe(lambda *args: told())
        case _:
            raise refusal(thing)
