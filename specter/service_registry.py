"""Services and other values by name, for all parts of an application."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any, TypeVar

import anyio

from ._loop import Loop, LoopGone
from .ownership import forget_cleanup
from .sansio.duration import limit
from .sansio.ownership import require_owner
from .sansio.registry import Entries, Proof, checked_key

T = TypeVar("T")


class SPECTERRegistry:
    """Values by key. Keys are non-empty strings; white space around them does not count. Safe from every thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._entries = Entries()
        self._waiters: dict[str, list[_Waiter]] = {}

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
        key = checked_key(key)
        if owner is not None:
            require_owner(owner)
        # Kept: a test may have put another table in its place when the owner stops, with the same proofs in it.
        lock, entries = self._lock, self._entries
        with lock:
            before = entries.proof(key)
            proof = entries.provide(key, value, replace=replace)
            if owner is not None:
                proof.cleanup = owner, partial(self._withdraw, lock, entries, key, proof)
            waiters = self._waiters.pop(key, [])
        _release_owner(before)
        for waiter in waiters:
            waiter.wake()
        if owner is not None:
            owner.add_cleanup(proof.cleanup[1])
        return value

    def unregister(self, key: str) -> bool:
        """Take a value out. Returns whether there was one."""
        key = checked_key(key)
        with self._lock:
            before = self._entries.proof(key)
            there = self._entries.unregister(key)
        _release_owner(before)
        return there

    def resolve(self, key: str) -> Any:
        """The value, or `None`."""
        return self._entries.resolve(checked_key(key))

    def require(self, key: str) -> Any:
        """
        The value.

        Raises:
            KeyError: There is none; lists the keys that there are.
        """
        return self._entries.require(checked_key(key))

    def has(self, key: str) -> bool:
        """Whether there is a value, be it `None`."""
        return self._entries.has(checked_key(key))

    async def wait_for(self, key: str, timeout: float | None = None) -> Any:
        """
        Wait until there is a value.

        Args:
            key: Its name.
            timeout: Seconds; `None` waits for ever.

        Raises:
            TimeoutError: There was none in time.
            RuntimeError: The registry was cleared meanwhile.
        """
        key = checked_key(key)
        with anyio.move_on_after(limit(timeout)):
            while True:
                with self._lock:
                    if self._entries.has(key):
                        return self._entries.resolve(key)
                    waiter = _Waiter()
                    self._waiters.setdefault(key, []).append(waiter)
                try:
                    await waiter.woken.wait()
                finally:
                    self._forget(key, waiter)
                if waiter.cleared:
                    raise RuntimeError(f"the registry was cleared while {key!r} was waited for")
        raise TimeoutError(f"{key!r} was not provided within {timeout} seconds; there are: {', '.join(self.list())}")

    def clear(self) -> None:
        """Take all values out. Who waits for one gets a `RuntimeError`."""
        with self._lock:
            self._entries.clear()
            waiters = [waiter for waiting in self._waiters.values() for waiter in waiting]
            self._waiters.clear()
        for waiter in waiters:
            waiter.cleared = True
            waiter.wake()

    # Last, since it hides the builtin from what follows in the class.
    def list(self) -> list[str]:
        """
        All keys, in a new list.

        They are sorted.
        """
        with self._lock:
            return self._entries.keys()

    def _withdraw(self, lock: threading.RLock, entries: Entries, key: str, proof: Proof) -> None:
        with lock:
            entries.withdraw(key, proof)
        if self._entries is not entries:
            with self._lock:
                self._entries.withdraw(key, proof)

    def _forget(self, key: str, waiter: _Waiter) -> None:
        with self._lock:
            waiting = self._waiters.get(key, [])
            if waiter in waiting:
                waiting.remove(waiter)
            if not waiting:
                self._waiters.pop(key, None)


def _release_owner(proof: Proof | None) -> None:
    """Have the owner keep nothing for a value that is gone: it may live, and provide others, much longer."""
    if proof is not None and proof.cleanup is not None:
        forget_cleanup(*proof.cleanup)


class _Waiter:
    """One task that waits for a key, woken from any thread."""

    def __init__(self) -> None:
        self.woken = anyio.Event()
        self.cleared = False
        loop = Loop.current()
        assert loop is not None
        self._loop = loop

    def wake(self) -> None:
        if self._loop.here():
            self.woken.set()
            return
        try:
            self._loop.soon(self.woken.set)
        except LoopGone:
            return  # so is who waited


registry = SPECTERRegistry()
