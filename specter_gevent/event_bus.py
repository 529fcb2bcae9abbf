"""Events between the parts of an application."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gevent.event import AsyncResult, Event

from specter.sansio.callables import require_plain
from specter.sansio.duration import limit
from specter.sansio.listeners import Hearing, Listeners, Unread
from specter.sansio.ownership import require_callable

from ._bus_events import Events, no_extra
from ._limit import within
from ._locks import StateLock
from ._overrides import is_ours

logger = logging.getLogger("specter.core.bus")


class EventBus:
    """
    Listeners by name of event. ``"a:*"`` hears every event that starts with ``a:``.

    A listener is a plain function of the event's data, called in the greenlet of the emitter; subscribed twice to one
    event it is called once. An error in it is logged, and the others still hear the event. Listeners that come or go
    during an emit count from the next one on. Safe from every thread.
    """

    def __init__(self) -> None:
        self._lock = StateLock()
        self._use(_table())

    # Subscribing.

    def on(self, event: Any, callback: Callable[[Any], Any]) -> Callable[[], None]:
        """
        Subscribe.

        Args:
            event: The name, or a prefix and ``:*``.
            callback: A plain function of the data.

        Returns:
            A plain function that ends this subscription: all that *callback* has for the event, but for those of
            services.

        Raises:
            TypeError: *callback* cannot be called, or is a coroutine function.
        """
        return self._subscribe(event, callback)

    def once(self, event: Any, callback: Callable[[Any], Any]) -> Callable[[], None]:
        """Subscribe to the next event only; see `on`."""
        if is_ours(self.on, _ON) and is_ours(self.off, _OFF):
            return self._subscribe(event, callback, once=True)

        def hear(data: Any = None) -> None:
            self.off(event, hear)
            callback(data)

        return self.on(event, hear)

    def off(self, event: Any, callback: Callable[[Any], Any]) -> None:
        """End all subscriptions of *callback* to *event*, as subscribed to. Unknown ones are ignored."""
        self._lock.acquire()
        try:
            self._listeners.remove(event, callback)
        finally:
            self._lock.release()

    def clear(self, event: Any = None) -> None:
        """End all subscriptions to *event* as subscribed to, or all there are."""
        with self._lock:
            self._listeners.clear(event)

    def has_listeners(self, event: Any) -> bool:
        """Whether somebody hears *event*."""
        try:
            return self._heard[event].count > 0
        except KeyError:
            return self._hearing(event).count > 0

    def listener_count(self, event: Any = None) -> int:
        """How many functions hear *event*, or listen at all."""
        if event is not None:
            return self._hearing(event).count
        with self._lock:
            return self._listeners.count()

    # Emitting.

    def emit(self, event: Any, data: Any = None) -> None:
        """
        Tell all listeners, and wait until they are done.

        They are called at once and in order, in the greenlet of the caller.

        Args:
            event: The name.
            data: What the listeners are called with.
        """
        try:
            fns = self._heard[event].fns
        except KeyError:
            fns = self._hearing(event, spend=True).fns
        if not fns:  # so are most events; a loop over nothing would cost as much as all the rest
            return
        for fn in fns:
            try:
                fn(data)
            except Exception as error:
                logger.error("[SPECTER:bus] Error in listener for '%s': %s", event, error, exc_info=True)

    def emit_nowait(self, event: Any, data: Any = None) -> None:
        """
        Tell all listeners without waiting for coroutine ones.

        There are none on gevent: the same as `emit`.

        Args:
            event: The name.
            data: What the listeners are called with.
        """
        self.emit(event, data)

    def wait_for(
        self, event: Any, *, predicate: Callable[[Any], Any] | None = None, timeout: float | None = None
    ) -> Any:
        """
        Wait for the next event.

        Args:
            event: The name, or a prefix and ``:*``.
            predicate: A plain function of the data; events for which it is false are let pass.
            timeout: Seconds; `None` waits for ever.

        Returns:
            The data.

        Raises:
            TimeoutError: There was none in time.
            TypeError: *predicate* is no plain function, or *timeout* no number.
        """
        limit(timeout)
        if predicate is not None:
            require_callable(predicate, "a predicate")
            require_plain(predicate, "a predicate")
        found: AsyncResult[Any] = AsyncResult()

        def hear(data: Any) -> None:
            if not found.ready() and (predicate is None or predicate(data)):
                found.set(data)

        unsubscribe = self._subscribe(event, hear)
        try:
            with within(timeout):
                found.wait()
        finally:
            unsubscribe()
        if not found.ready():
            raise TimeoutError(f"no event {event!r} within {timeout} seconds")
        return found.get()

    @contextmanager
    def stream(self, event: Any, *, maxsize: int = 100) -> Iterator[EventStream]:
        """
        Keep future events for one reader: ``with bus.stream("a") as events: for data in events: ...``.

        Args:
            event: The name, or a prefix and ``:*``.
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

    @property
    def _events(self) -> Events:
        return Events(self._listeners, self._lock)

    @_events.setter
    def _events(self, events: Mapping[Any, Iterable[Callable[[Any], Any]]]) -> None:
        if isinstance(events, Events):
            self._use(events.listeners)
        else:
            self._use(_table())
            self._events.update({event: set(fns) for event, fns in events.items()})

    @_events.deleter
    def _events(self) -> None:
        # So mock.patch.object does, and then puts the former one back if it finds none.
        del self._listeners

    def _use(self, listeners: Listeners[None]) -> None:
        self._listeners = listeners
        self._heard = listeners.heard

    def _subscribe(
        self, event: Any, fn: Callable[[Any], Any], *, owner: Any = None, once: bool = False
    ) -> Callable[[], None]:
        if not callable(fn):
            require_callable(fn, f"[SPECTER:bus] {'once' if once else 'on'}('{event}'): callback")
        require_plain(fn, "a listener")
        self._lock.acquire()
        try:
            _, holder = self._listeners.add(event, fn, no_extra, once=once, holder=None if once else id(owner))
        finally:
            self._lock.release()

        return _Subscription(self, event, fn, holder)

    def _hearing(self, event: Any, *, spend: bool = False) -> Hearing[None]:
        hearing = self._heard.get(event)
        if hearing is not None:
            return hearing
        # In one piece: no other thread may hear for a listener that is spent.
        self._lock.acquire()
        try:
            hearing = self._listeners.hearing(event)
            if spend and hearing.once:
                self._listeners.spend(hearing)
            return hearing
        finally:
            self._lock.release()


