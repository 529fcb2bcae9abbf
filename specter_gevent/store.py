"""A flat state that tells its subscribers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Set
from types import CoroutineType
from typing import Any, TypeVar

from gevent import getcurrent

from specter.sansio import store as rules
from specter.sansio.callables import require_answer
from specter.sansio.store import State

from ._observed import Observed
from .event_bus import bus

log = logging.getLogger(__name__)
T = TypeVar("T")


class Store(Observed[State]):
    """
    A flat dict that several parts of an application share.

    Its values are the application's own objects: a snapshot is a new dict with the same values. Reading does not wait;
    a change waits for the reader or the mutator of another greenlet. A change returns when subscribers have heard of
    it, in the greenlet that made it.

    Args:
        name: For logs and for the event.
        initial_state: Copied. `None` for an empty store.
        emit_events: Whether the bus gets an event for each change, with a snapshot.
        change_event: Its name, if not ``<name>:changed``.

    Attributes:
        name: As given.
    """

    _kind = "store"

    # A subclass of the application has a `_notify` of its own, which is called for each change.
    _notifies = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._notifies = cls._notify is not Store._notify

    def __init__(
        self,
        name: str,
        initial_state: State | None = None,
        *,
        emit_events: bool = False,
        change_event: str | None = None,
    ) -> None:
        super().__init__(name, emit_events, change_event)
        # Each change edits it in one operation of the dict, or replaces it: so it is read without the lock.
        self._state: State = dict(initial_state or {})
        self._subscribers = _Subscribers()

    def __repr__(self) -> str:
        return f"<Store {self.name!r} keys={len(self._state)}>"

    def get(self, key: str | None = None, default: Any = None) -> Any:
        """
        Read one value, or all.

        Args:
            key: `None` for a snapshot of the state.
            default: What to return if the store has no such key.
        """
        return self._state.copy() if key is None else self._state.get(key, default)

    def snapshot(self) -> State:
        """A copy of the state, not deep."""
        return self._state.copy()

    def access(self, reader: Callable[[State], T]) -> T:
        """
        Read several values while nothing changes.

        Args:
            reader: A plain function of the state itself, which it must not change and must not keep.

        Returns:
            What *reader* returned.

        Raises:
            TypeError: *reader* cannot be called, or is a coroutine function.
        """
        if not callable(reader):
            raise TypeError("[SPECTER:store] access() requires a callable reader")
        if self._holder is not None and self._holder is getcurrent():
            return reader(self._state)
        self._hold()
        try:
            found = reader(self._state)
        finally:
            self._let_go()
        if type(found) is CoroutineType:
            require_answer(found, reader, "a reader")
        return found

    def set(self, partial: State) -> State:
        """
        Set the entries of *partial*, and leave the others.

        Returns:
            A snapshot.

        Raises:
            TypeError: *partial* is no dict.
        """
        return self._change(rules.merge, partial)

    def replace(self, state: State) -> State:
        """
        Put a copy of *state* in the place of the whole state.

        Returns:
            A snapshot.

        Raises:
            TypeError: *state* is no dict.
        """
        return self._change(rules.replaced, state)

    def delete(self, *keys: str) -> State:
        """
        Delete entries. Unknown keys are ignored; if all are unknown, nobody hears of it.

        Returns:
            A snapshot.
        """
        return self._change(rules.drop, keys)

    def clear(self) -> State:
        """
        Delete all entries.

        Returns:
            A snapshot: empty.
        """
        return self.replace({})

    def update(self, mutator: Callable[[State], State | None]) -> State:
        """
        Change the state in one step: nobody else changes it meanwhile.

        Args:
            mutator: A plain function that gets a draft, a copy of the state, and edits it or returns a dict that takes
                its place. If it raises, the state is left as it was, but for what it edited within its values. It
                changes the store through its draft alone.

        Returns:
            A snapshot.

        Raises:
            TypeError: *mutator* cannot be called, is a coroutine function, or returned neither a dict nor `None`.
        """
        self._hold()
        try:
            # What a mutator that waits has edited within the values may have been edited by others as well.
            state = rules.updated(self._state, mutator, restore=False)
            self._lock.acquire()
            try:
                snapshot = self._publish(state)
            finally:
                self._lock.release()
        finally:
            self._let_go()
        if self._heard:
            self._deliver()
        return snapshot

    def subscribe(
        self, fn: Callable[[State, Store], Any], immediate: bool = False, owner: Any = None
    ) -> Callable[[], None]:
        """
        Hear of each change: ``fn(snapshot, store)``.

        Args:
            fn: A plain function. Subscribed several times, it is called once for each change.
            immediate: Also call it now.
            owner: Ends the subscription when it stops; anything with ``add_cleanup``.

        Returns:
            A plain function that ends the subscription: all that *fn* has, but for those of owners.

        Raises:
            TypeError: *fn* cannot be called, or is a coroutine function, or *owner* cannot own.
        """
        self._require_subscriber(fn, owner)
        holder = None if owner is None else id(owner)
        self._lock.acquire()
        try:
            holders = self._subscribers.setdefault(fn, set())
            holders.add(holder)
            if immediate:
                self._heard.append((fn, self._state.copy().copy))
        finally:
            self._lock.release()

        def unsubscribe() -> None:
            self._lock.acquire()
            try:
                holders.discard(holder)
                if not holders and self._subscribers.get(fn) is holders:
                    del self._subscribers[fn]
            finally:
                self._lock.release()

        if owner is not None:
            owner.add_cleanup(unsubscribe)
        if immediate:
            self._deliver()
        return unsubscribe

    def watch(self, fn: Callable[[State, Store], Any], immediate: bool = True) -> Callable[[], None]:
        """Subscribe, and hear of the present state at once; see `subscribe`."""
        return self.subscribe(fn, immediate=immediate)

    def destroy(self) -> None:
        """End all subscriptions, and empty the state. Nobody hears of it."""
        self._hold()
        try:
            with self._lock:
                self._state.clear()
                self._subscribers.clear()
        finally:
            self._let_go()
        log.debug("store %r destroyed", self.name)

    def _commit(self, rule: Callable[[State, Any], State | None], what: Any) -> State:
        state = rule(self._state, what)
        return self._state.copy() if state is None else self._publish(state)

    def _publish(self, state: State) -> State:
        self._state = state
        snapshot = state.copy()
        if self._notifies:
            self._heard.append((_notify, snapshot.copy))
        elif self._subscribers or self._emit_events:
            self._queue(snapshot)
        return snapshot

    def _queue(self, snapshot: State) -> None:
        # Whoever hears of it gets a copy when it is called: many copies at a time are slow to make. The snapshot itself
        # is the caller's, who has it when all were called.
        heard, make = self._heard, snapshot.copy
        for fn in self._subscribers:
            heard.append((fn, make))
        if self._emit_events:
            heard.append((_emit, make))

    def _notify(self, snapshot: State) -> None:
        """Tell the subscribers. Subclasses that edit `_state` themselves call it, and others do something more here."""
        with self._lock:
            self._queue(snapshot)
        self._deliver()


class _Subscribers(dict[Callable[[State, Store], Any], set[int | None]]):
    """
    ``{fn: on whose behalf: the id of each owner, None for who has none}``

    To the tests of applications it is the set of these functions.
    """

    __hash__ = None

    def __eq__(self, other: object) -> bool:
        return self.keys() == other if isinstance(other, Set) else super().__eq__(other)

    def add(self, fn: Callable[[State, Store], Any]) -> None:
        """Have *fn* hear of changes."""
        self.setdefault(fn, set()).add(None)

    def discard(self, fn: Callable[[State, Store], Any]) -> None:
        """Have *fn* hear of nothing."""
        self.pop(fn, None)


def _notify(state: State, store: Store) -> None:
    store._notify(state)


def _emit(state: State, store: Store) -> None:
    bus.emit(store._change_event, state)


def create_store(name: str, initial_state: State | None = None, **options: Any) -> Store:
    """Make a `Store`; *options* are its keyword arguments."""
    return Store(name, initial_state, **options)
