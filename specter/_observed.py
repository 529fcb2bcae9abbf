"""What `Store` and `Model` have in common: a lock, and those who hear of each change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ._calls import is_coroutine_function, name_of
from ._delivery import Subscriber
from .event_bus import bus
from .sansio.ownership import require_callable, require_owner
from .sansio.service import checked_name


class Observed:
    """
    A lock, an event for the bus, and the order of what is heard.

    A change is made, and what is to be heard of it is queued, under the lock; it is delivered when the lock was left.
    So subscribers hear of changes in the order in which these were made, whatever threads make them.

    Args:
        name: For logs and for the event.
        emit_events: Whether the bus gets an event for each change.
        change_event: Its name, if not ``<name>:changed``.
        show: Makes of a queued state, or of a slice of it, the copy that is handed out.
    """

    def __init__(self, name: str, emit_events: bool, change_event: str | None, show: Callable[[Any], Any]) -> None:
        self.name = checked_name(name, type(self).__name__)
        self._lock = threading.RLock()
        self._show = show
        self._emit_events = emit_events
        self._change_event = change_event or f"{name}:changed"
        # A subscriber like the others, so that the bus hears of the changes in their order too.
        self._bus_subscriber = Subscriber(self._emit) if emit_events else None
        self._mutating = False

    def _emit(self, state: Any) -> None:
        bus.emit_nowait(self._change_event, self._show(state))

    def _hearing(self, fn: Callable[..., Any]) -> Callable[[Any], Any]:
        """The function of a `Subscriber` that tells *fn* of a queued value, and has its name in logs."""
        show = self._show

        def hear(value: Any) -> Any:
            return fn(show(value), self)

        hear.__qualname__ = name_of(fn)
        return hear

    def _require_no_mutator(self) -> None:
        # The lock lets the thread of the mutator in again, and its draft would then overwrite the change.
        if self._mutating:
            raise RuntimeError(f"{self.name!r} cannot be changed by a mutator but through its draft")


def share(
    subscribers: dict[Any, Subscriber],
    lock: AbstractContextManager[Any],
    fn: Callable[..., Any],
    owner: Any,
    *,
    make: Callable[[], Subscriber],
    now: Callable[[], tuple[Any, ...]] | None,
) -> Callable[[], None]:
    """
    Subscribe a function that is called once for each change, however often it subscribes.

    Args:
        subscribers: ``{fn: its subscriber}``, changed under the lock.
        lock: That of the state.
        fn: Who subscribes.
        owner: Ends the subscription when it stops, if given.
        make: Gives the subscriber if *fn* has none yet.
        now: Gives what is to be heard at once, under the lock; `None` for nothing.

    Returns:
        A plain function that ends this subscription; the function is gone with the last.
    """
    with lock:
        subscriber = subscribers.get(fn)
        if subscriber is None:
            subscriber = subscribers[fn] = make()
        key = subscriber.share(owner)
        if now is not None:
            subscriber.post(*now())

    def end() -> bool:
        with lock:
            last = subscriber.unshare(key)
            if last and subscribers.get(fn) is subscriber:
                del subscribers[fn]
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
        subscriber.deliver()
    return unsubscribe


def forget_cleanup(owner: Any, cleanup: Callable[[], Any]) -> None:
    """Take back a cleanup from an owner that can do so: a subscription may end long before its owner."""
    forget = getattr(owner, "_forget_cleanup", None)
    if forget is not None:
        forget(cleanup)


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
