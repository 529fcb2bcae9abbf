"""Being told when a hub has run something, before it waits for what comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent


@contextmanager
def told_of_settling(tell: Callable[[], object]) -> Iterator[None]:
    """
    Have *tell* called when all that could run has run, before the hub waits.

    Args:
        tell: A plain function, called in the hub. It may have something run.
    """
    loop: Any = gevent.get_hub().loop
    if type(loop).__module__.startswith("gevent.libuv"):
        settling: Any = _Settling(loop)
    else:
        # Of the lowest priority: the callbacks of gevent come first, which run from such a watcher too.
        settling = loop.prepare(ref=False, priority=loop.MINPRI)
    settling.start(tell)
    try:
        yield
    finally:
        settling.stop()
        settling.close()


class _Settling:
    """
    What a prepare watcher of libev's loop does, on libuv's: gevent refuses to make one there.

    After each turn of the loop a callback is queued; behind those that were queued before, and again behind those that
    come meanwhile, unless they go on for a whole turn.
    """

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self._turned = loop.check(ref=False)
        self._queued: Any = None

    def start(self, tell: Callable[[], object]) -> None:
        """Tell, from now on."""
        self._tell = tell
        self._turned.start(self._see)
        self._queue()

    def stop(self) -> None:
        """Tell no more."""
        self._turned.stop()
        if self._queued is not None:
            self._queued.stop()

    def close(self) -> None:
        """Let go of what the loop has for it."""
        self._turned.close()

    def _queue(self) -> None:
        self._queued = self._loop.run_callback(self._settle)

    def _see(self) -> None:
        if self._queued is None:
            self._queue()
        else:
            self._tell()

    def _settle(self) -> None:
        # One that looks does not count: two of them would never come to rest.
        if any(getattr(queued.callback, "__func__", None) is not _Settling._settle for queued in self._loop._callbacks):
            self._queue()
            return
        self._queued = None
        self._tell()
