"""
asyncio's event loop with a time that can be made virtual.

Its selector is where the loop would sleep. Instead of that, virtual time moves::

    select(timeout) ── something is ready ──────────────> as always
                    ── somebody waits for the others ───> wakes them: all that could run has run
                    ── nobody outside is at work ───────> now += timeout
                    ── somebody is ─────────────────────> a real wait, see `sansio.pace`

Who is at work is asked before the selector is: what ends in between is ready then.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from time import monotonic
from typing import Any

from specter._testing.children import children, note_children
from specter._testing.sockets import note_sockets, sockets
from specter._testing.work import LOOK, Job, Work
from specter.sansio.pace import Move, Pace

from ._clock_doors import TWICE, open_doors

_WRONG_LOOP = """\
virtual time needs an event loop of the harness; of this one the time cannot be moved: {loop}
    asyncio.run(main())    # wrong
    asyncio.Runner(loop_factory=specter.testing.loop_factory).run(main())
Under pytest, the plugin gives such a loop to tests. Where the fixture `anyio_backend` asks for one of its own, take \
`use_uvloop` or `loop_factory` out of it. To tests of pytest-asyncio (1.4 or newer) the project gives one, in its \
conftest.py:
    import specter.testing

    def pytest_asyncio_loop_factories(config, item):
        return {{"harness": specter.testing.loop_factory}}"""

# To ask the selector takes longer than all else. While nothing can be ready there but what wakes the loop itself, from
# threads and signals, so many jumps are made for each time.
_JUMPS = 64

# The time of a new loop, in seconds. More than the day that asyncio waits at most in one go: the difference of two
# moments of which one is at most twice the other is exact, so time comes to the very moment that is waited for.
_EPOCH = 131072.0

# Moments are sums of floats. Time is rounded to this part of a second, so that it comes to 0.3 after 0.1 and 0.2, and
# after a day of tenths of a second to a day.
_GRID = 1e8

# What is due within that counts as due, in seconds. After 194 days, the nanosecond of other loops is less than the
# distance to the next float, and they would ask for ever whether it is that moment already.
_RESOLUTION = 1e-6


class AsyncioWork(Work):
    """What is at work for one loop of asyncio."""

    def begin(self, fn: Callable[..., Any], limiter: Any = None) -> Job:
        """Count a call that is handed to a worker thread, which it gets with a token of *limiter*."""
        if limiter is None:
            return Job(self, fn)
        task = asyncio.current_task()
        return Job(self, fn, lambda: task in limiter.statistics().borrowers)


class PacedSelector(selectors.DefaultSelector):
    """
    A selector that waits as always, or instead of that moves a virtual time.

    Attributes:
        now: The virtual time, in seconds.
        pace: Its rule; `None` while the time is real.
        work: Who is at work outside.
        waking: To be called when all that can run has run.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = _EPOCH
        self.pace: Pace | None = None
        self.work = AsyncioWork()
        self._jobs, self._children, self._sockets = self.work.jobs, children.notes, sockets.notes
        self.waking: list[Callable[[], object]] = []
        self._began = monotonic() - _EPOCH
        # How many more to make before the selector is asked.
        self._jumps = 0

    def time(self) -> float:
        """The time of the loop, virtual or real, in seconds. Never goes back."""
        return self.now if self.pace is not None else monotonic() - self._began

    def make_virtual(self, patience: float) -> None:
        """Begin to move the time, at a whole second: so that what is computed from it is the same in each run."""
        pace = Pace(patience)
        self.now = float(math.ceil(self.time()))
        self.pace = pace
        self.work.began = monotonic()

    def make_real(self) -> None:
        """Go on from here with the real time."""
        self.pace = None
        self._began = monotonic() - self.now
        self._wake()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Wait for a file as well from now on."""
        self._jumps = 0
        return super().register(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for files, as every selector; in virtual time, move that if none is ready."""
        if self.pace is None:
            return super().select(timeout)
        if self._jumps and timeout is not None and not (self.waking or self._jobs or self._children or self._sockets):
            self._jumps -= 1
            if timeout > 0:
                self._move(timeout)
            return []
        self._jumps = _JUMPS if len(self.get_map()) == 1 else 0
        if timeout is not None and timeout <= 0:
            if ready := super().select(0):
                self.work.hear()
            return ready
        return self._select(self.pace, timeout)

    def _select(self, pace: Pace, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        while True:
            move = self.work.next_move(pace)
            began = monotonic()
            ready = super().select(0 if move is Move.JUMP else LOOK if timeout is None else min(LOOK, timeout))
            if move is Move.FLOW:
                took = monotonic() - began
                self.now += took if timeout is None else min(took, timeout)
            if ready:
                pace.hear(monotonic())
                self.work.hear()
                return ready
            if move is not Move.STAND:
                break
        if self.waking:
            self._wake()
        elif move is Move.JUMP:
            if timeout is None:  # nobody waits for a moment
                return super().select()
            self._move(timeout)
        return []

    def _move(self, seconds: float) -> None:
        exact = self.now + seconds
        moment = int(exact * _GRID + 0.5) / _GRID
        # Who is called a hair too early, and asks the clock, waits again, and is called at the exact moment then.
        self.now = moment if moment > self.now else exact

    def _wake(self) -> None:
        waking, self.waking = self.waking, []
        for wake in waking:
            wake()


class HarnessLoop(asyncio.SelectorEventLoop):
    """
    An ordinary event loop, but that its time can be made virtual.

    Attributes:
        paced: Its selector, where that is done.
    """

    def __init__(self) -> None:
        self.paced = PacedSelector()
        super().__init__(self.paced)
        self._clock_resolution = _RESOLUTION
        note_children()
        note_sockets()
        open_doors("asyncio", _work_here)

    def time(self) -> float:
        """The time, virtual or real, in seconds."""
        paced = self.paced
        return paced.now if paced.pace is not None else paced.time()

    def run_in_executor(  # type: ignore[override]  # mypy wants the same type variables
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """The same as on every loop, and virtual time stands still meanwhile."""
        job = self.paced.work.begin(func)
        # What goes to another process must be what it was.
        call = job.bound(func) if executor is None or isinstance(executor, ThreadPoolExecutor) else func
        try:
            future = super().run_in_executor(executor, call, *args)
        except BaseException:
            job.end()
            raise
        future.add_done_callback(job.end)
        return future


class AsyncioPacer:
    """
    Moves the time of a loop.

    Args:
        loop: Whose.
    """

    def __init__(self, loop: HarnessLoop) -> None:
        self._loop = loop

    def time(self) -> float:
        """The time of the loop, in seconds."""
        return self._loop.time()

    async def settled(self) -> None:
        """Wait until all that can run has run, and time does not stand still."""
        settled = asyncio.Event()
        self._loop.paced.waking.append(settled.set)
        await settled.wait()

    def end(self) -> None:
        """Make the time real, as it is now."""
        self._loop.paced.make_real()


def begin(patience: float) -> AsyncioPacer:
    """Make the time of the running loop virtual. See `virtual_time`."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, HarnessLoop):
        raise RuntimeError(_WRONG_LOOP.format(loop=loop))
    if loop.paced.pace is not None:
        raise RuntimeError(TWICE)
    loop.paced.make_virtual(patience)
    return AsyncioPacer(loop)


def _work_here() -> Work | None:
    loop = asyncio.get_running_loop()
    return loop.paced.work if isinstance(loop, HarnessLoop) else None
