"""A blocking iterable, taken in a thread of its own, one item at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from contextvars import copy_context
from typing import Any, Self

import anyio

from ._generators import closed_after
from ._loop import Loop, LoopGone

log = logging.getLogger("specter.watcher")


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
        self._name = name
        self._loop = loop
        self._handed: list[Any] = []
        self._error: Exception | None = None
        # Set by the thread, through the loop, when there is an item or the end; and by the loop when that was taken.
        self._ready = anyio.Event()
        self._taken = threading.Event()
        self._ended = self._left = False

    def __enter__(self) -> Self:
        work = copy_context().run
        threading.Thread(target=work, args=(self._work,), name=self._name, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the thread to itself: it ends when the source lets it."""
        if not (self._ended or self._handed or self._ready.is_set()):
            log.warning("%s was stopped while its source blocks: the thread ends when the source returns", self._name)
        self._left = True
        self._taken.set()

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

    def _work(self) -> None:
        try:
            source = self._source()
            with closed_after(source):
                for item in source:
                    if not self._hand_over(item):
                        return
        except Exception as error:
            self._error = error
        finally:
            self._ended = True
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
