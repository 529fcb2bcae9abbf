"""
trio's own `MockClock`, switched between real and virtual time, and held while somebody outside is at work.

An instrument looks after each step of a task. What ends without a word, like a child for which nobody waits, is noticed
by a thread that has it look again; it runs while time stands still or flows.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Hashable
from functools import wraps
from time import monotonic
from typing import Any

import trio
import trio.testing

from specter._testing.children import note_children
from specter._testing.sockets import note_sockets
from specter._testing.work import LOOK, Job, Work
from specter.sansio.pace import Move, Pace

from ._clock_doors import TWICE, open_doors

_WRONG_CLOCK = """\
virtual time needs a clock of the harness; this one cannot be moved: {clock}
    trio.run(main)    # wrong
    trio.run(main, **specter.testing.backend_options("trio"))
Under pytest, the plugin gives such a clock to tests. Where the fixture `anyio_backend` asks for one of its own, take \
`clock` out of it."""

# (rate, autojump_threshold) of the clock.
_SETTINGS = {Move.JUMP: (0.0, 0.0), Move.STAND: (0.0, math.inf), Move.FLOW: (1.0, math.inf)}

_here: trio.lowlevel.RunVar[Pacemaker | None] = trio.lowlevel.RunVar("specter_pacemaker", default=None)


class TrioWork(Work):
    """
    What is at work for one run of trio.

    Attributes:
        waiting: How many worker threads wait for a coroutine in that run.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waiting = 0

    def may_be(self) -> bool:
        """Whether it is worth the time to look."""
        return trio.testing.active_thread_count() > 0 or super().may_be()

    def find(self, patience: float) -> dict[Hashable, str]:
        """Find who is at work; threads that trio itself or code for it has started as well."""
        found = super().find(patience)
        if trio.testing.active_thread_count() <= self.waiting:
            return {who: text for who, text in found.items() if not isinstance(who, Job)}
        return found if self.jobs else {**found, "thread": "worker thread of trio"}


class Pacemaker(trio.abc.Instrument):
    """
    Makes the time of a run of trio virtual.

    Args:
        clock: Of that run, in which the caller is.
        patience: As of `Pace`.
    """

    def __init__(self, clock: trio.testing.MockClock, patience: float) -> None:
        self.work = TrioWork()
        self._clock = clock
        self._pace = Pace(patience)
        self._real = clock.rate, clock.autojump_threshold
        self._move: Move | None = None
        self._moved = trio.Event()
        self._token = trio.lowlevel.current_trio_token()
        self._ended = threading.Event()
        self._holding = threading.Event()
        self._watch: threading.Thread | None = None
        # The step that ends now is that of our own look, which says nothing of others.
        self._looked = False

    def begin(self) -> None:
        """Make the time virtual, at a whole second: what is computed from it is the same in each run."""
        self._clock.rate = 0.0
        now = self._clock.current_time()
        self._clock.jump(math.ceil(now) - now)
        prepare()
        _here.set(self)
        trio.lowlevel.add_instrument(self)
        self._look()

    def end(self) -> None:
        """Make it real again."""
        trio.lowlevel.remove_instrument(self)
        _here.set(None)
        self._ended.set()
        self._holding.set()
        if self._watch is not None:
            self._watch.join()
        self._moved.set()
        self._clock.rate, self._clock.autojump_threshold = self._real

    def after_io_wait(self, timeout: float) -> None:
        """Take note of what has come."""
        self.work.hear()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Look who is at work now."""
        if self._looked:
            self._looked = False
            return
        self._pace.hear(monotonic())
        self._look()

    def time(self) -> float:
        """The time of the run, in seconds."""
        return self._clock.current_time()

    async def settled(self) -> None:
        """Wait until all that can run has run, and nobody outside is at work whom the time stands still for."""
        await trio.testing.wait_all_tasks_blocked()
        while self._move is Move.STAND:
            await self._moved.wait()
            await trio.testing.wait_all_tasks_blocked()

    def _look(self) -> None:
        move = self.work.next_move(self._pace)
        if move is not self._move:
            self._change(move)

    def _change(self, move: Move) -> None:
        self._move = move
        self._clock.rate, self._clock.autojump_threshold = _SETTINGS[move]
        moved, self._moved = self._moved, trio.Event()
        moved.set()
        if move is Move.JUMP:
            self._holding.clear()
        else:
            self._holding.set()
            if self._watch is None:
                self._watch = threading.Thread(target=self._have_looked, name="specter virtual time", daemon=True)
                self._watch.start()

    def _look_again(self) -> None:
        self._looked = True
        self._look()

    def _have_looked(self) -> None:
        while self._holding.wait() and not self._ended.wait(LOOK):
            try:
                self._token.run_sync_soon(self._look_again, idempotent=True)
            except trio.RunFinishedError:
                return


def begin(patience: float) -> Pacemaker:
    """Make the time of the run around the caller virtual. See `virtual_time`."""
    clock = trio.lowlevel.current_clock()
    if not isinstance(clock, trio.testing.MockClock):
        raise RuntimeError(_WRONG_CLOCK.format(clock=clock))
    if _here.get() is not None:
        raise RuntimeError(TWICE)
    pacemaker = Pacemaker(clock, patience)
    pacemaker.begin()
    return pacemaker


def real_clock() -> trio.testing.MockClock:
    """Make a clock that goes at the real rate until its time is made virtual."""
    prepare()
    return trio.testing.MockClock(rate=1.0)


def _work_here() -> Work | None:
    pacemaker = _here.get()
    return None if pacemaker is None else pacemaker.work


def prepare() -> None:
    """Note from now on who is at work. Done once: it stays so."""
    note_children()
    note_sockets()
    open_doors("trio", _work_here)
    if not hasattr(trio.from_thread.run, "__wrapped__"):
        # trio itself counts its threads, but does not tell who has asked for them, nor who of them waits.
        trio.to_thread.run_sync = _named(trio.to_thread.run_sync)  # type: ignore[assignment]
        trio.from_thread.run = _waiting(trio.from_thread.run)  # type: ignore[assignment]


def _named(run: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(run)
    async def to_thread(sync_fn: Callable[..., Any], *args: Any, **options: Any) -> Any:
        work = _work_here()
        if work is None:
            return await run(sync_fn, *args, **options)
        job = work.begin(sync_fn)
        try:
            return await run(job.bound(sync_fn), *args, **options)
        finally:
            job.end()

    return to_thread


def _waiting(run: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(run)
    def from_thread(afn: Callable[..., Any], *args: Any, trio_token: trio.lowlevel.TrioToken | None = None) -> Any:
        async def visit(*args: Any) -> Any:
            pacemaker = _here.get()
            if pacemaker is None:
                return await afn(*args)
            pacemaker.work.waiting += 1
            try:
                return await afn(*args)
            finally:
                pacemaker.work.waiting -= 1

        return run(visit, *args, trio_token=trio_token)

    return from_thread
