"""Following something over time: a value that is polled, or a stream that is read, with retries."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from inspect import isasyncgen
from typing import Any, Self

import anyio
import anyio.lowlevel

from ._calls import call, is_coroutine_function
from ._deadline import time_left
from ._delivery import Subscriber
from ._generators import closed_after
from ._shield import Undisturbed
from ._waiting import waiting_for, waits_for_caller
from ._watcher_threads import ThreadedItems
from .runtime import Runtime
from .sansio.backoff import Backoff
from .sansio.duration import require_seconds
from .sansio.errors import WatcherError
from .sansio.ownership import require_callable
from .sansio.service import checked_name
from .task import Task

log = logging.getLogger(__name__)

LEAST_INTERVAL = 0.1

# How long a stop waits for a source that goes on although it was cancelled. Seconds.
_STOP_TIMEOUT = 5.0

_NOTHING = object()

_NO_RUNTIME = """\
watcher {!r} cannot start: there is no runtime around it. Start it
    in a service: await self.own(watcher).start(), or
    inside async with Runtime(): ..., or of a manager"""


class Watcher:
    """
    Calls *poll* again and again, or reads *stream*, and tells its subscribers what it finds.

    An error, and the end of a stream, is followed by a wait of 1 s, which doubles up to *max_backoff*, by chance up to
    a quarter shorter; what had worked for longer than its last wait begins at 1 s again. `WatcherError` ends it.

    Args:
        name: For logs and `health`.
        poll: Plain or a coroutine function without parameters. What it gives is the value, `None` too.
        stream: Plain or a coroutine function that gives an iterable or async iterable of values; called for each try.
        interval: Between two polls. Seconds, 0.1 or more.
        retry: Try again; else the first error, and the end of a stream, ends the watcher.
        max_backoff: No wait before a retry is longer. Seconds, more than 0.
        dedupe: Keep quiet about a value that equals the last one.
        transform: Plain or a coroutine function of each value; what it gives is told.
        threaded: Run *poll*, or *stream* and its iterable, in a thread: for sources that block.

    Attributes:
        name: As given.

    Raises:
        ValueError: Not exactly one of *poll* and *stream*, or a number out of its range.
        TypeError: *name* is no non-empty string, a function cannot be called, a time is no number, or *threaded* with a
            coroutine function.
    """

    def __init__(
        self,
        name: str,
        *,
        poll: Callable[[], Any] | None = None,
        stream: Callable[[], Any] | None = None,
        interval: float = 5.0,
        retry: bool = True,
        max_backoff: float = 30.0,
        dedupe: bool = False,
        transform: Callable[[Any], Any] | None = None,
        threaded: bool = False,
    ) -> None:
        source = poll if poll is not None else stream
        if source is None or (poll is not None and stream is not None):
            raise ValueError(
                f"watcher {name!r} needs either poll or stream, got {'none' if source is None else 'both'}"
            )
        require_callable(source, f"poll or stream of watcher {name!r}")
        if transform is not None:
            require_callable(transform, f"transform of watcher {name!r}")
        if threaded and is_coroutine_function(source):
            raise TypeError(f"watcher {name!r}: threaded=True is for sources that block, got a coroutine function")
        require_seconds(interval, f"interval of watcher {name!r}", LEAST_INTERVAL)
        require_seconds(max_backoff, f"max_backoff of watcher {name!r}")
        self.name = checked_name(name, "watcher")
        self._source: Callable[[], Any] = source
        self._mode = "poll" if poll is not None else "stream"
        self._interval = interval
        self._retry = retry
        self._max_backoff = max_backoff
        self._dedupe = dedupe
        self._transform = transform
        self._threaded = threaded
        self._subscribers: list[Subscriber] = []
        self._last_value: Any = _NOTHING
        self._error_count = 0
        # The task that watches; another one after a restart.
        self._task: Task | None = None
        # When the current try was last seen to work, on the clock of the loop.
        self._worked_at = 0.0

    def __repr__(self) -> str:
        return f"<Watcher {self.name!r} {self._mode} {'running' if self.running else 'stopped'}>"

    @property
    def running(self) -> bool:
        """Whether it watches, or waits to try again."""
        return self._task is not None and not self._task.done

    @property
    def last_value(self) -> Any:
        """What was told last; `None` before the first value."""
        return None if self._last_value is _NOTHING else self._last_value

    def subscribe(self, fn: Callable[[Any, Any], Any]) -> Callable[[], None]:
        """
        Call ``fn(value, watcher)`` for each value.

        Args:
            fn: Plain or a coroutine function; the latter hears one value at a time, in a task of the runtime. An error
                in it is logged.

        Returns:
            A plain function that ends the subscription.
        """
        require_callable(fn, "a subscriber")
        subscriber = Subscriber(fn)
        self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)
                subscriber.close()

        return unsubscribe

    async def start(self) -> Self:
        """
        Begin to watch, in a task of the runtime around the caller. Does nothing if it runs.

        Returns:
            The watcher.

        Raises:
            RuntimeError: There is no runtime.
        """
        if not self.running:
            runtime = Runtime.current()
            if runtime is None:
                raise RuntimeError(_NO_RUNTIME.format(self.name))
            self._runtime = runtime
            self._task = runtime.start_task(self._run, label=f"watcher {self.name}")
        return self

    async def stop(self) -> Self:
        """
        End, and wait until poll or stream has ended. Does nothing if it is stopped.

        A source that blocks in a thread for half a second is left to itself, which the log says. From poll or stream
        itself it only asks for the end. Subscriptions stay; it can be started again. A caller that is cancelled hears
        of it when it has waited.

        Returns:
            The watcher.
        """
        task, self._task = self._task, None
        if task is None or task is Task.current():
            return self
        task.cancel()
        # Who stops a service from poll or stream waits for that service: it must not wait for them in turn.
        if not waits_for_caller(task):
            undisturbed = Undisturbed()
            until = anyio.current_time() + min(_STOP_TIMEOUT, time_left())
            with waiting_for(task):
                ended = await undisturbed.wait([task._ending()], until)
            if not ended:
                log.error("watcher %r did not end, waits at %s", self.name, task.where())
            undisturbed.go_on()
        return self

    async def teardown(self) -> Self:
        """The same as `stop`."""
        return await self.stop()

    def health(self) -> dict[str, Any]:
        """``name, running, mode, error_count, uptime_seconds`` (since it was started) and ``subscribers`` (a count)."""
        return {
            "name": self.name,
            "running": self.running,
            "mode": self._mode,
            "error_count": self._error_count,
            "uptime_seconds": round(self._uptime(), 1),
            "subscribers": len(self._subscribers),
        }

    def _uptime(self) -> float:
        if self._task is None or self._task.done:
            return 0.0
        now: float = self._runtime._loop.run(anyio.current_time)
        return now - self._task.since

    def _goes_on(self) -> bool:
        """Whether the task that asks is the one that watches."""
        return self._task is not None and self._task is Task.current()

    async def _run(self) -> None:
        backoff = Backoff(self._max_backoff)
        while self._goes_on():
            began = self._worked_at = anyio.current_time()
            if not await self._try() or not self._retry or not self._goes_on():
                return
            wait = backoff.next_wait(self._worked_at - began, random.random())
            log.debug("watcher %r tries again in %.2f s", self.name, wait)
            await anyio.sleep(wait)

    async def _try(self) -> bool:
        """Watch until that fails or ends. False if it ended for good."""
        try:
            await (self._poll() if self._mode == "poll" else self._read())
        except WatcherError:
            self._error_count += 1
            log.exception("watcher %r has ended for good", self.name)
            return False
        except Exception:
            self._error_count += 1
            log.exception("watcher %r failed%s", self.name, "" if self._retry else ", and has ended")
        return True

    async def _poll(self) -> None:
        while self._goes_on():
            await self._observe(await self._ask())
            self._worked_at = anyio.current_time()
            await anyio.sleep(self._interval)

    async def _ask(self) -> Any:
        if not self._threaded:
            return await call(self._source)
        async with ThreadedItems(lambda: [self._source()], f"watcher {self.name}") as answers:
            return [answer async for answer in answers][0]

    async def _read(self) -> None:
        try:
            if self._threaded:
                async with ThreadedItems(self._source, f"watcher {self.name}") as items:
                    await self._follow(items)
            else:
                await self._follow(await call(self._source))
        finally:
            # A stream may be silent for hours and work all the same.
            self._worked_at = anyio.current_time()
        log.info("the stream of watcher %r has ended", self.name)

    async def _follow(self, source: Iterable[Any] | AsyncIterable[Any]) -> None:
        values = source if isinstance(source, AsyncIterable) else _taken_here(source)
        leaving: AbstractAsyncContextManager[Any] = aclosing(values) if isasyncgen(values) else nullcontext()
        async with leaving:
            async for value in values:
                await self._observe(value)
                if not self._goes_on():
                    return

    async def _observe(self, value: Any) -> None:
        if self._transform is not None:
            value = await call(self._transform, value)
        if not self._goes_on() or (self._dedupe and self._last_value is not _NOTHING and value == self._last_value):
            return
        self._last_value = value
        for subscriber in list(self._subscribers):
            subscriber.notify(value, self)


async def _taken_here(source: Iterable[Any]) -> AsyncIterator[Any]:
    """The items of a plain iterable; the event loop has its turn after each."""
    with closed_after(source):
        for item in source:
            yield item
            await anyio.lowlevel.checkpoint()
