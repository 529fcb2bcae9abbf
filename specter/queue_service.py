"""A service that works on items, one after another or several at a time."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from queue import Full
from time import perf_counter as clock
from typing import Any

import anyio
import anyio.lowlevel

from ._calls import call
from ._deadline import time_left
from ._item_queue import NONE_WAITS, ItemQueue
from ._waiting import waits_for_caller
from .sansio.count import require_count
from .sansio.lifecycle import RUNNING, STOPPED, STOPPING
from .service import Service
from .task import Task

log = logging.getLogger(__name__)

# Of the time that a stop gives its first step, so that what the drain leaves behind is still counted.
_DRAIN_SHARE = 0.9

# How long items are put in, or worked on, before others have a turn on the event loop: as long as many a plain request
# takes it, and a turn costs no more than a few hundredths of that. Seconds of `clock`, not of the loop: with virtual
# time its clock stands still while something runs.
_TURN = 0.001

# To be called if a subclass has another.
_SET_STATE = Service.set_state


class QueueService(Service):
    """
    Items go in by `enqueue`, and each is given to `handle_item` by one of the workers, first in, first out.

    Override `handle_item`. Workers start after `on_start` and are ended before `on_stop` is done with, whatever a
    subclass does in these.

    Args:
        name: As of `Service`.
        worker_count: How many items are worked on at a time, 1 or more.
        maxsize: How many items may wait; 0 for any number.
        poll_interval: Kept as an attribute. Workers are woken by the items.
        initial_state: As of `Service`; the state has ``queue_size`` and ``worker_count`` besides.

    Attributes:
        worker_count: As given.
        poll_interval: As given.
        queue: The items that wait: ``qsize()``, ``empty()``, ``full()``, ``maxsize``, and the calls of `asyncio.Queue`.
        error_count: How many items failed so far.
        drain_timeout: How long a stop goes on with the items it finds, before `on_stop`. Seconds, and never more than a
            third of `stop_timeout`; what is left then is dropped, which the log says.

    Raises:
        TypeError: A number of workers or items is no whole number.
        ValueError: It is out of its range.
    """

    drain_timeout: float = 0.0

    def __init__(
        self,
        name: str,
        *,
        worker_count: int = 1,
        maxsize: int = 0,
        poll_interval: float = 0.5,
        initial_state: dict[str, Any] | None = None,
    ) -> None:
        require_count(worker_count, "worker_count", 1)
        super().__init__(name, {"queue_size": 0, "worker_count": worker_count, **(initial_state or {})})
        self.worker_count = worker_count
        self.poll_interval = poll_interval
        self.queue = ItemQueue(maxsize)
        self.error_count = 0
        # When `enqueue` gives others a turn, on `clock`; and how long each worker goes on without doing so: without a
        # wait in between all of them may follow one another.
        self._turn_due = -math.inf
        self._turn = _TURN / worker_count
        self._workers: list[Task] = []
        # Before the first start items are kept for it; after a stop they are refused until the next.
        self._was_stopped = False

    async def enqueue(self, item: Any, *, block: bool = False, timeout: float | None = None) -> bool:
        """
        Hand an item in.

        Other tasks have a turn first if the queue is full, or if none of these calls gave them one for a millisecond.

        Args:
            item: Anything. Not accepted if the caller is cancelled.
            block: If the queue is full, wait for room; who waits longest is the first to get it.
            timeout: How long to wait for room at most. Seconds; `None` for ever.

        Returns:
            Whether it was accepted: False if the queue is full.

        Raises:
            RuntimeError: The service was stopped, perhaps while this waited.
        """
        if self.queue.full() or clock() >= self._turn_due:
            await anyio.lowlevel.checkpoint()
            self._turn_due = clock() + _TURN
        else:
            # Where there is room the next item may come at once: workers with many items are far faster than with one.
            await anyio.lowlevel.checkpoint_if_cancelled()
        if not block:
            return self.enqueue_nowait(item)
        self._require_open()
        try:
            await self.queue.put(item, timeout)
        except Full:
            self._require_open()
            return False
        self._publish()
        return True

    def enqueue_nowait(self, item: Any) -> bool:
        """Hand an item in without waiting; see `enqueue`. Safe from every thread."""
        if self._phase != RUNNING:
            self._require_open()
        try:
            self.queue.put_nowait(item)
        except Full:
            return False
        self._publish()
        return True

    def pending_count(self) -> int:
        """How many items wait; those being worked on are not counted."""
        return self.queue.qsize()

    async def join(self) -> None:
        """Wait until all accepted items are done, or dropped. Not from `handle_item`, whose item is not done."""
        await self.queue.join()

    def handle_item(self, item: Any, /) -> Any:
        """Work on one item. Override it, plain or `async`. An error is logged and counted; the next item follows."""
        raise NotImplementedError(f"{type(self).__name__} must override handle_item(item)")

    def on_workers_started(self) -> Awaitable[None] | None:
        """Called after `on_start`, when the workers have been started. Override it, plain or `async`."""
        return None

    def on_workers_stopping(self) -> Awaitable[None] | None:
        """Called before `on_stop`, when the drain is over and no worker begins another item. Plain or `async`."""
        return None

    def health(self) -> dict[str, Any]:
        """That of `Service`, with ``queue_size``, ``worker_count`` and ``error_count``."""
        return super().health() | {
            "queue_size": self.pending_count(),
            "worker_count": self.worker_count,
            "error_count": self.error_count,
        }

    def _start_hooks(self) -> tuple[Callable[[], Any], ...]:
        return (*super()._start_hooks(), self._start_workers)

    def _stop_hooks(self) -> tuple[Callable[[], Any], ...]:
        return (self._stop_workers, *super()._stop_hooks())

    def _start_workers(self) -> Awaitable[None] | None:
        self._workers = [self.spawn(self._worker_loop, label=f"worker-{n + 1}") for n in range(self.worker_count)]
        return self.on_workers_started()

    async def _stop_workers(self) -> None:
        self._was_stopped = True
        self.queue.refuse()
        try:
            await self._drain()
        finally:
            if dropped := self.queue.drop():
                log.warning("%d items of %r were dropped by its stop", dropped, self.name)
                self._publish()
        await call(self.on_workers_stopping)

    async def _drain(self) -> None:
        # A worker that waits for this very stop finishes neither its item nor another.
        stuck = sum(map(waits_for_caller, self._workers))
        if self.drain_timeout > 0 and stuck < self.worker_count:
            with anyio.move_on_after(min(self.drain_timeout, time_left() * _DRAIN_SHARE)):
                await self.queue.join(stuck)

    async def _worker_loop(self) -> None:
        while True:
            item = await self.queue.get()
            try:
                await self._work(item)
            finally:
                self.queue.task_done()
            if not self.queue.empty():
                # Others have a turn, while no item is taken: one that was taken is worked on, whatever else happens.
                await anyio.lowlevel.checkpoint()

    async def _work(self, item: Any) -> None:
        """Work on *item*, and on those behind it until none waits or the turn is over."""
        task = Task.current()
        assert task is not None
        turn_ends = clock() + self._turn
        while True:
            self._publish()
            try:
                result = self.handle_item(item)
                if result is not None and isawaitable(result):
                    await result
            except Exception:
                self.error_count += 1
                log.exception("an item of %r failed", self.name)
            except anyio.get_cancelled_exc_class():
                log.warning("an item of %r was interrupted", self.name)
                raise
            if clock() >= turn_ends or task._cancelled:
                return
            item = self.queue.exchange()
            if item is NONE_WAITS:
                return

    def _require_open(self) -> None:
        if self._phase == STOPPING:
            raise RuntimeError(f"queue service {self.name!r} takes no items any more: it is being stopped")
        if self._phase == STOPPED and self._was_stopped:
            raise RuntimeError(f"queue service {self.name!r} was stopped and takes no items: start it again first")

    def _publish(self) -> None:
        """Tell the state how many items wait: whatever threads do meanwhile, the last to tell says the truth."""
        waiting = self.queue.waiting
        # Mostly nobody hears of it: then an item takes half as long without `set_state`, which takes a lock.
        if type(self).set_state is _SET_STATE:
            size = self.state["queue_size"] = len(waiting)
            if size == len(waiting) and not self._ledger.subscribers:
                return
        size = -1
        while size != len(waiting):
            size = len(waiting)
            self.set_state({"queue_size": size})
