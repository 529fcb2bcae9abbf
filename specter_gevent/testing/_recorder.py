"""Recording the events of a bus."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from gevent.event import Event

from specter._testing.recorded import Recorded, Records, require_bus
from specter.sansio.listeners import Tap
from specter_gevent._limit import within
from specter_gevent.event_bus import EventBus


def record(bus: EventBus, pattern: str = "*") -> Recorder:
    """
    Record the events of a bus from now on: ``with record(bus, "media:*") as recorder: ...``.

    Args:
        bus: As it is: `specter.bus` within `isolated` is that of the test.
        pattern: A name, or a prefix and ``:*``; all events if not given.

    Returns:
        A context manager, at whose end recording ends.

    Raises:
        TypeError: *bus* is no `EventBus`, or *pattern* no non-empty string.
    """
    return Recorder(bus, pattern)


class Recorder(Records):
    """
    The events of a bus, in the order in which they were emitted. Made by `record`.

    It hears each event before the listeners do, and is none itself: `EventBus.listener_count` does not count it.
    """

    def __init__(self, bus: EventBus, pattern: str) -> None:
        super().__init__(pattern)
        require_bus(bus, pattern)
        self._waiting: list[Event] = []
        self._lock, self._listeners = bus._lock, bus._listeners
        self._tap: Tap[None] = Tap(pattern, self._hear, lambda fn: None)
        with self._lock:
            self._listeners.add_tap(self._tap)

    def __repr__(self) -> str:
        return f"<Recorder {self._pattern!r}, {len(self._kept)} events>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def wait_for(self, name: str, timeout: float | None = None) -> Any:
        """
        Wait until an event was recorded, now or before.

        Args:
            name: Of the event, or a prefix and ``*``.
            timeout: Seconds; `None` waits for ever.

        Returns:
            The data of the first such event since the recorder was made, or cleared.

        Raises:
            TimeoutError: There was none in time; names those that there were.
        """
        with within(timeout):
            while (found := self._first(name)) is None:
                came = Event()
                self._waiting.append(came)
                try:
                    came.wait()
                finally:
                    self._waiting.remove(came)
            return found.data
        raise TimeoutError(self._missed(name, timeout))

    def close(self) -> None:
        """End recording. What was recorded stays; twice is harmless."""
        with self._lock:
            self._listeners.remove_tap(self._tap)

    def _hear(self, name: str, data: Any) -> None:
        self._kept.append(Recorded(name, data))
        for came in self._waiting:
            came.set()
