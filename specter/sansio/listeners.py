"""
Who hears which event.

Listeners of one event are called in the order in which they subscribed, those of prefixes (``"a:*"``) among them. One
function is one listener of an event however often it subscribes; it is gone when each of its subscriptions is.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Generic, TypeVar

L = TypeVar("L")

# Names of events may have ids in them, and be without number.
MOST_HEARD = 10_000


class Entry(Generic[L]):
    """
    One function that listens to one event or prefix.

    Args:
        event: As subscribed to.
        fn: The function.
        serial: Its place in the order of all.
        listener: What the runtime keeps for it; opaque here.
    """

    __slots__ = ("event", "fn", "holders", "listener", "serial")

    def __init__(self, event: str, fn: Callable[..., Any], serial: int, listener: L) -> None:
        self.event = event
        self.fn = fn
        self.serial = serial
        self.listener = listener
        # {key of the subscription: whether it ends with the first event}
        self.holders: dict[object, bool] = {}


class Hearing(Generic[L]):
    """
    Who hears one event: what an emit goes through while the table may change.

    Args:
        entries: In the order in which they subscribed.

    Attributes:
        once: Whether a subscription among them ends with the first event; see `Listeners.spend`.
        prepared: What the runtime makes of it, once; opaque here.
    """

    __slots__ = ("entries", "once", "prepared")

    def __init__(self, entries: tuple[Entry[L], ...]) -> None:
        self.entries = entries
        self.once = any(once for entry in entries for once in entry.holders.values())
        self.prepared: Any = None


class Listeners(Generic[L]):
    """The table. All needs the caller's lock, except looking up what is in `heard`."""

    def __init__(self) -> None:
        # {event as subscribed to: {function: listener}}, in order of subscription. Thousands may listen to one event.
        self._subscribed: dict[str, dict[Any, Entry[L]]] = {}
        # Those of the events that are prefixes.
        self._prefixes: dict[str, None] = {}
        # {event: what `hearing` gave}, for as long as nothing changes: so names cost no more for prefixes.
        self.heard: dict[str, Hearing[L]] = {}
        self._serials = itertools.count()

    def add(
        self, event: str, fn: Callable[..., Any], make: Callable[[], L], *, once: bool = False
    ) -> tuple[Entry[L], object]:
        """
        Add a subscription.

        Args:
            event: A name, or a prefix that ends in ``:*`` (or ``*`` for all).
            fn: Equal functions (bound methods of one object) are one listener.
            make: Gives what the runtime keeps; called if *fn* is new for the event.
            once: The subscription ends with the first event.

        Returns:
            The listener, and the key of the subscription for `release`.
        """
        subscribed = self._subscribed.setdefault(event, {})
        key = _key(fn)
        entry = subscribed.get(key)
        if entry is None:
            entry = subscribed[key] = Entry(event, fn, next(self._serials), make())
            if event.endswith("*"):
                self._prefixes[event] = None
        self._changed(event)
        holder = object()
        entry.holders[holder] = once
        return entry, holder

    def find(self, event: str, fn: Callable[..., Any]) -> Entry[L] | None:
        """The listener that *fn* is for *event*, as subscribed to."""
        return self._subscribed.get(event, {}).get(_key(fn))

    def release(self, entry: Entry[L], holder: object) -> bool:
        """End one subscription. Returns whether the listener went with it; twice is harmless."""
        if entry.holders.pop(holder, None) is None:
            return False
        self._changed(entry.event)
        if entry.holders:
            return False
        self._remove(entry)
        return True

    def remove(self, event: str, fn: Callable[..., Any]) -> list[Entry[L]]:
        """End all subscriptions of *fn* to *event*. Returns the listeners that went."""
        entry = self.find(event, fn)
        if entry is None:
            return []
        entry.holders.clear()
        self._changed(event)
        self._remove(entry)
        return [entry]

    def clear(self, event: str | None = None) -> list[Entry[L]]:
        """Remove the listeners of *event* as subscribed to, or all. Returns those that went."""
        names = list(self._subscribed) if event is None else [event]
        gone = [entry for name in names for entry in self._subscribed.get(name, {}).values()]
        for entry in gone:
            self.remove(entry.event, entry.fn)
        return gone

    def hearing(self, event: str) -> Hearing[L]:
        """Those who hear *event*; kept in `heard` until something changes."""
        found = self.heard.get(event)
        if found is None:
            found = Hearing(self._resolve(event))
            if len(self.heard) < MOST_HEARD:
                self.heard[event] = found
        return found

    def spend(self, hearing: Hearing[L]) -> None:
        """End the subscriptions in *hearing* that were for one event."""
        for entry in hearing.entries:
            for holder in [holder for holder, once in entry.holders.items() if once]:
                self.release(entry, holder)

    def count(self, event: str | None = None) -> int:
        """How many listeners hear *event*, or how many there are."""
        if event is not None:
            return len(self.hearing(event).entries)
        return sum(map(len, self._subscribed.values()))

    def _remove(self, entry: Entry[L]) -> None:
        subscribed = self._subscribed[entry.event]
        del subscribed[_key(entry.fn)]
        if not subscribed:
            del self._subscribed[entry.event]
            self._prefixes.pop(entry.event, None)

    def _changed(self, event: str) -> None:
        if event.endswith("*"):
            self.heard = {}
        else:
            self.heard.pop(event, None)

    def _resolve(self, event: str) -> tuple[Entry[L], ...]:
        found = [self._subscribed.get(event, {})]
        found += [self._subscribed[prefix] for prefix in self._prefixes if event.startswith(prefix[:-1])]
        if len(found) == 1:
            return tuple(found[0].values())
        # One function that subscribed to the name and to a prefix of it hears the event once.
        first: dict[Any, Entry[L]] = {}
        for entry in sorted((entry for entries in found for entry in entries.values()), key=lambda entry: entry.serial):
            first.setdefault(_key(entry.fn), entry)
        return tuple(first.values())


def _key(fn: Any) -> Any:
    try:
        hash(fn)
    except TypeError:
        return id(fn)
    return fn
