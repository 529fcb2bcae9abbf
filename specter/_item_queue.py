"""A queue between threads and tasks, on asyncio and on trio: used like `asyncio.Queue`."""

from __future__ import annotations

import threading
from collections import deque
from queue import Empty, Full
from typing import Any

import anyio

from ._loop import Loop, LoopGone
from .sansio.duration import limit
from .sansio.queue_service import Backlog, Ticket


class Waiter:
    """One task that waits, woken from any thread."""

    __slots__ = ("_event", "_loop")

    def __init__(self) -> None:
        loop = Loop.current()
        assert loop is not None
        self._loop = loop
        self._event = anyio.Event()

    async def wait(self) -> None:
        """Wait until `wake` was called."""
        await self._event.wait()

    def wake(self) -> None:
        """Let the task go on. One whose loop is gone waits no more."""
        if self._loop.here():
            self._event.set()
            return
        try:
            self._loop.soon(self._event.set)
        except LoopGone:
            return


class ItemQueue:
    """
    Items, first in, first out. What does not wait may be called from every thread.

    Args:
        maxsize: How many may wait; 0 for any number.
    """

    def __init__(self, maxsize: int = 0) -> None:
        self._lock = threading.Lock()
        self._backlog = Backlog(maxsize)
        self._getters: deque[Waiter] = deque()
        self._putters: dict[Ticket, Waiter] = {}
        self._joiners: list[Waiter] = []

    @property
    def maxsize(self) -> int:
        """As given."""
        return self._backlog.maxsize

    @property
    def unfinished(self) -> int:
        """How many items wait or are being worked on."""
        return self._backlog.unfinished

    def qsize(self) -> int:
        """How many items wait."""
        return len(self._backlog)

    def empty(self) -> bool:
        """Whether none waits."""
        return not len(self._backlog)

    def full(self) -> bool:
        """Whether there is no room for another."""
        return self._backlog.full

    def put_nowait(self, item: Any) -> None:
        """
        Put an item in.

        Raises:
            queue.Full: There is no room.
        """
        with self._lock:
            if not self._backlog.offer(item):
                raise Full
            woken = self._next_getter()
        _wake(woken)

    async def put(self, item: Any, timeout: float | None = None) -> None:
        """
        Wait for room, in order of the calls, and put an item in.

        Args:
            item: Not put in if the caller is cancelled while it waits.
            timeout: Seconds; `None` waits for ever.

        Raises:
            queue.Full: There was no room in time, or there will be none.
            TypeError: *timeout* is no number.
        """
        seconds = limit(timeout)
        with self._lock:
            place = None if self._backlog.offer(item) else self._line_up(item)
            woken = self._next_getter() if place is None else []
        _wake(woken)
        if place is not None:
            await self._wait_for_room(*place, seconds)

    def get_nowait(self) -> Any:
        """
        Take the first item out.

        Raises:
            queue.Empty: None waits.
        """
        with self._lock:
            if self.empty():
                raise Empty
            item, woken = self._take()
        _wake(woken)
        return item

    async def get(self) -> Any:
        """Wait for an item, and take it out. If one waits it is taken at once, without a checkpoint."""
        while True:
            with self._lock:
                if not self.empty():
                    item, woken = self._take()
                    break
                waiter = Waiter()
                self._getters.append(waiter)
            await self._wait_for_item(waiter)
        _wake(woken)
        return item

    def task_done(self) -> None:
        """
        What was taken is done.

        Raises:
            ValueError: More was done than was taken.
        """
        with self._lock:
            self._backlog.done()
            woken = list(self._joiners)
        _wake(woken)

    async def join(self, unfinished: int = 0) -> None:
        """Wait until no more than so many items are unfinished."""
        while True:
            with self._lock:
                if self._backlog.unfinished <= unfinished:
                    return
                waiter = Waiter()
                self._joiners.append(waiter)
            try:
                await waiter.wait()
            finally:
                with self._lock:
                    self._joiners.remove(waiter)

    def refuse(self) -> None:
        """Send away all who wait for room."""
        with self._lock:
            woken = [self._putters[ticket] for ticket in self._backlog.refuse()]
        _wake(woken)

    def drop(self) -> int:
        """Forget the items that wait. Returns how many that were."""
        with self._lock:
            dropped = self._backlog.drop()
            woken = list(self._joiners)
        _wake(woken)
        return dropped

    def _take(self) -> tuple[Any, list[Waiter]]:
        item, accepted = self._backlog.take()
        # What was accepted in its place is there for yet another one to take.
        woken = [] if accepted is None else [self._putters[accepted], *self._next_getter()]
        return item, woken

    def _next_getter(self) -> list[Waiter]:
        return [self._getters.popleft()] if self._getters else []

    def _line_up(self, item: Any) -> tuple[Ticket, Waiter]:
        ticket, waiter = self._backlog.line_up(item), Waiter()
        self._putters[ticket] = waiter
        return ticket, waiter

    async def _wait_for_item(self, waiter: Waiter) -> None:
        try:
            await waiter.wait()
        except BaseException:
            with self._lock:
                if waiter in self._getters:
                    self._getters.remove(waiter)
                    woken = []
                else:  # woken for an item that somebody else must take now
                    woken = [] if self.empty() else self._next_getter()
            _wake(woken)
            raise

    async def _wait_for_room(self, ticket: Ticket, waiter: Waiter, seconds: float) -> None:
        try:
            with anyio.move_on_after(seconds):
                await waiter.wait()
        finally:
            with self._lock:
                self._backlog.leave(ticket)
                del self._putters[ticket]
        if ticket.state == "refused":
            raise Full


def _wake(waiters: list[Waiter]) -> None:
    for waiter in waiters:
        waiter.wake()
