"""Following something over time: a value that is polled, or a stream that is read, with retries."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable
from typing import Any, Self

import gevent
from gevent import Timeout
from gevent.event import Event as GeventEvent
from gevent.hub import get_hub, getcurrent

from specter._generators import closed_after
from specter.sansio.backoff import Backoff
from specter.sansio.callables import require_plain
from specter.sansio.errors import WatcherError as WatcherError
from specter.sansio.ownership import require_callable

# By this name tests of 0.1.x reach it.
from . import _time as time
from ._deadline import time_left
from ._waiting import kill_soon, waiting_for, waits_for_caller

logger = logging.getLogger("specter.core.watcher")

# What is less is this: for the interval, and for the wait before a retry if that is no wait at all. Seconds.
LEAST_INTERVAL = 0.1

# How long a stop waits for a source before it kills it. Seconds.
_STOP_TIMEOUT = 5.0

_SENTINEL = object()


class Watcher:
    """
    Calls *poll* again and again, or reads *stream*, and tells its subscribers what it finds.

    An error, and the end of a stream, is followed by a wait of 1 s, which doubles up to *max_backoff*, by chance up to
    a quarter shorter; what had worked for longer than its last wait begins at 1 s again. `WatcherError` ends it.

    Args:
        name: For logs and `health`.
        poll: A plain function without parameters. What it gives is the value, `None` too.
        stream: A plain function that gives an iterable of values; called for each try.
        interval: Between two polls. Seconds; less than 0.1 is 0.1.
        retry: Try again; else the first error, and the end of a stream, ends the watcher.
        max_backoff: No wait before a retry is longer. Seconds; 0 and less is 0.1.
        dedupe: Keep quiet about a value that equals the last one.
        transform: A plain function of each value; what it gives is told.

    Attributes:
        name: As given.

    Raises:
        ValueError: Not exactly one of *poll* and *stream*.
        TypeError: A function cannot be called, or is a coroutine function.
    """

    def __init__(
        self,
        name: str,
        *,
        poll: Callable[[], Any] | None = None,
        stream: Callable[[], Iterable[Any]] | None = None,
        interval: float = 5.0,
        retry: bool = True,
        max_backoff: float = 30.0,
        dedupe: bool = False,
        transform: Callable[[Any], Any] | None = None,
    ) -> None:
        if poll is not None and stream is not None:
            raise ValueError(f"[SPECTER:watcher] '{name}': provide poll OR stream, not both")
        source = poll if poll is not None else stream
        if source is None:
            raise ValueError(f"[SPECTER:watcher] '{name}': one of poll or stream is required")
        _require_function(source, f"poll or stream of watcher {name!r}")
        if transform is not None:
            _require_function(transform, f"transform of watcher {name!r}")
        self.name = name
        # One of them is None. Tests of applications put others in their place.
        self._poll_fn: Any = poll
        self._stream_fn: Any = stream
        self._interval = max(LEAST_INTERVAL, float(interval))
        self._retry = bool(retry)
        self._max_backoff = float(max_backoff) if max_backoff > 0 else LEAST_INTERVAL
        self._dedupe = bool(dedupe)
        self._transform = transform
        self._subscribers: list[Callable[[Any, Any], Any]] = []
        self._last_value: Any = _SENTINEL
        self._error_count = 0
        self._running = False
        # What watches; another one after a restart, and so is what ends it.
        self._greenlet: Any = None
        self._stop_event = GeventEvent()
        self._started_at: float | None = None
        # When the current try was last seen to work.
        self._specter_worked_at = 0.0

    def __repr__(self) -> str:
        return f"<Watcher '{self.name}' {self._specter_mode} {'running' if self._running else 'stopped'}>"

    @property
    def running(self) -> bool:
        """Whether it watches, or waits to try again."""
        return self._running

    @property
    def last_value(self) -> Any:
        """What was told last; `None` before the first value."""
        return None if self._last_value is _SENTINEL else self._last_value

    def subscribe(self, fn: Callable[[Any, Any], Any]) -> Callable[[], None]:
        """
        Call ``fn(value, watcher)`` for each value.

        Args:
            fn: A plain function. An error in it is logged.

        Returns:
            A plain function that ends the subscription.

        Raises:
            TypeError: *fn* cannot be called, or is a coroutine function.
        """
        _require_function(fn, "a subscriber")
        self._subscribers.append(fn)

        def unsubscribe() -> None:
            if fn in self._subscribers:
                self._subscribers.remove(fn)

        return unsubscribe

    def start(self) -> Self:
        """
        Begin to watch, in a greenlet of its own. Does nothing if it runs.

        Returns:
            The watcher.
        """
        if not self._running:
            self._running = True
            self._stop_event = GeventEvent()
            self._started_at = time.monotonic()
            self._greenlet = gevent.spawn(self._run)
            logger.debug("[SPECTER:watcher] '%s' started", self.name)
        return self

    def stop(self) -> Self:
        """
        End, and wait until poll or stream has ended. Does nothing if it is stopped.

        A source that goes on is killed after 5 s. From poll, stream or a subscriber it only asks for the end.
        Subscriptions stay; it can be started again.

        Returns:
            The watcher.
        """
        if self._running:
            self._running = False
            self._stop_event.set()
            greenlet, self._greenlet = self._greenlet, None
            # Who stops a service from poll or stream waits for that service: it must not wait for them in turn.
            if greenlet is not None and not greenlet.dead and not waits_for_caller(greenlet):
                _end(greenlet)
            logger.debug("[SPECTER:watcher] '%s' stopped", self.name)
        return self

    def teardown(self) -> Self:
        """The same as `stop`."""
        return self.stop()

    def health(self) -> dict[str, Any]:
        """``name, running, mode, error_count, uptime_seconds`` (since it was started) and ``subscribers`` (a count)."""
        uptime = 0.0 if self._started_at is None else time.monotonic() - self._started_at
        return {
            "name": self.name,
            "running": self._running,
            "mode": self._specter_mode,
            "error_count": self._error_count,
            "uptime_seconds": round(uptime, 1),
            "subscribers": len(self._subscribers),
        }

    @property
    def _specter_mode(self) -> str:
        return "stream" if self._poll_fn is None else "poll"

    def _run(self) -> None:
        stopped, backoff = self._stop_event, Backoff(self._max_backoff)
        try:
            while not stopped.is_set():
                began = self._specter_worked_at = time.monotonic()
                if not self._specter_try(stopped) or not self._retry or stopped.is_set():
                    return
                wait = backoff.next_wait(self._specter_worked_at - began, random.random())
                logger.info("[SPECTER:watcher] '%s' retrying in %.1fs", self.name, wait)
                stopped.wait(timeout=wait)
        finally:
            if stopped is self._stop_event:
                self._running = False

    def _specter_try(self, stopped: GeventEvent) -> bool:
        """Watch until that fails or ends. False if it ended for good."""
        try:
            if self._specter_mode == "poll":
                self._specter_poll(stopped)
            else:
                self._specter_read(stopped)
        except (Exception, Timeout) as error:
            self._error_count += 1
            if stopped.is_set():  # so end sources that a stop closes
                logger.debug("[SPECTER:watcher] '%s' error at its stop: %s", self.name, error, exc_info=True)
            elif isinstance(error, WatcherError):
                logger.error("[SPECTER:watcher] '%s' has ended for good: %s", self.name, error, exc_info=True)
            else:
                text = "[SPECTER:watcher] '%s' error (attempt %d): %s"
                logger.warning(text, self.name, self._error_count, error, exc_info=True)
                if not self._retry:
                    logger.error("[SPECTER:watcher] '%s' stopped (retry=False)", self.name)
            return not isinstance(error, WatcherError)
        return True

    def _specter_poll(self, stopped: GeventEvent) -> None:
        while not stopped.is_set():
            self._specter_observe(self._poll_fn())
            self._specter_worked_at = time.monotonic()
            stopped.wait(timeout=self._interval)

    def _specter_read(self, stopped: GeventEvent) -> None:
        try:
            source = self._stream_fn()
            with closed_after(source):
                for value in source:
                    if stopped.is_set():
                        return
                    self._specter_observe(value)
        finally:
            # A stream may be silent for hours and work all the same.
            self._specter_worked_at = time.monotonic()
        logger.info("[SPECTER:watcher] the stream of '%s' has ended", self.name)

    def _specter_observe(self, value: Any) -> None:
        if self._transform is not None:
            value = self._transform(value)
        if self._dedupe and self._last_value is not _SENTINEL and value == self._last_value:
            return
        self._last_value = value
        self._notify(value)

    def _notify(self, value: Any) -> None:
        """Call the subscribers. Tests of applications do so too, in place of poll or stream."""
        for fn in list(self._subscribers):
            try:
                fn(value, self)
            except (Exception, Timeout) as error:
                logger.warning("[SPECTER:watcher] '%s' subscriber error: %s", self.name, error, exc_info=True)


def _require_function(fn: Callable[..., Any], what: str) -> None:
    require_callable(fn, what)
    require_plain(fn, what)


def _end(greenlet: Any) -> None:
    """Wait for the end of a watch that was asked to end, for a bounded time, and kill it then."""
    if getcurrent() is get_hub():  # nothing can wait there
        kill_soon(greenlet)
        return
    try:
        with waiting_for(greenlet):
            greenlet.join(timeout=min(_STOP_TIMEOUT, time_left() / 2))
    except BaseException:
        kill_soon(greenlet)
        raise
    if not greenlet.dead:
        greenlet.kill()
