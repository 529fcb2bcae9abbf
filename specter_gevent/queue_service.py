"""A service with a queue, and workers that work it off."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from gevent.queue import Empty, Full, JoinableQueue

from .service import Service

log = logging.getLogger(__name__)


class QueueService(Service):
    """
    Items go in by `enqueue`, and each is given to `handle_item` by one of the workers, first in, first out.

    `on_start` starts the workers: a subclass that overrides it calls ``super().on_start()``.
    Items that are left at a stop, and those that come after it, are kept for the next start.

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
        drain_timeout: How long a stop goes on with the items it finds, before `on_stop`. Seconds.
    """

    drain_timeout: float = 0.0

    _hooks = (*Service._hooks, "handle_item", "on_workers_started", "on_workers_stopping")

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
        self.queue: JoinableQueue[Any] = JoinableQueue(maxsize or None)
        self.error_count = 0

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
            block: If the queue is full, wait for room.
            timeout: How long to wait for room at most. Seconds; `None` for ever.

        Returns:
            Whether it was accepted: False if the queue is full.
        """
        try:
            self.queue.put(item, block=block, timeout=timeout)
        except Full:
            return False
        self._publish()
        return True

    def enqueue_nowait(self, item: Any) -> bool:
        """Hand an item in without waiting; see `enqueue`."""
        return self.enqueue(item)

    def pending_count(self) -> int:
        """How many items wait; those being worked on are not counted."""
        return self.queue.qsize()

    def join(self) -> None:
        """Wait until all accepted items are done. Not from `handle_item`, whose item is not done."""
        self.queue.join()

    def handle_item(self, item: Any, /) -> Any:
        """Work on one item. Override it. An error is logged and counted; the next item follows."""
        raise NotImplementedError(f"{type(self).__name__}.handle_item() must be implemented")

    def on_workers_started(self) -> None:
        """Called when the workers have been started. Override it."""

    def on_workers_stopping(self) -> None:
        """Called by `on_stop`. Override it."""

    def _stop_hooks(self) -> tuple[Callable[[], Any], ...]:
        return (self._drain, *super()._stop_hooks())

    def _drain(self) -> None:
        if self.drain_timeout > 0 and not self.queue.join(timeout=self.drain_timeout):
            log.warning(
                "%d items of '%s' are left after %g s: the next start goes on with them",
                self.pending_count(),
                self.name,
                self.drain_timeout,
            )

    def _worker_loop(self) -> None:
        while self._running:
            try:
                item = self.queue.get(timeout=self.poll_interval)
            except Empty:
                continue
            try:
                self._publish()
                self.handle_item(item)
            except Exception as error:
                self.error_count += 1
                log.exception("[SPECTER] Queue worker error in '%s': %s", self.name, error)
            finally:
                self.queue.task_done()
                self._publish()

    def _publish(self) -> None:
        self.set_state({"queue_size": self.queue.qsize()})
