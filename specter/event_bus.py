"""Events between the parts of an application."""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import get_ident
from typing import Any

import anyio

from ._calls import forget, is_coroutine_function, name_of
from ._delivery import Subscriber
from ._loop import Loop
from ._together import run_together
from .sansio.duration import limit
from .sansio.listeners import Entry, Hearing, Listeners, Unread
from .sansio.ownership import require_callable

log = logging.getLogger(__name__)


class EventBus:
    """
    Listeners by name of event. ``"a:*"`` hears every event that starts with ``a:``.

    A listener is a plain or a coroutine function of the event's data; subscribed twice to one event it is called once.
    An error in it is logged, and the others still hear the event. Listeners that come or go during an emit count from
    the next one on. Subscribing and `emit_nowait` are safe from every thread: a plain listener is called on the event
    loop where it subscribed.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._listeners: Listeners[Subscriber] = Listeners()

    # Subscribing.

    def on(self, event: str, fn: Callable[[Any], Any]) -> Callable[[], None]:
        """
        Subscribe.

        Args:
            event: The name, or a prefix and ``*``.
            fn: Plain or a coroutine function of the data.

        Returns:
            A plain function that ends this subscription.

        Raises:
            TypeError: *event* is no non-empty string, or *fn* cannot be called.
        """
        return self._subscribe(event, fn)

    def once(self, event: str, fn: Callable[[Any], Any]) -> Callable[[], None]:
        """Subscribe to the next event only; see `on`."""
        return self._subscribe(event, fn, once=True)

    def off(self, event: str, fn: Callable[[Any], Any]) -> None:
        """End all subscriptions of *fn* to *event*, as subscribed to. Unknown ones are ignored."""
        with self._lock:
            gone = self._listeners.remove(event, fn)
        _close(gone)

    def clear(self, event: str | None = None) -> None:
        """End all subscriptions to *event* as subscribed to, or all there are."""
        with self._lock:
            gone = self._listeners.clear(event)
        _close(gone)

    def has_listeners(self, event: str) -> bool:
        """Whether somebody hears *event*."""
        return self.listener_count(event) > 0

    def listener_count(self, event: str | None = None) -> int:
        """How many functions hear *event*, or listen at all."""
        with self._lock:
            return self._listeners.count(event)

    # Emitting.

    async def emit(self, event: str, data: Any = None) -> None:
        """
        Tell all listeners, and wait until they are done.

        Plain ones are called first, at once and in order; then coroutine ones run concurrently. An owned one ends with
        its owner; all are cancelled with the caller.

        Args:
            event: The name.
            data: What the listeners are called with.
        """
        hearing = self._listeners.heard.get(event)
        if hearing is not None and hearing.prepared == get_ident():
            fns = hearing.fns
        else:
            hearing, fns = self._hearing_here(event)
        waiting: list[tuple[Callable[[Any], Any], Awaitable[Any]]] = []
        # The loop of `emit_nowait` once more: to have one listener called by it takes half as long again.
        for fn in fns:
            try:
                result = fn(data)
            except Exception:
                _subscriber(hearing, fn).failed()
            else:
                if result is not None and inspect.isawaitable(result):
                    waiting.append((fn, result))
        if waiting:
            await _wait_for_all(hearing, waiting)

    def emit_nowait(self, event: str, data: Any = None) -> None:
        """
        Tell all listeners without waiting for coroutine ones.

        Those get their events one at a time and in order, as tasks of their owner, else of the runtime around the
        caller; without one that is logged as the listener's error.

        Args:
            event: The name.
            data: What the listeners are called with.
        """
        hearing = self._listeners.heard.get(event)
        if hearing is not None and hearing.prepared == get_ident():
            fns = hearing.fns
        else:
            hearing, fns = self._hearing_here(event)
        for fn in fns:
            try:
                result = fn(data)
            except Exception:
                _subscriber(hearing, fn).failed()
            else:
                if result is not None and inspect.isawaitable(result):
                    _subscriber(hearing, fn).later(result)

    async def wait_for(
        self, event: str, *, predicate: Callable[[Any], Any] | None = None, timeout: float | None = None
    ) -> Any:
        """
        Wait for the next event.

        Args:
            event: The name, or a prefix and ``*``.
            predicate: A plain function of the data; events for which it is false are let pass.
            timeout: Seconds; `None` waits for ever.

        Returns:
            The data.

        Raises:
            TimeoutError: There was none in time.
            TypeError: *predicate* is no plain function, or *timeout* no number.
        """
        seconds = limit(timeout)
        if predicate is not None:
            require_callable(predicate, "a predicate")
            if is_coroutine_function(predicate):
                raise TypeError(
                    f"a predicate must be a plain function, got the coroutine function {name_of(predicate)}"
                )
        came = anyio.Event()
        found: list[Any] = []

        def hear(data: Any) -> None:
            if not found and (predicate is None or predicate(data)):
                found.append(data)
                came.set()

        unsubscribe = self._subscribe(event, hear)
        try:
            with anyio.move_on_after(seconds):
                await came.wait()
        finally:
            unsubscribe()
        if not found:
            raise TimeoutError(f"no event {event!r} within {timeout} seconds")
        return found[0]

    @contextmanager
    def stream(self, event: str, *, maxsize: int = 100) -> Iterator[EventStream]:
        """
        Keep future events for one reader: ``with bus.stream("a") as events: async for data in events: ...``.

        Args:
            event: The name, or a prefix and ``*``.
            maxsize: Events kept for a slow reader (1 or more). When there are more the oldest is dropped, and counted
                in ``events.dropped``.

        Raises:
            TypeError: *maxsize* is no whole number.
            ValueError: It is less than 1.
        """
        events = EventStream(maxsize)
        unsubscribe = self._subscribe(event, events._hear)
        try:
            yield events
        finally:
            unsubscribe()
            events._end()

    def _subscribe(
        self,
        event: str,
        fn: Callable[[Any], Any],
        *,
        owner: Any = None,
        once: bool = False,
        loop: Loop | None = None,
    ) -> Callable[[], None]:
        _require_event(event)
        require_callable(fn, "a listener")
        loop = loop or Loop.current()
        subscription = _Subscription(self._lock, self._listeners)
        with self._lock:
            subscription.begin(event, fn, lambda: Subscriber(fn, loop=loop), owner, once)
        return subscription

    def _hearing_here(self, event: str) -> tuple[Hearing[Subscriber], tuple[Callable[[Any], Any], ...]]:
        """Who hears an event, and what to call for that in this thread."""
        hearing = self._listeners.heard.get(event)
        if hearing is None:
            _require_event(event)
            # In one piece: no other thread may hear for a listener that is spent.
            with self._lock:
                hearing = self._listeners.hearing(event)
                if hearing.once:
                    self._listeners.spend(hearing)
        if hearing.prepared is None:
            hearing.prepared = _thread_of(hearing)
        here = get_ident()
        if hearing.prepared == here:
            return hearing, hearing.fns
        fns = [
            entry.fn if entry.listener.thread in (None, here) else entry.listener.notify for entry in hearing.entries
        ]
        return hearing, tuple(fns)


class _Subscription:
    """
    Called, it ends: a function that remembered as much would take three times the memory.

    Args:
        lock: That of the table.
        listeners: The table. A test may have put another one in its place when the subscription ends.
    """

    __slots__ = ("_entry", "_listeners", "_lock")

    def __init__(self, lock: AbstractContextManager[Any], listeners: Listeners[Subscriber]) -> None:
        self._lock = lock
        self._listeners = listeners

    def begin(
        self, event: str, fn: Callable[[Any], Any], make: Callable[[], Subscriber], owner: Any, once: bool
    ) -> None:
        """Be in the table. Under the lock."""
        self._entry, _ = self._listeners.add(event, fn, make, once=once, holder=self)
        if owner is not None:
            self._entry.listener.share(self, owner)

    def __call__(self) -> None:
        """End it; twice is harmless."""
        subscriber = self._entry.listener
        with self._lock:
            gone = self._listeners.release(self._entry, self)
            subscriber.unshare(self)
        if gone:
            subscriber.close()


def _require_event(event: object) -> None:
    if not isinstance(event, str) or not event:
        raise TypeError(f"an event must be a non-empty string, got {event!r}")


# No thread has this identity.
_NO_THREAD = 0


def _thread_of(hearing: Hearing[Subscriber]) -> int:
    """The thread in which all can be called at once, `_NO_THREAD` if there is none or any will do."""
    threads = {entry.listener.thread for entry in hearing.entries} - {None}
    return next(iter(threads)) if len(threads) == 1 else _NO_THREAD  # type: ignore[return-value]


def _subscriber(hearing: Hearing[Subscriber], fn: Callable[..., Any]) -> Subscriber:
    return next(entry.listener for entry in hearing.entries if entry.fn is fn)


async def _wait_for_all(
    hearing: Hearing[Subscriber], waiting: list[tuple[Callable[[Any], Any], Awaitable[Any]]]
) -> None:
    """Await what coroutine functions have given, each as its subscriber does."""
    # By table: a search for each of a hundred takes as long as they do.
    subscribers = {id(entry.fn): entry.listener for entry in hearing.entries}
    found = [subscribers[id(fn)].awaiting(result) for fn, result in waiting]
    pieces = [piece for piece in found if piece is not None]
    if len(pieces) == 1:
        await pieces[0]()
    elif pieces:
        try:
            await run_together(pieces)
        except BaseException:
            for _, result in waiting:
                forget(result)  # it may not have begun
            raise


class EventStream:
    """The data of events, in order, for one reader. Made by `EventBus.stream`."""

    def __init__(self, maxsize: int) -> None:
        self._unread = Unread(maxsize)
        self._came = anyio.Event()
        self._ended = False

    @property
    def dropped(self) -> int:
        """How many events were dropped because the reader was slow."""
        return self._unread.dropped

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        while not self._unread:
            if self._ended:
                raise StopAsyncIteration
            if self._came.is_set():
                self._came = anyio.Event()
            await self._came.wait()
        return self._unread.take()

    def _hear(self, data: Any) -> None:
        self._unread.add(data)
        self._came.set()

    def _end(self) -> None:
        self._ended = True
        self._came.set()


def _close(gone: list[Entry[Subscriber]]) -> None:
    for entry in gone:
        entry.listener.close()


bus = EventBus()
