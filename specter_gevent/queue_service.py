"""A service that works on items, one after another or several at a time."""

from __future__ import annotations

import logging
from typing import Any

from gevent import getcurrent
from gevent.event import Event
from gevent.queue import Empty, Full, JoinableQueue

from ._deadline import time_left
from ._limit import within
from ._waiting import waits_for_caller
from .service import Service

logger = logging.getLogger("specter.core.queue_service")

# Of the time that a stop gives its first step, so that what the drain leaves behind is still counted.
_DRAIN_SHARE = 0.9


class QueueService(Service):
    """
    Items go in by `enqueue`, and each is given to `handle_item` by one of the workers, first in, first out.

    Override `handle_item`. Workers are started by `on_start`: a subclass that overrides it calls
    ``super().on_start()``. What waits at a stop, and what comes after it, is kept for the next start.

    Args:
        name: As of `Service`.
        worker_count: How many items are worked on at a time; less than 1 counts as 1.
        maxsize: How many items may wait; 0 for any number.
        poll_interval: How long a worker waits for an item before it looks whether the service still runs. Seconds; less
            than 0.05 counts as 0.05.
        initial_state: As of `Service`; the state has ``queue_size`` and ``worker_count`` besides.

    Attributes:
        worker_count: As it counts.
        poll_interval: As it counts.
        queue: The items that wait: a `gevent.queue.JoinableQueue`.
        error_count: How many items failed so far.
        drain_timeout: How long a stop goes on with the items it finds, before `on_stop`. Seconds, and never more than
            half of `stop_timeout`; what is left then is dropped, which the log says. With 0, all is kept.
    """

    drain_timeout: float = 0.0

    _specter_hooks = (
        *Service._specter_hooks, "handle_item", "on_workers_started", "on_workers_stopping", "_worker_loop",
    )  # fmt: skip

    _specter_stop_hooks = ("_specter_drain", *Service._specter_stop_hooks)

    def __init__(
        self,
        name: str,
        *,
        worker_count: int = 1,
        maxsize: int = 0,
        poll_interval: float = 0.5,
        initial_state: dict[str, Any] | None = None,
    ) -> None:
        self.worker_count = max(1, int(worker_count or 1))
        super().__init__(name, {"queue_size": 0, "worker_count": self.worker_count, **(initial_state or {})})
        self.poll_interval = max(0.05, float(poll_interval or 0.5))
        # None for any number: 0 is that too, but gevent warns of it.
        self.queue: JoinableQueue[Any] = JoinableQueue(maxsize=maxsize or None)
        self.error_count = 0
        # Workers that have an item; and what is set when one is done with it, while a stop waits for that.
        self._specter_working: set[Any] = set()
        self._specter_item_done: Event | None = None

    def on_start(self) -> None:
        """Start the workers, and call `on_workers_started`."""
        for number in range(self.worker_count):
            self.spawn(self._worker_loop, label=f"worker-{number + 1}")
        self.on_workers_started()

    def on_stop(self) -> None:
        """Call `on_workers_stopping`."""
        self.on_workers_stopping()

    def enqueue(self, item: Any, *, block: bool = False, timeout: float | None = None) -> bool:
        """
        Hand an item in.

        Args:
            item: Anything.
            block: If the queue is full, wait for room; who waits longest is the first to get it.
            timeout: How long to wait for room at most. Seconds; `None` for ever.

        Returns:
            Whether it was accepted: False if the queue is full.
        """
        try:
            self.queue.put(item, block=block, timeout=timeout)
        except Full:
            return False
        self._specter_publish()
        return True

    def enqueue_nowait(self, item: Any) -> bool:
        """Hand an item in without waiting; see `enqueue`."""
        return self.enqueue(item)

    def pending_count(self) -> int:
        """How many items wait; those being worked on are not counted."""
        return self.queue.qsize()

    def join(self) -> None:
        """Wait until all accepted items are done, or dropped. Not from `handle_item`, whose item is not done."""
        self.queue.join()

    def handle_item(self, item: Any, /) -> Any:
        """Work on one item. Override it. An error is logged and counted; the next item follows."""
        raise NotImplementedError(f"{type(self).__name__}.handle_item() must be implemented")

    def on_workers_started(self) -> None:
        """Called by `on_start`, when the workers have been started. Override it."""

    def on_workers_stopping(self) -> None:
        """Called by `on_stop`, when the drain is over. Override it."""

    def _specter_drain(self) -> None:
        if self.drain_timeout <= 0:
            return
        # A worker that waits for this very stop finishes neither its item nor another.
        stuck = sum(map(waits_for_caller, self._specter_working))
        try:
            if stuck < self.worker_count:
                with within(min(self.drain_timeout, time_left() * _DRAIN_SHARE)):
                    self._specter_wait_until_done(stuck)
        finally:
            if dropped := self._specter_drop():
                logger.warning("%d items of '%s' were dropped by its stop", dropped, self.name)
                self._specter_publish()

    def _specter_wait_until_done(self, stuck: int) -> None:
        if not stuck:
            self.queue.join()
            return
        self._specter_item_done = Event()
        while self.queue.unfinished_tasks > stuck:  # pyright: ignore[reportOperatorIssue]
            self._specter_item_done.clear()
            self._specter_item_done.wait()

    def _specter_drop(self) -> int:
        dropped = 0
        while True:
            try:
                self.queue.get_nowait()
            except Empty:
                return dropped
            self.queue.task_done()
            dropped += 1

    def _worker_loop(self) -> None:
        while self.running:
            try:
                item = self.queue.get(timeout=self.poll_interval)
            except Empty:
                continue
            self._specter_working.add(getcurrent())
            try:
                self._specter_publish()
                self.handle_item(item)
            except Exception as error:
                self.error_count += 1
                logger.error("[SPECTER] Queue worker error in '%s': %s", self.name, error, exc_info=True)
            finally:
                self._specter_end_item()
                self._specter_publish()

    def _specter_end_item(self) -> None:
        self._specter_working.discard(getcurrent())
        try:
            self.queue.task_done()
        except (AttributeError, ValueError) as error:
            # A subclass may have put another queue in the place of ours, or have called it for the item itself.
            logger.debug("an item of '%s' was not marked as done: %s", self.name, error)
        if self._specter_item_done is not None:
            self._specter_item_done.set()

    def _specter_publish(self) -> None:
        self.set_state({"queue_size": self.queue.qsize()})
