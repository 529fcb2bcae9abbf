"""Services and other values by name, for all parts of an application."""

from __future__ import annotations

import logging
from typing import Any, TypeVar

from gevent.event import AsyncResult

from specter.sansio.registry import Entries, checked_key

from ._limit import within
from ._locks import StateLock
from ._overrides import is_ours

logger = logging.getLogger("specter.core.registry")
T = TypeVar("T")

_UNREGISTERED = "[SPECTER:registry] Unregistered '%s'"
_REFUSAL = "[SPECTER:registry] {}() requires a non-empty string key"


class SPECTERRegistry:
    """Values by key. Keys are non-empty strings; white space around them does not count. Safe from every thread."""

    def __init__(self) -> None:
        self._lock = StateLock()
        self._table = Entries(
            taken="[SPECTER:registry] '{key}' is already provided. Pass replace=True to overwrite.",
            missing="[SPECTER:registry] '{key}' is not provided. Currently registered: {keys}",
        )
        # {key: who takes its value out by a stop, or None}. Applications look here; nothing in the registry does.
        self._owners: dict[str, Any] = {}
        self._waiters: dict[str, list[AsyncResult[Any]]] = {}

    def provide(self, key: str, value: T, owner: Any = None, replace: bool = False) -> T:
        """
        Put a value in.

        Args:
            key: Its name.
            value: Anything.
            owner: Takes the value out when it stops, unless another one was put there since; anything with
                ``add_cleanup``.
            replace: Put it there even if the key is taken.

        Returns:
            The value.

        Raises:
            KeyError: The key is taken.
            TypeError: The key is no non-empty string, or *owner* cannot own.
        """
        key = checked_key(key, _REFUSAL, "provide")
        if owner is not None and not callable(getattr(owner, "add_cleanup", None)):
            raise TypeError(
                f"[SPECTER:registry] owner for '{key}' must expose add_cleanup(). Got {type(owner).__name__}."
            )
        self._lock.acquire()
        try:
            proof = self._table.provide(key, value, replace=replace)
            self._owners[key] = owner
            waiters = self._waiters.pop(key, ()) if self._waiters else ()
        finally:
            self._lock.release()
        if owner is not None:
            owner.add_cleanup(lambda: self._withdraw(key, proof))
        for waiter in waiters:
            waiter.set(value)
        logger.debug("[SPECTER:registry] Provided '%s'", key)
        return value

    def unregister(self, key: str) -> bool:
        """Take a value out. Returns whether there was one."""
        key = checked_key(key, _REFUSAL, "unregister")
        self._lock.acquire()
        try:
            self._owners.pop(key, None)
            there = self._table.unregister(key)
        finally:
            self._lock.release()
        if there:
            logger.debug(_UNREGISTERED, key)
        return there

    def resolve(self, key: str) -> Any:
        """The value, or `None`."""
        return self._table.values.get(checked_key(key, _REFUSAL, "resolve"))

    def require(self, key: str) -> Any:
        """
        The value.

        Raises:
            KeyError: There is none; lists the keys that there are.
        """
        return self._table.require(checked_key(key, _REFUSAL, "require"))

    def has(self, key: str) -> bool:
        """Whether there is a value, be it `None`."""
        return checked_key(key, _REFUSAL, "has") in self._table.values

    def wait_for(self, key: str, timeout: float | None = None) -> Any:
        """
        Wait until there is a value.

        Args:
            key: Its name.
            timeout: Seconds; `None` waits for ever.

        Raises:
            TimeoutError: There was none in time.
            RuntimeError: The registry was cleared meanwhile.
        """
        key = checked_key(key, _REFUSAL, "wait_for")
        with self._lock:
            if key in self._table.values:
                return self._table.values[key]
            waiter: AsyncResult[Any] = AsyncResult()
            self._waiters.setdefault(key, []).append(waiter)
        try:
            # An outer timeout that comes first stays what it is.
            with within(timeout):
                return waiter.get()
        finally:
            self._forget(key, waiter)
        raise TimeoutError(f"[SPECTER:registry] wait_for('{key}') timed out after {timeout}s")

    def clear(self) -> None:
        """Take all values out. Who waits for one gets a `RuntimeError`."""
        with self._lock:
            self._table.clear()
            self._owners.clear()
            waiters = dict(self._waiters)
            self._waiters.clear()
        for key, waiting in waiters.items():
            for waiter in waiting:
                waiter.set_exception(RuntimeError(f"[SPECTER:registry] Registry was cleared while waiting for '{key}'"))
        logger.debug("[SPECTER:registry] Cleared all entries")

    # Last, since it hides the builtin from what follows in the class.
    def list(self) -> list[str]:
        """
        All keys, in a new list.

        They stand in the order in which they came.
        """
        with self._lock:
            return [*self._table.values]

    @property
    def _entries(self) -> dict[str, Any]:
        return self._table.values

    @_entries.setter
    def _entries(self, entries: dict[str, Any]) -> None:
        self._table.values = entries

    @_entries.deleter
    def _entries(self) -> None:
        # So mock.patch.object does, and then puts the former ones back if it finds none.
        del self._table.values

    def _withdraw(self, key: str, proof: object) -> None:
        if not is_ours(self.unregister, _UNREGISTER):
            # Not in one piece: what is not ours is called without the lock.
            if not self._table.is_replaced(key, proof):
                self.unregister(key)
            return
        self._lock.acquire()
        try:
            there = self._table.withdraw(key, proof)
            if there:
                self._owners.pop(key, None)
        finally:
            self._lock.release()
        if there:
            logger.debug(_UNREGISTERED, key)

    def _forget(self, key: str, waiter: AsyncResult[Any]) -> None:
        with self._lock:
            waiting = self._waiters.get(key, [])
            if waiter in waiting:
                waiting.remove(waiter)
            if not waiting:
                self._waiters.pop(key, None)


_UNREGISTER = SPECTERRegistry.unregister

registry = SPECTERRegistry()
