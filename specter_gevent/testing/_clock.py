"""
A virtual clock: time moves only when every greenlet waits, and then at once to the next moment that one waits for.

A day of intervals takes milliseconds, moments are exact, and each run is like the other. While a child process, a
thread of gevent's pool or the peer of a TCP socket is at work, time stands still.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from threading import get_native_id
from typing import Any

import gevent.socket
import gevent.subprocess
from gevent.hub import Waiter, get_hub, sleep
from gevent.threadpool import ThreadPool

from specter._testing.children import note_children
from specter._testing.sockets import note_sockets
from specter.sansio.duration import require_seconds
from specter_gevent import _time
from specter_gevent._clock import clock_here

from ._clock_loop import VirtualLoop

_WRONG_LOOP = """\
virtual time needs gevent's libev loop; of this one the time cannot be moved: {loop!r}
Take GEVENT_LOOP out of the environment, or set it to libev-cext."""

_TWICE = "time is virtual already on this hub: use the clock of the `virtual_time` around, or leave that first"


class VirtualClock:
    """
    The time of a hub while it is virtual. Made by `virtual_time`.
    """

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop: VirtualLoop | None = loop
        self._began = self._now = loop.now()

    def __repr__(self) -> str:
        return f"<VirtualClock {self.now:g} s{'' if self._loop else ', ended'}>"

    @property
    def now(self) -> float:
        """How much time has passed since it was made virtual, in seconds. At its end it stops."""
        if self._loop is not None:
            self._now = self._loop.now()
        return round(self._now - self._began, 9)

    def advance(self, seconds: float) -> None:
        """
        Let time pass, and everything happen that is due until then, and all that follows from it at that moment.

        Args:
            seconds: 0 or more.

        Raises:
            RuntimeError: Time is real again.
            TypeError: *seconds* is no number.
            ValueError: It is less than 0, or not finite.
        """
        require_seconds(seconds, "the time to advance", least=0)
        self._require_running()
        sleep(seconds)
        self.settle()

    def settle(self) -> None:
        """
        Wait until every greenlet waits and nobody outside is at work. No time passes, unless that stands still in vain.

        Raises:
            RuntimeError: Time is real again.
        """
        waiter: Waiter[None] = Waiter(get_hub())
        self._require_running().wake_when_settled(partial(waiter.switch, None))
        waiter.get()

    def _require_running(self) -> VirtualLoop:
        if self._loop is None:
            raise RuntimeError("the virtual clock has ended: use it within `with virtual_time() as clock:`")
        return self._loop

    def _end(self) -> None:
        self._now = self._require_running().now()
        self._loop = None


@contextmanager
def virtual_time(*, patience: float = 1.0) -> Iterator[VirtualClock]:
    """
    Make the time of the hub of this thread virtual, as long as the block lasts. It then goes on from there.

    What waits in gevent goes by this clock, patched or not: `gevent.sleep` and `gevent.Timeout`, locks, queues and
    sockets with a timeout; and timers, watchers and caches of Specter. What reads `time.monotonic` or `time.time`
    itself does not, nor does what has begun to wait before. Timers of services do so in any case.

    Time stands still while a child process, a thread of gevent's pool, or the peer of a TCP socket is at work. One of
    which nothing is heard for the time of *patience* is named in the log, with the line that started it; then time
    goes on at the real rate until it has ended. A child that was there before, like a server for many tests, is then
    forgotten; under pytest, one of an earlier test is from the beginning. Threads that are made by hand are not seen.

    Args:
        patience: Seconds, real. ``math.inf`` to wait for as long as it takes.

    Raises:
        RuntimeError: The time of the hub is virtual, or its loop is not libev's.
        TypeError: *patience* is no number.
        ValueError: It is less than 0.
    """
    hub: Any = get_hub()
    loop = _begin(hub, patience)
    clock = VirtualClock(loop)
    try:
        yield clock
    finally:
        clock._end()
        _end(hub, loop)


def _begin(hub: Any, patience: float) -> VirtualLoop:
    if isinstance(hub.loop, VirtualLoop):
        raise RuntimeError(_TWICE)
    if not (isinstance(hub.loop, hub.loop_class) and type(hub.loop).__module__.startswith("gevent.libev")):
        raise RuntimeError(_WRONG_LOOP.format(loop=hub.loop))
    _note_work()
    timers = clock_here()
    # At a whole second: so that what is computed from it is the same in each run.
    loop = VirtualLoop(hub.loop, float(math.ceil(timers.now())), patience)
    _time.moved[get_native_id()] = loop.now
    hub.loop = loop
    timers.move_to(loop)
    return loop


def _end(hub: Any, loop: VirtualLoop) -> None:
    timers = clock_here()
    hub.loop = loop.real
    loop.end()
    timers.move_to(loop.real)


def _note_work() -> None:
    """Note from now on who is at work. Done once: it stays so."""
    note_children()
    note_children(gevent.subprocess.Popen)
    note_sockets()
    note_sockets(gevent.socket.socket)
    if not hasattr(ThreadPool.spawn, "__wrapped__"):
        ThreadPool.spawn = _counted(ThreadPool.spawn)  # type: ignore[method-assign]


def _counted(spawn: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(spawn)
    def counted(self: ThreadPool, func: Callable[..., Any], *args: Any, **options: Any) -> Any:
        loop = self.hub.loop
        if not isinstance(loop, VirtualLoop):
            return spawn(self, func, *args, **options)
        result = spawn(self, func, *args, **options)
        result.rawlink(loop.work.begin(func).end)
        return result

    return counted
