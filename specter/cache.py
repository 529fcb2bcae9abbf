"""One computed value, kept until it expires or is invalidated."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from contextvars import ContextVar
from time import monotonic
from typing import Any

import anyio

from ._calls import call
from ._clock import clock_here
from ._delivery import Subscriber
from ._waiter import Waiter
from .event_bus import bus
from .runtime import Runtime
from .sansio import cache as rules
from .sansio.cache import Entry, Role, Slot, require_no_cycle
from .sansio.ownership import require_callable
from .sansio.service import checked_name
from .task import Task

log = logging.getLogger(__name__)

# The computations below whose factories this code runs, outermost first.
_computing: ContextVar[tuple[_Computation, ...]] = ContextVar("specter_computing", default=())
# The invalidations that led to this code: a cycle of dependencies ends where it began. They may be over, since a task
# that was started below one has its context for good.
_invalidations: ContextVar[tuple[object, ...]] = ContextVar("specter_invalidations", default=())

# Round the wait of a caller below no factory, as nearly all are: they may be many.
_NO_FACTORY = nullcontext()


class Cache:
    """
    A slot for one value, that is computed when it is asked for and is not there.

    However many ask, one computation runs at a time; who is cancelled leaves without an effect on the others.
    `None` counts as no value. Reading, setting and invalidating are safe from every thread.

    The clock is that of the event loop, which a test can move; from a thread without one, that of the loop on which the
    cache was used last, and `time.monotonic` if it never was.

    Args:
        name: For logs and for the event.
        ttl: Seconds until a value expires; 0 for never.
        depends_on: Names of events of the bus that invalidate the cache.

    Raises:
        TypeError: *name* is no non-empty string, *depends_on* are no names, or *ttl* is no number.
        ValueError: *ttl* is less than 0.

    Attributes:
        name: As given.
    """

    def __init__(self, name: str, ttl: float = 0, depends_on: Iterable[str] | None = None) -> None:
        events = rules.checked_events(depends_on)
        self.name = checked_name(name, "cache")
        self._lock = threading.Lock()
        self._slot: Slot[_Computation] = Slot(ttl)
        self._clock = clock_here() or monotonic
        self._invalidate_callbacks: list[Subscriber] = []
        # Those that go on.
        self._invalidating: list[object] = []
        self._bus_unsubs = [bus.on(event, self._dependency_changed) for event in events]

    def __repr__(self) -> str:
        return f"<Cache {self.name!r} valid={self.is_valid()} ttl={self.ttl}s>"

    @property
    def ttl(self) -> float:
        """Seconds until a value expires, if nothing else was said when it was stored; 0 for never."""
        return self._slot.ttl

    @property
    def updated_at(self) -> float:
        """When the value was stored, on the clock of the cache (not the time of day); 0 if there is none."""
        entry = self._entry()
        return 0.0 if entry is None else entry[1]

    def get(self, default: Any = None) -> Any:
        """The value; *default* if there is none, or it has expired."""
        value = self._value()
        return default if value is None else value

    def is_valid(self) -> bool:
        """Whether there is a value that has not expired."""
        return self._value() is not None

    def set(self, value: Any, ttl: float | None = None) -> None:
        """
        Store a value. A computation that runs does not replace it.

        Args:
            value: `None` empties the cache.
            ttl: Seconds until it expires, 0 for never; that of the cache if not given.

        Raises:
            TypeError: *ttl* is no number.
            ValueError: *ttl* is less than 0.
        """
        with self._lock:
            clock = self._clock_now()
            self._slot.put(value, ttl, clock, clock())

    async def get_or_compute(self, factory: Callable[[], Any], ttl: float | None = None) -> Any:
        """
        The value; if there is none, have it computed and wait.

        The computation is a task of the current `Runtime`, in its context and not in that of a request. It goes on
        when a caller is cancelled, and ends when the last one is. Without a runtime it runs in the caller; if that is
        cancelled, the next one computes anew.

        Args:
            factory: A plain or a coroutine function. Who finds a computation running gets its outcome, and does not
                call its own.
            ttl: Seconds until the value expires, 0 for never; that of the cache if not given.

        Returns:
            What the factory returned. It is not stored if it is `None`, or if the cache was set or invalidated
            meanwhile.

        Raises:
            Exception: What the factory raised, to all who waited. Not stored.
            RuntimeError: The factory, or a task below it, asks for the very value that it computes; or the runtime was
                closed during the computation.
            TypeError: *factory* cannot be called, or *ttl* is no number.
            ValueError: *ttl* is less than 0.
        """
        value = self._value()
        if value is not None:
            return value
        require_callable(factory, "a factory")
        return await self._ask(factory, None if ttl is None else rules.seconds(ttl))

    def invalidate(self) -> None:
        """
        Forget the value, call the `on_invalidate` callbacks, and emit ``<name>:invalidated``.

        Caches that depend on that event follow; a cycle of dependencies invalidates each once. A computation that runs
        gives its callers their value, which is not stored.
        """
        with self._lock:
            self._slot.empty()
            callbacks = [*self._invalidate_callbacks]
        log.debug("cache %r invalidated", self.name)
        this = object()
        self._invalidating.append(this)
        token = _invalidations.set((*_invalidations.get(), this))
        try:
            for callback in callbacks:
                callback.notify()
            bus.emit_nowait(f"{self.name}:invalidated")
        finally:
            _invalidations.reset(token)
            self._invalidating.remove(this)

    def on_invalidate(self, callback: Callable[[], Any]) -> Callable[[], None]:
        """
        Have a function without parameters called at each invalidation.

        Args:
            callback: Plain or a coroutine function.

        Returns:
            A plain function that ends this.

        Raises:
            TypeError: *callback* cannot be called.
        """
        require_callable(callback, "a callback")
        subscriber = Subscriber(callback)
        with self._lock:
            self._invalidate_callbacks.append(subscriber)

        def unsubscribe() -> None:
            with self._lock:
                if subscriber in self._invalidate_callbacks:
                    self._invalidate_callbacks.remove(subscriber)
            subscriber.close()

        return unsubscribe

    def destroy(self) -> None:
        """Forget the value, the callbacks and the events on which the cache depends."""
        with self._lock:
            self._slot.empty()
            unsubscribe, self._bus_unsubs = self._bus_unsubs, []
            callbacks, self._invalidate_callbacks = self._invalidate_callbacks, []
        for fn in unsubscribe:
            fn()
        for callback in callbacks:
            callback.close()
        log.debug("cache %r destroyed", self.name)

    def _entry(self) -> Entry | None:
        entry = self._slot.entry
        if entry is None:
            return None
        _, _, expires_at, clock = entry
        return None if expires_at is not None and clock() >= expires_at else entry

    def _value(self) -> Any:
        entry = self._entry()
        return None if entry is None else entry[0]

    def _clock_now(self) -> Callable[[], float]:
        self._clock = clock_here() or self._clock
        return self._clock

    def _dependency_changed(self, data: Any = None) -> None:
        if not any(going_on in _invalidations.get() for going_on in list(self._invalidating)):
            self.invalidate()

    async def _ask(self, factory: Callable[[], Any], ttl: float | None) -> Any:
        asking = _computing.get()
        while True:
            with self._lock:
                value = self._value()
                if value is not None:
                    return value
                if asking and self._slot.computation is not None:
                    require_no_cycle(asking, self._slot.computation)
                computation, role = self._slot.enter(lambda: _Computation(self.name))
            with _KnownToWait(asking[-1], computation) if asking else _NO_FACTORY:
                if role is Role.BEGIN and not self._start(computation, factory, ttl):
                    return await self._compute_here(computation, factory, ttl)
                try:
                    await computation.wait()
                finally:
                    if role is not Role.WAIT and not computation.ended:
                        self._leave(computation)
            # Otherwise it was nothing for this caller, or the caller that ran it was cancelled: it asks again.
            if role is not Role.WAIT and (computation.has_outcome or computation.task is not None):
                return computation.outcome()

    def _start(self, computation: _Computation, factory: Callable[[], Any], ttl: float | None) -> bool:
        """Start a computation as a task; `False` if there is no runtime for it."""
        runtime = Runtime.current()
        if runtime is None:
            return False
        try:
            computation.task = runtime.start_task(
                self._compute, computation, factory, _computing.get(), label=f"cache {self.name!r}"
            )
        except RuntimeError:  # it is closing
            return False
        computation.task.on_end = lambda: self._end(computation, ttl)
        return True

    async def _compute(
        self, computation: _Computation, factory: Callable[[], Any], asking: tuple[_Computation, ...]
    ) -> None:
        _computing.set((*asking, computation))
        await _run(computation, factory)

    async def _compute_here(self, computation: _Computation, factory: Callable[[], Any], ttl: float | None) -> Any:
        token = _computing.set((*_computing.get(), computation))
        try:
            await _run(computation, factory)
        finally:
            _computing.reset(token)
            self._leave(computation)
            self._end(computation, ttl)
        return computation.outcome()

    def _leave(self, computation: _Computation) -> None:
        with self._lock:
            last = self._slot.leave(computation)
        if last:
            computation.cancel()

    def _end(self, computation: _Computation, ttl: float | None) -> None:
        with self._lock:
            clock = self._clock_now()
            self._slot.end(computation, ttl, clock, clock())
        computation.wake()


class _Computation(rules.Computation):
    """A computation, the task that runs it, and those who wait for its end."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        # None if its first caller runs it.
        self.task: Task | None = None
        self._waiting: dict[Waiter, None] = {}

    async def wait(self) -> None:
        """Wait for its end."""
        waiter = Waiter()
        self._waiting[waiter] = None
        try:
            if not self.ended:  # it may have ended before it knew of this one
                await waiter.wait()
        finally:
            del self._waiting[waiter]

    def wake(self) -> None:
        """Tell all who wait that it has ended."""
        for waiter in list(self._waiting):
            waiter.wake()

    def cancel(self) -> None:
        """End the task, if it is one."""
        if self.task is not None:
            self.task.cancel()


async def _run(computation: _Computation, factory: Callable[[], Any]) -> None:
    try:
        computation.succeed(await call(factory))
    except anyio.get_cancelled_exc_class():
        raise
    except Exception as error:
        computation.fail(error)
    except BaseException as error:
        computation.fail(error)
        raise


class _KnownToWait:
    """While it lasts, a factory waits for a computation: see `require_no_cycle`."""

    __slots__ = ("_awaited", "_waits_for")

    def __init__(self, factory_of: _Computation, awaited: _Computation) -> None:
        self._waits_for = factory_of.waits_for
        self._awaited = awaited

    def __enter__(self) -> None:
        self._waits_for.append(self._awaited)

    def __exit__(self, *error: object) -> None:
        self._waits_for.remove(self._awaited)


def create_cache(name: str, ttl: float = 0, depends_on: Iterable[str] | None = None) -> Cache:
    """Make a `Cache`; see there."""
    return Cache(name, ttl, depends_on)
