"""
What `Store` and `Model` have in common: who waits for whom, and what is to be heard of each change.

    reading               waits for nobody
    a change              waits while a reader or mutator of another greenlet holds the state
    a reader, a mutator   holds the state until it returns; it may wait meanwhile, it is the application's
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Generic, TypeVar

from gevent import getcurrent

import specter_gevent
from specter.sansio.callables import require_plain
from specter.sansio.ownership import require_callable

from ._locks import StateLock
from ._wake import Wakes

T = TypeVar("T")
S = TypeVar("S", bound=dict[Any, Any])


class Observed(Generic[S]):
    """
    A state that is changed by one at a time, and the order of what is heard.

    A change is made, and what is to be heard of it is queued, in one piece; then it is delivered, in the greenlet that
    made the change. So all hear of all changes in the order in which these were made, also when a subscriber makes
    another change. What a greenlet that was killed has not delivered is heard with the next change.

    Args:
        name: For logs and for the event.
        emit_events: Whether the bus gets an event for each change.
        change_event: Its name, if not ``<name>:changed``.
    """

    # In errors and logs.
    _specter_kind: ClassVar[str]

    # What each subscriber gets of the value that is queued for it, made when it is called: many copies at a time are
    # slow to make.
    _specter_show: ClassVar[staticmethod[[Any], Any]]

    def __init__(self, name: str, emit_events: bool, change_event: str | None) -> None:
        self.name = name
        # For what never waits: other OS threads see no half of it.
        self._lock = StateLock()
        # The greenlet whose reader or mutator holds the state. Set under the lock, so that nobody is changing it then.
        self._specter_holder: object = None
        # Those who wait until it is held no more.
        self._specter_waiting = Wakes()
        # (who are still to hear of a change, what they are shown), oldest first; called as fn(value, self).
        self._specter_heard: deque[tuple[Iterator[Callable[[Any, Any], Any]], Any]] = deque()
        # Of these, who is to hear of the present state, as the last to subscribe so; for logs.
        self._specter_first: object = None
        self._emit_events = bool(emit_events)
        self._change_event = change_event or f"{name}:changed"

    def _specter_change(self, rule: Callable[..., Any], what: Any) -> S:
        """Make a change, once nobody holds the state, and deliver what is heard of it. Returns a snapshot."""
        while True:
            self._lock.acquire()
            try:
                if self._specter_holder is None:
                    snapshot = self._specter_commit(rule, what)
                    break
            finally:
                self._lock.release()
            self._specter_wait_until_free()
        if self._specter_heard:
            self._specter_deliver()
        return snapshot

    def _specter_hold(self) -> None:
        """Hold the state, once nobody else does."""
        holder = getcurrent()
        while True:
            self._lock.acquire()
            try:
                if self._specter_holder is None:
                    self._specter_holder = holder
                    return
            finally:
                self._lock.release()
            self._specter_wait_until_free()

    def _specter_let_go(self) -> None:
        """Hold the state no more."""
        self._specter_holder = None
        if self._specter_waiting:
            self._specter_waiting.send()

    def _specter_wait_until_free(self) -> None:
        if self._specter_holder is getcurrent():
            raise RuntimeError(f"{self.name!r} cannot be changed by a reader, or by a mutator but through its draft")
        self._specter_waiting.wait_while(lambda: self._specter_holder is not None)

    def _specter_commit(self, rule: Callable[..., Any], what: Any) -> S:
        """Change the state by a rule, and queue what is heard of it: a piece. Returns a snapshot."""
        raise NotImplementedError

    def _specter_deliver(self) -> None:
        """Call what is queued."""
        heard, show = self._specter_heard, self._specter_show
        while heard:
            try:
                change = heard[0]
            except IndexError:  # another thread has just told the last one
                return
            fns, value = change
            for fn in fns:
                try:
                    fn(show(value), self)
                except Exception as error:
                    kind = self._specter_kind
                    who = "immediate subscriber" if fns is self._specter_first else "subscriber"
                    getattr(specter_gevent, kind).logger.warning(
                        "[SPECTER:%s] Error in %s for '%s': %s", kind, who, self.name, error, exc_info=True
                    )
            try:
                heard.remove(change)
            except ValueError:  # another thread, or a change by a subscriber, has done so
                continue

    def _specter_require_subscriber(self, fn: Callable[..., Any], owner: Any) -> None:
        if not callable(fn):
            require_callable(fn, "a subscriber")
        require_plain(fn, "a subscriber")
        if owner is not None and not callable(getattr(owner, "add_cleanup", None)):
            kind, got = self._specter_kind, type(owner).__name__
            raise TypeError(f"[SPECTER:{kind}] owner for '{self.name}' must expose add_cleanup(). Got {got}.")
