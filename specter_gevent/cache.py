"""One computed value, kept until it expires or is invalidated."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable
from types import CoroutineType
from typing import Any

from gevent import getcurrent

from specter.sansio import cache as rules
from specter.sansio.cache import Computation, Entry, Slot, require_no_cycle
from specter.sansio.callables import require_answer, require_plain
from specter.sansio.ownership import require_callable

from ._locks import StateLock
from ._time import moved, steady
from ._wake import Wakes
from .event_bus import bus

logger = logging.getLogger("specter.core.cache")

# Those of the machine. A wall clock that a test moves is what values age by, as they do in 0.1.x: another function in
# its place, or time-machine. In a tuple, since freezegun puts fakes in the place of what modules hold themselves.
_clocks = (time.time, time.monotonic)

# {greenlet: the computations whose factories it runs, the innermost last}
_running: dict[object, list[Computation]] = {}


class Cache:
    """
    A slot for one value, that is computed when it is asked for and is not there.

    However many ask, one computation runs at a time. `None` counts as no value. Reading, setting and invalidating do
    not wait for a computation.

    Args:
        name: For logs and for the event.
        ttl: Seconds until a value expires; 0, `None` or less for never.
        depends_on: Names of events of the bus that invalidate the cache; a string is one name.

    Attributes:
        name: As given.
    """

    def __init__(self, name: str, ttl: float | None = 0, depends_on: Iterable[str] | None = None) -> None:
        self.name = name
        self._lock = StateLock()
        # Those who wait until nobody computes; and those of them that are computations: their factories wait.
        self._specter_waiting = Wakes()
        self._specter_asking: list[Computation] = []
        self._specter_slot: Slot[Computation] = Slot(rules.bent_seconds(ttl or 0))
        self._specter_stored_at: float = 0
        self._invalidate_callbacks: list[Callable[[], Any]] = []
        # The greenlets that invalidate it: a cycle of dependencies ends where it began.
        self._specter_invalidating: list[object] = []
        events = [depends_on] if isinstance(depends_on, str) else depends_on or ()
        self._bus_unsubs = [bus.on(event, self._on_dependency_invalidated) for event in events]

    def __repr__(self) -> str:
        return f"<Cache {self.name!r} valid={self.is_valid()} ttl={self.ttl}s>"

    @property
    def ttl(self) -> float:
        """Seconds until a value expires, if nothing else was said when it was stored; 0 for never."""
        return self._specter_slot.ttl

    @property
    def updated_at(self) -> float:
        """When the value was stored, in seconds since the epoch (values age by another clock); 0 if there is none."""
        return self._specter_stored_at

    def get(self, default: Any = None) -> Any:
        """The value; *default* if there is none, or it has expired."""
        entry = self._specter_slot.entry
        if entry is None:
            return default
        value, updated_at, expires_at, _ = entry
        if expires_at is not None and self._specter_age(updated_at) >= expires_at - updated_at:
            self._specter_expire(entry)
            return default
        return value

    # The same, whatever a subclass or a test has put in its place.
    _specter_fresh = get

    def is_valid(self) -> bool:
        """Whether there is a value that has not expired."""
        return self._specter_fresh() is not None

    def set(self, value: Any, ttl: float | None = None) -> None:
        """
        Store a value. A computation that runs does not replace it.

        Args:
            value: `None` empties the cache.
            ttl: Seconds until it expires, 0 or less for never; that of the cache if not given.
        """
        lifetime = None if ttl is None else rules.bent_seconds(ttl)
        self._lock.acquire()
        try:
            self._specter_slot.put(value, lifetime, steady, steady())
            self._specter_stored_at = time.time()
        finally:
            self._lock.release()

    def get_or_compute(self, factory: Callable[[], Any], ttl: float | None = None) -> Any:
        """
        The value; if there is none, compute it, or wait while another greenlet does.

        Args:
            factory: A plain function. Who finds a value when its turn comes does not call its own.
            ttl: Seconds until the value expires, 0 or less for never; that of the cache if not given.

        Returns:
            What the factory returned. It is not stored if it is `None`, or if the cache was set or invalidated
            meanwhile.

        Raises:
            Exception: What the factory raised, to its own caller. Not stored: who waits next computes.
            RuntimeError: The factory, or one that it waits for, asks for the very value that it computes.
            TypeError: *factory* cannot be called, or is a coroutine function.
        """
        value = self.get()
        if value is not None:
            return value
        if not callable(factory):
            require_callable(factory, "a factory")
        lifetime = None if ttl is None else rules.bent_seconds(ttl)
        while True:
            self._lock.acquire()
            try:
                value = self._specter_fresh()
                if value is not None:
                    return value
                running = self._specter_slot.computation
                if running is None:
                    computation = self._specter_slot.begin(Computation(self.name))
                    for waiting in self._specter_asking:
                        waiting.waits_for.append(computation)
                    break
            finally:
                self._lock.release()
            self._specter_wait_for(running)
        return self._specter_compute(computation, factory, lifetime)

    def invalidate(self) -> None:
        """
        Forget the value, call the `on_invalidate` callbacks, and emit ``<name>:invalidated``.

        Caches that depend on that event follow; a cycle of dependencies invalidates each once. A computation that runs
        gives its caller its value, which is not stored.
        """
        self._lock.acquire()
        try:
            was_there = self._specter_slot.entry is not None
            self._specter_empty()
        finally:
            self._lock.release()
        if was_there:
            logger.info("[SPECTER:cache] '%s' invalidated", self.name)
        here = getcurrent()
        self._specter_invalidating.append(here)
        try:
            for callback in [*self._invalidate_callbacks]:
                self._specter_call(callback)
            bus.emit(f"{self.name}:invalidated")
        finally:
            self._specter_invalidating.remove(here)

    def on_invalidate(self, callback: Callable[[], Any]) -> Callable[[], None]:
        """
        Have a function without parameters called at each invalidation.

        Args:
            callback: A plain function.

        Returns:
            A plain function that ends this.

        Raises:
            TypeError: *callback* cannot be called, or is a coroutine function.
        """
        require_callable(callback, "a callback")
        require_plain(callback, "a callback")
        self._invalidate_callbacks.append(callback)

        def unsubscribe() -> None:
            if callback in self._invalidate_callbacks:
                self._invalidate_callbacks.remove(callback)

        return unsubscribe

    def destroy(self) -> None:
        """Forget the value, the callbacks and the events on which the cache depends."""
        unsubscribe, self._bus_unsubs = self._bus_unsubs, []
        for fn in unsubscribe:
            try:
                fn()
            except Exception as error:
                logger.warning(
                    "[SPECTER:cache] Failed to unsub bus listener for '%s': %s", self.name, error, exc_info=True
                )
        self._invalidate_callbacks.clear()
        with self._lock:
            self._specter_empty()
        logger.debug("[SPECTER:cache] '%s' destroyed", self.name)

    # Names by which tests look into a cache, and put into it what is to be old.

    @property
    def _value(self) -> Any:
        return None if self._specter_slot.entry is None else self._specter_slot.entry[0]

    @_value.setter
    def _value(self, value: Any) -> None:
        with self._lock:
            self._specter_slot.put(value, None, steady, steady() - (time.time() - self._specter_stored_at))

    @property
    def _updated_at(self) -> float:
        return self._specter_stored_at

    @_updated_at.setter
    def _updated_at(self, at: float) -> None:
        with self._lock:
            shift = at - self._specter_stored_at
            if self._specter_slot.entry is not None:
                value, updated_at, expires_at, clock = self._specter_slot.entry
                expires_at = None if expires_at is None else expires_at + shift
                self._specter_slot.entry = value, updated_at + shift, expires_at, clock
            self._specter_stored_at = at

    @property
    def _ttl(self) -> float:
        return self._specter_slot.ttl

    @_ttl.setter
    def _ttl(self, ttl: float) -> None:
        self._specter_slot.ttl = ttl

    def _specter_age(self, updated_at: float) -> float:
        wall_clock, real = _clocks
        if time.time is not wall_clock or ("time_machine" in sys.modules and _travels()):
            return time.time() - self._specter_stored_at
        # What `steady` does: a call of it is a fifth of a `get`.
        return (steady() if moved else real()) - updated_at

    def _specter_empty(self) -> None:
        self._specter_slot.empty()
        self._specter_stored_at = 0

    def _specter_expire(self, entry: Entry) -> None:
        with self._lock:
            if self._specter_slot.entry is entry:
                self._specter_slot.entry = None
                self._specter_stored_at = 0

    def _on_dependency_invalidated(self, data: Any = None) -> None:
        if getcurrent() not in self._specter_invalidating:
            logger.debug("[SPECTER:cache] '%s' dependency triggered, invalidating", self.name)
            self.invalidate()

    def _specter_call(self, callback: Callable[[], Any]) -> None:
        try:
            callback()
        except Exception as error:
            logger.error("[SPECTER:cache] Error in invalidation callback for '%s': %s", self.name, error, exc_info=True)

    def _specter_compute(self, computation: Computation, factory: Callable[[], Any], ttl: float | None) -> Any:
        here = getcurrent()
        asking = _running.setdefault(here, [])
        asking.append(computation)
        try:
            value = factory()
            if type(value) is CoroutineType:
                require_answer(value, factory, "a factory")
            computation.succeed(value)
        finally:
            asking.pop()
            if not asking:
                del _running[here]
            self._specter_end(computation, ttl)
        return value

    def _specter_end(self, computation: Computation, ttl: float | None) -> None:
        self._lock.acquire()
        try:
            if self._specter_slot.end(computation, ttl, steady, steady()):
                self._specter_stored_at = time.time()
        finally:
            self._lock.release()
        if not self._specter_waiting:
            return
        if self._specter_slot.entry is not None:
            self._specter_waiting.send_all()
        else:
            self._specter_waiting.send()

    def _specter_wait_for(self, computation: Computation) -> None:
        """Wait until nobody computes; if the caller is in a factory, that is known to wait meanwhile."""
        asking = _running.get(getcurrent())
        if asking is None:
            self._specter_waiting.wait_while(self._specter_computes)
            return
        require_no_cycle(asking, computation)
        asking[-1].waits_for.append(computation)
        self._specter_asking.append(asking[-1])
        try:
            self._specter_waiting.wait_while(self._specter_computes)
        finally:
            self._specter_asking.remove(asking[-1])
            asking[-1].waits_for.clear()

    def _specter_computes(self) -> bool:
        return self._specter_slot.computation is not None


def _travels() -> bool:
    """Whether time-machine moves the wall clock."""
    return bool(sys.modules["time_machine"].escape_hatch.is_travelling())


def create_cache(name: str, ttl: float | None = 0, depends_on: Iterable[str] | None = None) -> Cache:
    """Make a `Cache`; see there."""
    return Cache(name, ttl, depends_on)