_ON, _OFF = EventBus.on, EventBus.off


class _Subscription:
    """
    Called, it ends: a function that remembered as much would take three times the memory.

    Args:
        bus: Its bus.
        event: As subscribed to.
        fn: The listener.
        holder: The key of the subscription.
    """

    __slots__ = ("_bus", "_event", "_fn", "_holder")

    def __init__(self, bus: EventBus, event: Any, fn: Callable[[Any], Any], holder: object) -> None:
        self._bus = bus
        self._event = event
        self._fn = fn
        self._holder = holder

    def __call__(self) -> None:
        """End it; twice is harmless."""
        bus = self._bus
        if not is_ours(bus.off, _OFF):
            bus.off(self._event, self._fn)
            return
        bus._lock.acquire()
        try:
            # As in 0.1.x, a later subscription of the same function ends with it too.
            entry = bus._listeners.find(self._event, self._fn)
            if entry is not None:
                bus._listeners.release(entry, self._holder)
        finally:
            bus._lock.release()


class EventStream:
    """The data of events, in order, for one reader. Made by `EventBus.stream`."""

    def __init__(self, maxsize: int) -> None:
        self._unread = Unread(maxsize)
        self._came = Event()
        self._ended = False

    @property
    def dropped(self) -> int:
        """How many events were dropped because the reader was slow."""
        return self._unread.dropped

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        while not self._unread:
            if self._ended:
                raise StopIteration
            self._came.clear()
            # Another thread may have added one before the clear.
            if not self._unread and not self._ended:
                self._came.wait()
        return self._unread.take()

    def _hear(self, data: Any) -> None:
        self._unread.add(data)
        self._came.set()

    def _end(self) -> None:
        self._ended = True
        self._came.set()


def _table() -> Listeners[None]:
    # As in 0.1.x, "*" is a name as others are, and each `once` is a listener of its own.
    return Listeners(wild=":*", once_apart=True)


bus = EventBus()
