"""What `Store` and `Model` have in common: a lock, and those who hear of each change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ._audience import Calls, Hearer, calls_here
from ._calls import is_coroutine_function, name_of
from ._loop import Loop
from .event_bus import bus
from .ownership import forget_cleanup
from .sansio.ownership import require_callable, require_owner
from .sansio.service import checked_name


class Observed:
    """
    A lock, and an event for the bus.

    Args:
        name: For logs and for the event.
        emit_events: Whether the bus gets an event for each change.
        change_event: Its name, if not ``<name>:changed``.
    """

    def __init__(self, name: str, emit_events: bool, change_event: str | None) -> None:
        self.name = checked_name(name, type(self).__name__)
        self._lock = threading.RLock()
        self._emit_events = emit_events
        self._change_event = change_event or f"{name}:changed"
        # A subscriber like the others, so that the bus hears of the changes in their order too, and after them.
        self._bus_subscriber = Hearer(self._emit, Calls(Loop.current(), self)) if emit_events else None
        self._mutating = False

    def _emit(self, state: Any, source: Any) -> None:
        bus.emit_nowait(self._change_event, state)

    def _require_no_mutator(self) -> None:
        # The lock lets the thread of the mutator in again, and its draft would then overwrite the change.
        if self._mutating:
            raise RuntimeError(f"{self.name!r} cannot be changed by a mutator but through its draft")


def share(
    source: Any,
    subscribers: dict[Any, Hearer],
    lock: AbstractContextManager[Any],
    fn: Callable[..., Any],
    owner: Any,
    now: Callable[[], Any] | None,
) -> Callable[[], None]:
    """
    Subscribe a function that is called once for each change, however often it subscribes.

    Args:
        source: What it hears of. Its ``_audience`` is `None` from then on: to be made anew.
        subscribers: ``{fn: its subscriber}``, changed under the lock.
        lock: That of the state.
        fn: Who subscribes.
        owner: Ends the subscription when it stops, if given.
        now: Gives the state that is to be heard at once, under the lock; `None` for nothing.

    Returns:
        A plain function that ends this subscription; the function is gone with the last.
    """
    with lock:
        subscriber = subscribers.get(fn)
        if subscriber is None:
            subscriber = subscribers[fn] = Hearer(fn, calls_here(subscribers.values(), source))
            source._audience = None
        key = object()
        subscriber.share(key, owner)
        if now is not None:
            subscriber.calls.add((subscriber,), now())

    def end() -> bool:
        with lock:
            last = subscriber.unshare(key)
            if last and subscribers.get(fn) is subscriber:
                del subscribers[fn]
                source._audience = None
        return last

    def cancel() -> None:
        if end():
            subscriber.cancel()

    def unsubscribe() -> None:
        forget_cleanup(owner, cancel)
        if end():
            subscriber.close()

    if owner is not None:
        owner.add_cleanup(cancel)
    if now is not None:
        subscriber.calls.deliver()
    return unsubscribe


def require_subscriber(fn: Callable[..., Any], owner: Any) -> None:
    """
    Refuse what cannot subscribe.

    Raises:
        TypeError: *fn* cannot be called, or *owner* cannot own.
    """
    require_callable(fn, "a subscriber")
    if owner is not None:
        require_owner(owner)


def require_plain(fn: Any, what: str) -> None:
    """
    Refuse a coroutine function where a rule needs the answer at once.

    Raises:
        TypeError: *fn* is one; *what* names its role.
    """
    if callable(fn) and is_coroutine_function(fn):
        raise TypeError(f"{what} must be a plain function, got the coroutine function {name_of(fn)}")
