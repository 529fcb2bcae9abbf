"""A blocking iterable, taken in a thread of its own, one item at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from contextvars import copy_context
from typing import Any, Self

import anyio
import anyio.to_thread

from ._generators import closed_after
from ._loop import Loop, LoopGone

log = logging.getLogger("specter.watcher")

# Seconds, real ones: a source that gives nothing back for so long counts as one that blocks; and how long it may then
# take to close. Together less than `Watcher.stop` waits, so that it is told here what it waited for.
_PATIENCE = 0.5
_CLOSE_TIMEOUT = 4.0


class ThreadedItems:
    """
    An async iterator over what a blocking iterable gives.

    The thread asks for the next item when the last one was taken. It is a daemon: a source that blocks for ever keeps
    neither a stop nor the end of the program, which is why it is none of anyio's worker threads.

    Args:
        source: Called in the thread.
        name: Of the thread, for logs.
    """

    def __init__(self, source: Callable[[], Iterable[Any]], name: str) -> None:
        loop = Loop.current()
        assert loop is not None
        self._source = source
        self._loop = loop
        self._handed: list[Any] = []
        self._error: Exception | None = None
        # Set by the thread, through the loop, when there is an item or the end; and by the loop when that was taken.
        self._ready = anyio.Event()
        self._taken = threading.Event()
        # Set when nothing more is asked of the source: it is closed, or has ended.
        self._closing = threading.Event()
        self._ended = self._left = False
        run = copy_context().run
        self._thread = threading.Thread(target=run, args=(self._work,), name=name, daemon=True)

    async def __aenter__(self) -> Self:
        self._thread.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """Wait until the thread has ended. One whose source blocks is left to itself: it ends when that returns."""
        self._left = True
        self._taken.set()
        if self._ended or kind is GeneratorExit:  # or the task is thrown away with its event loop
            return
        with anyio.CancelScope(shield=True):
            # A virtual clock stands still for it. A limiter of its own: in the default one there may be no room.
            await anyio.to_thread.run_sync(self._wait_for_end, limiter=anyio.CapacityLimiter(1))
        if not self._ended:
            name = self._thread.name
            log.warning("%s was stopped while its source blocks: the thread ends when the source returns", name)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        await self._ready.wait()
        if not self._handed:
            if self._error is not None:
                raise self._error
            raise StopAsyncIteration
        self._ready = anyio.Event()
        item = self._handed.pop()
        self._taken.set()
        return item

    def _wait_for_end(self) -> None:
        if self._closing.wait(_PATIENCE):
            self._thread.join(_CLOSE_TIMEOUT)

    def _work(self) -> None:
        try:
            source = self._source()
            with closed_after(source):
                for item in source:
                    if not self._hand_over(item):
                        break
                self._closing.set()
        except Exception as error:
            self._error = error
        finally:
            self._ended = True
            self._closing.set()
            self._wake()

    def _hand_over(self, item: Any) -> bool:
        """Give the loop an item and wait until it was taken. False if nobody will."""
        self._taken.clear()
        if self._left:
            return False
        self._handed.append(item)
        if not self._wake():
            return False
        self._taken.wait()
        return not self._left

    def _wake(self) -> bool:
        try:
            self._loop.soon(self._ready.set)
        except LoopGone:
            return False
        return True
