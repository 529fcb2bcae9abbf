"""A flat state that tells its subscribers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, MutableSet
from functools import partial
from types import CoroutineType
from typing import Any, TypeVar

from gevent import getcurrent

from specter.sansio import store as rules
from specter.sansio.callables import require_answer
from specter.sansio.store import State

from ._observed import Observed
from ._overrides import is_ours
from .event_bus import bus

logger = logging.getLogger("specter.core.store")
T = TypeVar("T")
Subscriber = Callable[[State, "Store"], Any]


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

    _specter_kind = "store"

    # Each has one of its own.
    _specter_show = staticmethod(dict.copy)

    # A subclass of the application has a `_notify` of its own, which is called for each change.
    _specter_notifies = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._specter_notifies = cls._notify is not Store._notify

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
        self._subscribers = _Subscribers(*[_emit] if emit_events else [])

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
        return self.get()  # type: ignore[no-any-return]

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
        if self._specter_holder is not None and self._specter_holder is getcurrent():
            return reader(self._state)
        self._specter_hold()
        try:
            found = reader(self._state)
        finally:
            self._specter_let_go()
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
        return self._specter_change(rules.merge, partial)

    def replace(self, state: State) -> State:
        """
        Put a copy of *state* in the place of the whole state.

        Returns:
            A snapshot.

        Raises:
            TypeError: *state* is no dict.
        """
        return self._specter_change(rules.replaced, state)

    def delete(self, *keys: str) -> State:
        """
        Delete entries. Unknown keys are ignored; if all are unknown, nobody hears of it.

        Returns:
            A snapshot.
        """
        return self._specter_change(rules.drop, keys)

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
        self._specter_hold()
        try:
            # What a mutator that waits has edited within the values may have been edited by others as well.
            state = rules.updated(self._state, mutator, restore=False)
            self._lock.acquire()
            try:
                snapshot = self._specter_commit(_put, state)
            finally:
                self._lock.release()
        finally:
            self._specter_let_go()
        if self._specter_heard:
            self._specter_deliver()
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
        self._specter_require_subscriber(fn, owner)
        holder = None if owner is None else id(owner)
        self._lock.acquire()
        try:
            holders = self._subscribers.hold(fn, holder)
            if immediate:
                overridden = not (is_ours(self.snapshot, _SNAPSHOT) and is_ours(self.get, _GET))
                self._specter_first = fns = iter((partial(_show_present, fn) if overridden else fn,))
                self._specter_heard.append((fns, self._state.copy()))
        finally:
            self._lock.release()

        def unsubscribe() -> None:
            self._lock.acquire()
            try:
                self._subscribers.drop(fn, holder, holders)
            finally:
                self._lock.release()

        if owner is not None:
            owner.add_cleanup(unsubscribe)
        if immediate:
            self._specter_deliver()
        return unsubscribe

    def watch(self, fn: Callable[[State, Store], Any], immediate: bool = True) -> Callable[[], None]:
        """Subscribe, and hear of the present state at once; see `subscribe`."""
        return self.subscribe(fn, immediate=immediate)

    def destroy(self) -> None:
        """End all subscriptions, and empty the state. Nobody hears of it."""
        self._specter_hold()
        try:
            with self._lock:
                self._state.clear()
                self._subscribers.clear()
        finally:
            self._specter_let_go()
        logger.debug("[SPECTER:store] '%s' destroyed", self.name)

    def _specter_commit(self, rule: Callable[[State, Any], State | None], what: Any) -> State:
        state = rule(self._state, what)
        if state is None:
            return self._state.copy()
        self._state = state
        snapshot = state.copy()
        hearers = _OVERRIDDEN if self._specter_notifies else self._subscribers.hearers
        if hearers is None:
            hearers = self._subscribers.listed()
        if hearers:
            # The snapshot itself is the caller's, who has it when all were called.
            self._specter_heard.append((iter(hearers), snapshot))
        return snapshot

    def _notify(self, snapshot: State) -> None:
        """Tell the subscribers. Subclasses that edit `_state` themselves call it, and others do something more here."""
        with self._lock:
            self._specter_heard.append((iter(self._subscribers.listed()), snapshot))
        self._specter_deliver()


class _Subscribers(MutableSet[Subscriber]):
    """
    Who hears of changes. To the tests of applications it is the set of these functions.

    Args:
        emit: Called after them.

    Attributes:
        hearers: All that are called, in order; `None` while that is to be `listed` anew. Kept, since a change that has
            one subscriber takes a fifth less time so.
    """

    def __init__(self, *emit: Subscriber) -> None:
        self._emit = emit
        # {fn: on whose behalf: the id of each owner, None for who has none}
        self._held: dict[Subscriber, set[int | None]] = {}
        self.hearers: tuple[Subscriber, ...] | None = emit

    def __contains__(self, fn: object) -> bool:
        return fn in self._held

    def __iter__(self) -> Iterator[Subscriber]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def listed(self) -> tuple[Subscriber, ...]:
        """Make `hearers`."""
        self.hearers = hearers = (*self._held, *self._emit)
        return hearers

    def hold(self, fn: Subscriber, holder: int | None) -> set[int | None]:
        """Have *fn* hear of changes on behalf of *holder*. Returns all for whom it does."""
        holders = self._held.get(fn)
        if holders is None:
            holders = self._held[fn] = set()
            self.hearers = None
        holders.add(holder)
        return holders

    def drop(self, fn: Subscriber, holder: int | None, holders: set[int | None]) -> None:
        """Undo what `hold` did; twice is harmless."""
        holders.discard(holder)
        if not holders and self._held.get(fn) is holders:
            self.discard(fn)

    def add(self, fn: Subscriber) -> None:
        """Have *fn* hear of changes."""
        self.hold(fn, None)

    def discard(self, fn: Subscriber) -> None:
        """Have *fn* hear of nothing."""
        if self._held.pop(fn, None) is not None:
            self.hearers = None


_GET, _SNAPSHOT = Store.get, Store.snapshot


def _show_present(fn: Subscriber, state: State, store: Store) -> None:
    """Tell *fn* by methods of which one is not ours."""
    fn(store.snapshot(), store)


def _put(state: State, new: State) -> State:
    return new


def _notify(state: State, store: Store) -> None:
    store._notify(state)


def _emit(state: State, store: Store) -> None:
    bus.emit(store._change_event, state)


# Who hears of the changes of a store whose class has a `_notify` of its own.
_OVERRIDDEN = (_notify,)


def create_store(name: str, initial_state: State | None = None, **options: Any) -> Store:
    """Make a `Store`; *options* are its keyword arguments."""
    return Store(name, initial_state, **options)
