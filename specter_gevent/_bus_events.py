"""
What `EventBus._events` shows to tests of applications: who listens to what, as a dict of sets.

It is a view: what is added or taken away there is subscribed or unsubscribed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any

from specter.sansio.listeners import Listeners

from ._locks import StateLock

Listener = Callable[[Any], Any]


class Events(MutableMapping[Any, set[Listener]]):
    """
    ``{event: its listeners}`` of one table.

    Args:
        listeners: The table.
        lock: Of the bus.
    """

    def __init__(self, listeners: Listeners[None], lock: StateLock) -> None:
        self.listeners = listeners
        self._lock = lock

    def __getitem__(self, event: Any) -> set[Listener]:
        with self._lock:
            fns = self.listeners.listening(event)
        if not fns:
            raise KeyError(event)
        return _Listening(fns, self, event)

    def __setitem__(self, event: Any, fns: Iterable[Listener]) -> None:
        fns = list(fns)  # they may be the very ones that are taken out first
        with self._lock:
            self.listeners.clear(event)
            for fn in fns:
                self._add(event, fn)

    def __delitem__(self, event: Any) -> None:
        with self._lock:
            if not self.listeners.clear(event):
                raise KeyError(event)

    def __iter__(self) -> Iterator[Any]:
        with self._lock:
            return iter(self.listeners.events())

    def __len__(self) -> int:
        with self._lock:
            return len(self.listeners.events())

    def __repr__(self) -> str:
        return repr(self.copy())

    def copy(self) -> dict[Any, set[Listener]]:
        """A dict of sets, which is no view."""
        return {event: set(fns) for event, fns in self.items()}

    def add(self, event: Any, fn: Listener) -> None:
        """Have a listener, as `EventBus.on` does."""
        with self._lock:
            self._add(event, fn)

    def discard(self, event: Any, fn: Listener) -> None:
        """Have no such listener."""
        with self._lock:
            self.listeners.remove(event, fn)

    def _add(self, event: Any, fn: Listener) -> None:
        self.listeners.add(event, fn, no_extra, holder=id(None))


class _Listening(set[Listener]):
    """The listeners of one event, as they were when they were asked for; what changes it changes the bus."""

    def __init__(self, fns: Iterable[Listener], events: Events, event: Any) -> None:
        super().__init__(fns)
        self._events = events
        self._event = event

    def __reduce__(self) -> Any:  # a copy is a plain set
        return set, (list(self),)

    def add(self, fn: Listener) -> None:
        super().add(fn)
        self._events.add(self._event, fn)

    def discard(self, fn: Any) -> None:
        super().discard(fn)
        self._events.discard(self._event, fn)

    def remove(self, fn: Listener) -> None:
        super().remove(fn)
        self._events.discard(self._event, fn)

    def clear(self) -> None:
        super().clear()
        self._events.pop(self._event, None)


def no_extra() -> None:
    """What the twin keeps for a listener: it needs no more than the function."""
