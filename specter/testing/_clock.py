"""
A virtual clock: time moves only when every task waits, and then at once to the next moment that one waits for.

A day of intervals takes milliseconds, moments are exact, and each run is like the other. While a child process, a
worker thread or the peer of a TCP socket is at work, time stands still.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import anyio

from specter._loop import Loop
from specter.sansio.duration import require_seconds


class Pacer(Protocol):
    """What moves the time of one event loop."""

    def time(self) -> float:
        """The time of the loop, in seconds."""
        ...

    async def settled(self) -> None:
        """Wait until every task waits and nobody outside is at work."""

    def end(self) -> None:
        """Make the time real."""


class VirtualClock:
    """
    The time of an event loop while it is virtual. Made by `virtual_time`.

    Works on asyncio and on trio.
    """

    def __init__(self, pacer: Pacer) -> None:
        self._pacer: Pacer | None = pacer
        self._began = self._now = pacer.time()

    def __repr__(self) -> str:
        return f"<VirtualClock {self.now:g} s{'' if self._pacer else ', ended'}>"

    @property
    def now(self) -> float:
        """How much time has passed since it was made virtual, in seconds. At its end it stops."""
        if self._pacer is not None:
            self._now = self._pacer.time()
        return round(self._now - self._began, 9)

    async def advance(self, seconds: float) -> None:
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
        await anyio.sleep(seconds)
        await self.settle()

    async def settle(self) -> None:
        """
        Wait until every task waits and nobody outside is at work. No time passes, unless that stands still in vain.

        Raises:
            RuntimeError: Time is real again.
        """
        await self._require_running().settled()

    def _require_running(self) -> Pacer:
        if self._pacer is None:
            raise RuntimeError("the virtual clock has ended: use it within `with virtual_time() as clock:`")
        return self._pacer

    def _end(self) -> None:
        self._now = self._require_running().time()
        self._pacer = None


@contextmanager
def virtual_time(*, patience: float = 1.0) -> Iterator[VirtualClock]:
    """
    Make the time of the running event loop virtual, as long as the block lasts. It then goes on from there.

    What goes by the clock of the loop goes by this one: `anyio.sleep` and deadlines, timers, watchers and caches of
    Specter, pings of Socket.IO. What reads `time.monotonic` or `time.time` itself does not.

    Time stands still while a child process, a worker thread of anyio, asyncio or trio, or the peer of a TCP socket is
    at work. One of which nothing is heard for the time of *patience* is named in the log, with the line that started
    it; then time goes on at the real rate until it has ended. A child that was there before, like a server for many
    tests, is then forgotten; under pytest, one of an earlier test is from the beginning. Threads that are made by hand
    are not seen.

    Args:
        patience: Seconds, real. ``math.inf`` to wait for as long as it takes.

    Raises:
        RuntimeError: No event loop runs; it is none of the harness (see `loop_factory`); or its time is virtual.
        TypeError: *patience* is no number.
        ValueError: It is less than 0.
    """
    if Loop.current() is None:
        raise RuntimeError("virtual time needs a running event loop: use `virtual_time` in an async function")
    pacer = _begin(patience)
    clock = VirtualClock(pacer)
    try:
        yield clock
    finally:
        clock._end()
        pacer.end()


def _begin(patience: float) -> Pacer:
    if Loop.is_trio():
        from . import _clock_trio

        return _clock_trio.begin(patience)
    from . import _clock_asyncio

    return _clock_asyncio.begin(patience)


def loop_factory() -> AbstractEventLoop:
    """
    Make an event loop of asyncio whose time can be made virtual. Until then it is an ordinary one.

    For ``asyncio.Runner(loop_factory=loop_factory)``. The moment at which its time begins means nothing.
    """
    from ._clock_asyncio import HarnessLoop

    return HarnessLoop()


def backend_options(name: str) -> dict[str, Any]:
    """
    Give what `anyio.run` and the fixture ``anyio_backend`` need for time that can be made virtual.

    Args:
        name: ``asyncio`` or ``trio``.

    Returns:
        The ``backend_options``; for one run, since on trio a clock is among them.

    Raises:
        ValueError: There is no such backend.
    """
    if name == "asyncio":
        return {"loop_factory": loop_factory}
    if name == "trio":
        from ._clock_trio import real_clock

        return {"clock": real_clock()}
    raise ValueError(f"unknown backend {name!r}: there are 'asyncio' and 'trio'")
