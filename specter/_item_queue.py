"""A queue between threads and tasks, on asyncio and on trio: used like `asyncio.Queue`."""

from __future__ import annotations

import math
import threading
from collections import deque
from contextlib import nullcontext
from queue import Empty, Full
from typing import Any

import anyio

from ._waiter import Waiter
from .sansio.duration import limit
from .sansio.queue_service import Backlog, Ticket

# What an exchange gives for nothing. Exceptions, here and in `get`, took an eighth of the time of an item that comes
# when the workers wait.
NONE_WAITS = object()


class ItemQueue:
    """
    Items, first in, first out. What does not wait may be called from every thread.

    Args:
        maxsize: How many may wait; 0 for any number.

    Attributes:
        waiting: The items that wait, first first. To be looked at only.
    """

    def __init__(self, maxsize: int = 0) -> None:
        self._backlog = Backlog(maxsize)
        self.waiting = self._backlog.waiting
        # Putting in (where any number may wait) and exchanging an item do without it: they are half as fast with it.
        # Each is one call of the deque, and looks then whether somebody waits; whoever waits says so before he looks.
        self._lock = threading.Lock()
        self._getters: deque[Waiter] = deque()
        self._putters: dict[Ticket, Waiter] = {}
        # {who joins: the number of unfinished items until which he waits}, and whether that is above 0 for one of them.
        self._joiners: dict[Waiter, int] = {}
        self._joined_early = False

    @property
    def maxsize(self) -> int:
        """As given."""
        return self._backlog.maxsize

    @property
    def unfinished(self) -> int:
        """How many items wait or are being worked on."""
        with self._lock:
            return self._backlog.unfinished

    def qsize(self) -> int:
        """How many items wait."""
        return len(self.waiting)

    def empty(self) -> bool:
        """Whether none waits."""
        return not self.waiting

    def full(self) -> bool:
        """Whether there is no room for another."""
        return self._backlog.full

    def put_nowait(self, item: Any) -> None:
        """
        Put an item in.

        Raises:
            queue.Full: There is no room.
        """
        if not self._backlog.maxsize:
            self.waiting.append(item)
        else:
            with self._lock:
                if not self._backlog.offer(item):
                    raise Full
        if self._getters:
            self._wake_getter()

    async def put(self, item: Any, timeout: float | None = None) -> None:
        """
        Wait for room, in order of the calls, and put an item in. If there is room it is put in without a checkpoint.

        Args:
            item: Not put in if the caller is cancelled while it waits.
            timeout: Seconds; `None` waits for ever.

        Raises:
            queue.Full: There was no room in time, or there will be none.
            TypeError: *timeout* is no number.
        """
        seconds = limit(timeout)
        try:
            self.put_nowait(item)
        except Full:
            ticket, waiter = self._line_up_to_put(item)
        else:
            return
        await self._wait_for_room(ticket, waiter, seconds)

    def get_nowait(self) -> Any:
        """
        Take the first item out.

        Raises:
            queue.Empty: None waits.
        """
        with self._lock:
            try:
                item = self._backlog.take()
            except IndexError:
                raise Empty from None
            woken = self._admit()
        _wake(woken)
        return item

    async def get(self) -> Any:
        """Wait for an item, and take it out. If one waits it is taken at once, without a checkpoint."""
        while True:
            if self.waiting:
                try:
                    return self.get_nowait()
                except Empty:  # another thread has just taken it
                    continue
            await self._wait_for_item(self._line_up_to_get())

    def exchange(self) -> Any:
        """Say that what was taken is done, and take the first item out. If none waits, say nothing: `NONE_WAITS`."""
        if not self.waiting:
            return NONE_WAITS
        try:
            item = self.waiting.popleft()
        except IndexError:  # another thread has just taken it
            return NONE_WAITS
        if self._putters or self._joined_early:
            with self._lock:
                woken = [*self._admit(), *self._joined()]
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
            woken = self._joined()
        _wake(woken)

    async def join(self, unfinished: int = 0) -> None:
        """Wait until no more than so many items are unfinished."""
        while self.unfinished > unfinished:
            waiter = self._line_up_to_join(unfinished)
            try:
                await waiter.wait()
            finally:
                with self._lock:
                    del self._joiners[waiter]
                    self._joined_early = any(self._joiners.values())

    def refuse(self) -> None:
        """Send away all who wait for room."""
        with self._lock:
            woken = [self._putters[ticket] for ticket in self._backlog.refuse()]
        _wake(woken)

    def drop(self) -> int:
        """Forget the items that wait. Returns how many that were."""
        with self._lock:
            dropped = self._backlog.drop()
            woken = [*self._admit(), *self._joined()]
        _wake(woken)
        return dropped

    def _admit(self) -> list[Waiter]:
        """Have those wait no more for whom there is room now, nor as many of those who wait for items."""
        if not self._putters:
            return []
        admitted = [self._putters[ticket] for ticket in self._backlog.admit()]
        return [waiter for putter in admitted for waiter in (putter, *self._next_getter())]

    def _joined(self) -> list[Waiter]:
        """Those who join and have waited long enough."""
        if not self._joiners:
            return []
        unfinished = self._backlog.unfinished
        return [waiter for waiter, until in self._joiners.items() if unfinished <= until]

    def _next_getter(self) -> list[Waiter]:
        return [self._getters.popleft()] if self._getters else []

    def _wake_getter(self) -> None:
        with self._lock:
            woken = self._next_getter()
        _wake(woken)

    # What comes or goes without the lock may have seen nobody in line yet: whoever lines up looks for it himself.

    def _line_up_to_put(self, item: Any) -> tuple[Ticket, Waiter]:
        waiter = Waiter()
        with self._lock:
            ticket = self._backlog.line_up(item)
            self._putters[ticket] = waiter
            woken = self._admit()
        _wake(woken)
        return ticket, waiter

    def _line_up_to_get(self) -> Waiter:
        waiter = Waiter()
        with self._lock:
            self._getters.append(waiter)
        if self.waiting:
            self._wake_getter()
        return waiter

    def _line_up_to_join(self, unfinished: int) -> Waiter:
        waiter = Waiter()
        with self._lock:
            self._joiners[waiter] = unfinished
            self._joined_early = any(self._joiners.values())
            woken = self._joined()
        _wake(woken)
        return waiter

    async def _wait_for_item(self, waiter: Waiter) -> None:
        try:
            await waiter.wait()
        except BaseException:
            with self._lock:
                if waiter in self._getters:
                    self._getters.remove(waiter)
                    woken = []
                else:  # woken for an item that somebody else must take now
                    woken = self._next_getter() if self.waiting else []
            _wake(woken)
            raise

    async def _wait_for_room(self, ticket: Ticket, waiter: Waiter, seconds: float) -> None:
        try:
            with anyio.move_on_after(seconds) if seconds < math.inf else nullcontext():
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
