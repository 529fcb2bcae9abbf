"""
Who hears which event.

Listeners of one event are called in the order in which they subscribed, those of prefixes (``"a:*"``) among them. One
function is one listener of an event however often it subscribes; it is gone when each of its subscriptions is.

    function ──listens to an event as── Entry ──held by── subscriptions: lasting, or for one event
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Collection
from functools import partial
from operator import attrgetter
from typing import Any, Generic, TypeVar

from .count import require_count

L = TypeVar("L")

_once = attrgetter("once")
_serial = attrgetter("serial")

# There is no subscription. No key is this object.
_NONE = object()

# Names of events may have ids in them, and be without number.
MOST_HEARD = 10_000


class Entry(Generic[L]):
    """
    One function that listens to one event or prefix.

    Args:
        event: As subscribed to.
        fn: The function.
        key: What it is known by.
        serial: Its place in the order of all.
        listener: What the runtime keeps for it; opaque here.
    """

    __slots__ = ("_held", "event", "fn", "key", "listener", "once", "serial")

    def __init__(self, event: str, fn: Callable[..., Any], key: Any, serial: int, listener: L) -> None:
        self.event = event
        self.fn = fn
        self.key = key
        self.serial = serial
        self.listener = listener
        # The key of the only subscription, or a dict like `holders`: few functions have several, and a dict takes more
        # memory than all the rest.
        self._held: Any = _NONE
        self.once = 0  # how many of them end with the first event

    @property
    def holders(self) -> dict[object, bool]:
        """``{key of the subscription: whether it ends with the first event}``, oldest first. To be read."""
        if type(self._held) is dict:
            return self._held
        return {} if self._held is _NONE else {self._held: bool(self.once)}

    @property
    def held(self) -> bool:
        """Whether there is a subscription."""
        return self._held is not _NONE

    @property
    def lasting(self) -> bool:
        """Whether a subscription does not end with the first event."""
        return (len(self._held) if type(self._held) is dict else self._held is not _NONE) > self.once

    def hold(self, holder: object, once: bool) -> None:
        """Have a subscription, in place of one of the same key."""
        if self._held is _NONE:
            self._held, self.once = holder, int(once)
            return
        self._held = holders = self.holders
        self.once += once - holders.get(holder, False)
        holders[holder] = once

    def drop(self, holder: object) -> bool:
        """Lose a subscription. Returns whether there was one of that key."""
        held = self._held
        if type(held) is not dict:
            if held != holder:
                return False
            self._held, self.once = _NONE, 0
            return True
        once = held.pop(holder, None)
        if once is None:
            return False
        self.once -= once
        if not held:
            self._held = _NONE
        return True


class Hearing(Generic[L]):
    """
    Who hears one event: what an emit goes through while the table may change.

    Args:
        listeners: In the order in which they subscribed.
        taps: They hear it before the listeners do.

    Attributes:
        entries: All of them, in the order in which they hear it.
        fns: Their functions.
        count: How many of them are listeners.
        once: Whether a subscription among them ends with the first event; see `Listeners.spend`.
        prepared: What the runtime makes of it, once; opaque here.
    """

    __slots__ = ("count", "entries", "fns", "once", "prepared")

    def __init__(self, listeners: tuple[Entry[L], ...], taps: tuple[Entry[L], ...] = ()) -> None:
        self.entries = entries = taps + listeners
        self.fns = tuple([entry.fn for entry in entries])
        self.count = len(listeners)
        self.once = any(map(_once, entries))
        self.prepared: Any = None


class Tap(Generic[L]):
    """
    One that is told of events with their names, and is no listener: it is not counted, and `Listeners.clear` leaves it.

    Args:
        event: A name, a prefix and the wild end, or ``*`` for all events.
        hear: A function of the name of the event and its data.
        make: Gives what the runtime keeps for a function of the data.
    """

    def __init__(self, event: str, hear: Callable[[str, Any], Any], make: Callable[[Callable[[Any], Any]], L]) -> None:
        self.event = event
        self._hear = hear
        self._make = make

    def entry(self, event: str) -> Entry[L]:
        """What stands among the listeners of *event* for it."""
        fn = partial(self._hear, event)
        return Entry(event, fn, self, -1, self._make(fn))


class Listeners(Generic[L]):
    """
    The table. All needs the caller's lock, except looking up what is in `heard`.

    Args:
        wild: The end of a name that makes a prefix of it.
        once_apart: Each subscription for one event is a call of its own, whatever else its function listens with.
    """

    def __init__(self, *, wild: str = "*", once_apart: bool = False) -> None:
        self._wild = wild
        self._once_apart = once_apart
        # {event as subscribed to: {function: listener}}, in order of subscription. Thousands may listen to one event.
        self._subscribed: dict[str, dict[Any, Entry[L]]] = {}
        # Those of the events that are prefixes.
        self._prefixes: dict[str, None] = {}
        # {event: what `hearing` gave}, for as long as nothing changes: so names cost no more for prefixes. It is always
        # this very object, and has no hearing that is to be spent: an emit need do no more than look here.
        self.heard: dict[str, Hearing[L]] = {}
        self._taps: list[Tap[L]] = []
        self._serials = itertools.count()

    def add(
        self,
        event: str,
        fn: Callable[..., Any],
        make: Callable[[], L],
        *,
        once: bool = False,
        holder: object = None,
    ) -> tuple[Entry[L], object]:
        """
        Add a subscription.

        Args:
            event: A name, or a prefix of names and the wild end.
            fn: Equal functions (bound methods of one object) are one listener.
            make: Gives what the runtime keeps; called if *fn* is new for the event.
            once: The subscription ends with the first event.
            holder: Key of the subscription: with the key of one that *fn* has for the event it is the same one. `None`
                for a new key.

        Returns:
            The listener, and the key of the subscription for `release`.
        """
        subscribed = self._subscribed.get(event)
        if subscribed is None:
            subscribed = self._subscribed[event] = {}
            if self._is_prefix(event):
                self._prefixes[event] = None
        key = _key(fn)
        entry = subscribed.get(key)
        if entry is None:
            entry = subscribed[key] = Entry(event, fn, key, next(self._serials), make())
        self._changed(event)
        holder = object() if holder is None else holder
        entry.hold(holder, once)
        return entry, holder

    def take_over(
        self, others: Listeners[L], make: Callable[[Entry[L]], L], wanted: Callable[[Entry[L]], object]
    ) -> None:
        """
        Add listeners of another table, each with its subscriptions. That one stays as it is.

        Args:
            others: The table.
            make: Gives what the runtime keeps for one of them.
            wanted: Whether one of them is to be added.
        """
        entries = [entry for subscribed in others._subscribed.values() for entry in subscribed.values()]
        for entry in sorted(filter(wanted, entries), key=_serial):
            for holder, once in entry.holders.items():
                self.add(entry.event, entry.fn, partial(make, entry), once=once, holder=holder)

    def events(self) -> list[str]:
        """The names and prefixes that have listeners, oldest first."""
        return list(self._subscribed)

    def listening(self, event: str) -> list[Callable[..., Any]]:
        """The functions that listen to *event* as subscribed to, oldest first."""
        return [entry.fn for entry in self._subscribed.get(event, {}).values()]

    def find(self, event: str, fn: Callable[..., Any]) -> Entry[L] | None:
        """The listener that *fn* is for *event*, as subscribed to."""
        return self._subscribed.get(event, {}).get(_key(fn))

    def release(self, entry: Entry[L], holder: object) -> bool:
        """End one subscription. Returns whether the listener went with it; twice is harmless."""
        if not entry.drop(holder):
            return False
        self._changed(entry.event)
        if entry.held:
            return False
        self._remove(entry)
        return True

    def remove(self, event: str, fn: Callable[..., Any]) -> list[Entry[L]]:
        """End all subscriptions of *fn* to *event*. Returns the listeners that went."""
        entry = self.find(event, fn)
        if entry is None:
            return []
        for holder in list(entry.holders):
            entry.drop(holder)
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
            found = Hearing(self._resolve(event), self._tapping(event))
            if len(self.heard) < MOST_HEARD and not found.once:
                self.heard[event] = found
        return found

    def spend(self, hearing: Hearing[L]) -> None:
        """End the subscriptions in *hearing* that were for one event."""
        for entry in hearing.entries:
            if entry.once:
                for holder in [holder for holder, once in entry.holders.items() if once]:
                    self.release(entry, holder)

    def count(self, event: str | None = None) -> int:
        """How many listeners hear *event*, or how many there are."""
        if event is not None:
            return self.hearing(event).count
        tables = self._subscribed.values()
        passing = [entry for table in tables for entry in table.values() if entry.once] if self._once_apart else []
        return sum(map(len, tables)) + len(self._calls(passing)) - len(passing)

    def add_tap(self, tap: Tap[L]) -> None:
        """Have *tap* told of events before all listeners."""
        self._taps.append(tap)
        self.heard.clear()

    def remove_tap(self, tap: Tap[L]) -> None:
        """Tell it no more; twice is harmless."""
        if tap in self._taps:
            self._taps.remove(tap)
            self.heard.clear()

    def _tapping(self, event: str) -> tuple[Entry[L], ...]:
        return (
            tuple([tap.entry(event) for tap in self._taps if self._is_tapped(tap.event, event)]) if self._taps else ()
        )

    def _is_tapped(self, tapped: str, event: str) -> bool:
        if tapped in ("*", event):
            return True
        return self._is_prefix(tapped) and isinstance(event, str) and event.startswith(tapped[:-1])

    def _remove(self, entry: Entry[L]) -> None:
        subscribed = self._subscribed.get(entry.event, {})
        if subscribed.get(entry.key) is not entry:
            return  # it is of another table
        del subscribed[entry.key]
        if not subscribed:
            del self._subscribed[entry.event]
            self._prefixes.pop(entry.event, None)

    def _changed(self, event: str) -> None:
        if self._prefixes and event in self._prefixes:
            self.heard.clear()
        elif self.heard:
            self.heard.pop(event, None)

    def _resolve(self, event: str) -> tuple[Entry[L], ...]:
        found = [self._subscribed.get(event, {})]
        if self._prefixes and isinstance(event, str):
            found += [self._subscribed[prefix] for prefix in self._prefixes if event.startswith(prefix[:-1])]
        if len(found) == 1:
            return self._calls(found[0].values())
        # One function that subscribed to the name and to a prefix of it hears the event once.
        first: dict[Any, Entry[L]] = {}
        for entry in sorted((entry for entries in found for entry in entries.values()), key=_serial):
            first.setdefault(entry.key, entry)
        return self._calls(first.values())

    def _calls(self, entries: Collection[Entry[L]]) -> tuple[Entry[L], ...]:
        if not self._once_apart or not any(map(_once, entries)):
            return tuple(entries)
        return tuple([entry for entry in entries for _ in range(entry.once + entry.lasting)])

    def _is_prefix(self, event: object) -> bool:
        # A name may be any key on gevent, as the members of an enumeration are.
        return isinstance(event, str) and event.endswith(self._wild)


class Unread:
    """
    The data of events that a slow reader has not read yet, the oldest dropped when there are too many.

    Args:
        maxsize: How many are kept (1 or more).

    Attributes:
        dropped: How many were dropped.

    Raises:
        TypeError: *maxsize* is no whole number.
        ValueError: It is less than 1.
    """

    def __init__(self, maxsize: int) -> None:
        require_count(maxsize, "maxsize", 1)
        self.dropped = 0
        self._kept: deque[Any] = deque()
        self._maxsize = maxsize

    def __len__(self) -> int:
        """How many there are to read."""
        return len(self._kept)

    def add(self, data: Any) -> None:
        """Keep one more."""
        if len(self._kept) == self._maxsize:
            self._kept.popleft()
            self.dropped += 1
        self._kept.append(data)

    def take(self) -> Any:
        """Take the oldest out. There must be one."""
        return self._kept.popleft()


def _key(fn: Any) -> Any:
    try:
        hash(fn)
    except TypeError:
        return id(fn)
    return fn
