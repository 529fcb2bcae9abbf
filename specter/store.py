"""A flat state that tells its subscribers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from ._audience import Audience, Hearer, audience
from ._observed import Observed, require_plain, require_subscriber, share
from .sansio import store as rules
from .sansio.store import State

log = logging.getLogger(__name__)
T = TypeVar("T")


class Store(Observed):
    """
    A flat dict that several parts of an application share.

    Its values are the application's own objects: a snapshot is a new dict with the same values. Reading, changing and
    subscribing are safe from every thread. A change returns when plain subscribers have heard of it; coroutine ones
    hear of it one change at a time and in order.

    Args:
        name: For logs and for the event.
        initial_state: Copied. `None` for an empty store.
        emit_events: Whether the bus gets an event for each change, with a snapshot.
        change_event: Its name, if not ``<name>:changed``.

    Raises:
        TypeError: *name* is no non-empty string, or *initial_state* no dict.

    Attributes:
        name: As given.
    """

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
        self._state = rules.initial(initial_state)
        self._subscribers: dict[Callable[..., Any], Hearer] = {}
        # Those and the bus; `None` when it is to be made anew.
        self._audience: Audience | None = None

    def __repr__(self) -> str:
        return f"<Store {self.name!r} keys={len(self._state)}>"

    def get(self, key: str | None = None, default: Any = None) -> Any:
        """
        Read one value, or all.

        Args:
            key: `None` for a snapshot of the state.
            default: What to return if the store has no such key.
        """
        return self.snapshot() if key is None else self._state.get(key, default)

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
        require_plain(reader, "a reader")
        with self._lock:
            return reader(self._state)

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
        return self._change(rules.without, keys)

    def clear(self) -> State:
        """
        Delete all entries.

        Returns:
            A snapshot: empty.
        """
        return self._change(rules.replaced, {})

    def update(self, mutator: Callable[[State], State | None]) -> State:
        """
        Change the state in one step: nobody else changes it meanwhile.

        Args:
            mutator: A plain function that gets a draft, a copy of the state, and edits it or returns a dict that takes
                its place. If it raises, the state is left as it was, the dicts, lists and sets within it included. It
                changes the store through its draft alone.

        Returns:
            A snapshot.

        Raises:
            TypeError: *mutator* cannot be called, is a coroutine function, or returned neither a dict nor `None`.
        """
        require_plain(mutator, "a mutator")
        return self._change(self._updated, mutator)

    def subscribe(
        self, fn: Callable[[State, Store], Any], immediate: bool = False, owner: Any = None
    ) -> Callable[[], None]:
        """
        Hear of each change: ``fn(snapshot, store)``.

        Args:
            fn: Plain or a coroutine function. Subscribed several times, it is called once for each change, and is gone
                with the last of its subscriptions.
            immediate: Also call it now.
            owner: Ends the subscription when it stops, and has the deliveries as its tasks; anything with
                ``add_cleanup``.

        Returns:
            A plain function that ends the subscription.

        Raises:
            TypeError: *fn* cannot be called, or *owner* cannot own.
        """
        require_subscriber(fn, owner)
        now = self.snapshot if immediate else None
        return share(self, self._subscribers, self._lock, fn, owner, now)

    def watch(self, fn: Callable[[State, Store], Any], immediate: bool = True) -> Callable[[], None]:
        """Subscribe, and hear of the present state at once; see `subscribe`."""
        return self.subscribe(fn, immediate=immediate)

    def destroy(self) -> None:
        """End all subscriptions. The state stays."""
        with self._lock:
            gone = list(self._subscribers.values())
            self._subscribers.clear()
            self._audience = None
        for subscriber in gone:
            subscriber.close()
        log.debug("store %r destroyed", self.name)

    def _updated(self, state: State, mutator: Callable[[State], State | None]) -> State:
        self._mutating = True
        try:
            return rules.updated(state, mutator)
        finally:
            self._mutating = False

    def _change(self, rule: Callable[[State, Any], State | None], what: Any) -> State:
        # Half of what `with` costs, which is a sixth of a change that nobody hears of.
        self._lock.acquire()
        try:
            if self._mutating:
                self._require_no_mutator()
            state = rule(self._state, what)
            if state is None:
                return self._state.copy()
            self._state = state
            snapshot = state.copy()
            hearing = self._audience
            if hearing is None:
                hearing = self._audience = self._all_that_hear()
            if not hearing:
                return snapshot
            # Whoever hears of it gets a copy when it is called: many copies at a time are slow to make.
            for calls, hearers in hearing:
                calls.add(hearers, snapshot, dict.copy)
        finally:
            self._lock.release()
        done = True
        for calls, _ in hearing:
            done = calls.deliver() and done
        # It is the caller's when all were called.
        return snapshot if done else snapshot.copy()

    def _all_that_hear(self) -> Audience:
        last = () if self._bus_subscriber is None else (self._bus_subscriber,)
        return audience([*self._subscribers.values(), *last])


def create_store(name: str, initial_state: State | None = None, **options: Any) -> Store:
    """Make a `Store`; *options* are its keyword arguments."""
    return Store(name, initial_state, **options)
