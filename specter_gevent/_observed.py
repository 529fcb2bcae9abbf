"""What `Store` and `Model` have in common: their locks, and what is to be heard of each change."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar

from gevent import getcurrent
from gevent.lock import BoundedSemaphore

from specter.sansio.callables import require_plain
from specter.sansio.ownership import require_callable

from ._locks import StateLock


class Observed:
    """
    Locks, and the order of what is heard.

    A change is made, and what is to be heard of it is queued, under the lock; it is delivered when the lock was left,
    in the greenlet that made the change. So all hear of all changes in the order in which these were made, also when a
    subscriber makes another change. What a greenlet that was killed has not delivered is heard with the next change.

    Args:
        name: For logs and for the event.
        emit_events: Whether the bus gets an event for each change.
        change_event: Its name, if not ``<name>:changed``.
    """

    # In errors and logs.
    _kind: ClassVar[str]

    def __init__(self, name: str, emit_events: bool, change_event: str | None) -> None:
        self.name = name
        # Held for a whole change, which waits if its mutator does. Reading takes it not, so that a mutator can read.
        self._lock = BoundedSemaphore(1)
        # Held for what never waits, so that no other OS thread sees the half of it.
        self._pieces = StateLock()
        # The greenlet whose reader or mutator has the lock.
        self._holder: object = None
        # What is still to be called, (fn, value) as fn(value, self); oldest first.
        self._heard: deque[tuple[Callable[[Any, Any], Any], Any]] = deque()
        self._emit_events = bool(emit_events)
        self._change_event = change_event or f"{name}:changed"

    def _deliver(self) -> None:
        """Call what is queued."""
        heard = self._heard
        while heard:
            try:
                fn, value = heard.popleft()
            except IndexError:  # another thread has just taken the last one
                return
            try:
                fn(value, self)
            except Exception as error:
                log = logging.getLogger(f"{__package__}.{self._kind}")
                log.warning(
                    "[SPECTER:%s] Error in subscriber for '%s': %s", self._kind, self.name, error, exc_info=True
                )

    def _require_free(self) -> None:
        if self._holder is getcurrent():
            raise RuntimeError(f"{self.name!r} cannot be changed by a reader, or by a mutator but through its draft")

    def _require_subscriber(self, fn: Callable[..., Any], owner: Any) -> None:
        require_callable(fn, "a subscriber")
        require_plain(fn, "a subscriber")
        if owner is not None and not callable(getattr(owner, "add_cleanup", None)):
            raise TypeError(
                f"[SPECTER:{self._kind}] owner for '{self.name}' must expose add_cleanup(). Got {type(owner).__name__}."
            )
