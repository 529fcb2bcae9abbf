"""
A loop for gevent's hub whose timers go by a virtual time.

All of gevent waits for time by timers of ``hub.loop``, which is an ordinary attribute: sleep, Timeout, locks, queues,
sockets, and what is patched. This loop stands in its place, hands out timers of its own, and gives everything else
through to the real one::

    nothing is left to run ── somebody waits for the others ──> wakes them: all that could run has run
    (an idle watcher)      ── nobody outside is at work ──────> time moves to the first timer
                           ── somebody is ────────────────────> a real timer looks again, see `sansio.pace`
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from time import monotonic
from typing import Any

from specter._testing.sockets import sockets
from specter._testing.work import LOOK, Work
from specter.sansio.pace import MOST_BETWEEN_LOOKS, Move, Pace

# What is due within that counts as due, in seconds: moments are sums of floats, and those that are meant to be one lie
# so far apart.
_RESOLUTION = 1e-6


class VirtualTimer:
    """
    What gevent's own code expects of a timer of its loop.

    Args:
        loop: Whose.
        after: Seconds.
        repeat: Seconds between two calls after the first one; 0 for no more.
        ref: Whether it keeps the loop from having nothing more to do.
    """

    pending = False

    def __init__(self, loop: VirtualLoop, after: float, repeat: float, ref: bool) -> None:
        self.loop = loop
        self.after = after
        self.repeat = repeat
        self.ref = ref
        self.callback: Callable[..., object] | None = None
        self.args: tuple[Any, ...] = ()
        # The number of its start; 0 while it is not started.
        self.order = 0
        # What took its place when time became real.
        self.native: Any = None

    @property
    def active(self) -> bool:
        """Whether it is started and not yet due."""
        return self.order > 0 if self.native is None else bool(self.native.active)

    def start(self, callback: Callable[..., object], *args: Any, update: bool | None = None) -> None:
        """Have *callback* called with *args* when it is due."""
        self._start(self.after, callback, args)

    def again(self, callback: Callable[..., object], *args: Any, update: bool | None = None) -> None:
        """Start it anew, for the time of *repeat*."""
        self._start(self.repeat, callback, args)

    def stop(self) -> None:
        """Make sure that it is not called."""
        if self.native is not None:
            self.native.close()
            self.native = None
        if self.order:
            self.order = 0
            self.loop.forget(self)

    close = stop

    def __enter__(self) -> VirtualTimer:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def go_on_in(self, real: Any, seconds: float) -> None:
        """Have a timer of the *real* loop take its place, due in so many seconds."""
        self.order = 0
        self.native = real.timer(max(0.0, seconds), self.repeat, ref=self.ref)
        self.native.start(self.callback, *self.args)

    def call(self) -> None:
        """It is due. Called in the hub."""
        callback, args = self.callback, self.args
        assert callback is not None
        self.stop()
        if self.repeat:
            self._start(self.repeat, callback, args)
        callback(*args)

    def _start(self, seconds: float, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.stop()
        self.callback, self.args = callback, args
        self.loop.start(self, max(0.0, seconds))


class VirtualLoop:
    """
    A loop with a virtual time.

    Args:
        real: The loop of the hub, libev's.
        began: The moment at which it begins.
        patience: As of `Pace`.
    """

    def __init__(self, real: Any, began: float, patience: float) -> None:
        self.pace = Pace(patience)
        self.work = Work()
        # To be called when all that can run has run.
        self.waking: list[Callable[[], object]] = []
        self.real = real
        self._now = began
        # What is added to the real time when that takes over; `None` before.
        self._ahead: float | None = None
        # (when, the number of the start, timer). What was stopped stays until it would be due.
        self._heap: list[tuple[float, int, VirtualTimer]] = []
        self._order = count(1)
        # How many are started and keep the loop going.
        self._kept = 0
        # In which turn of the loop nothing was left to do but to look; see `_is_quiet`.
        self._quiet_at = -1
        self._idle = real.idle(priority=real.MINPRI)
        # Called before what waits for files, if sockets are there.
        self._heard = real.check(ref=False, priority=real.MAXPRI)
        # Looks again while time stands still or flows: since when that is, and the count of the loop's turns then.
        self._later = real.timer(LOOK, LOOK)
        self._since, self._turns = 0.0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    @property
    def error_handler(self) -> Any:
        """Who is told of errors in what the loop calls; the hub sets it whenever it begins to run the loop."""
        return self.real.error_handler

    @error_handler.setter
    def error_handler(self, handler: Any) -> None:
        self.real.error_handler = handler

    def now(self) -> float:
        """The time, in seconds: virtual, and real after the end."""
        return self._now if self._ahead is None else monotonic() + self._ahead

    def update_now(self) -> None:
        """Do nothing: the time moves by itself."""

    def timer(self, after: float, repeat: float = 0.0, ref: bool = True, priority: int | None = None) -> Any:
        """Make a timer."""
        if self._ahead is not None:
            return self.real.timer(after, repeat, ref, priority)
        return VirtualTimer(self, after, repeat, ref)

    def start(self, timer: VirtualTimer, seconds: float) -> None:
        """Have *timer* called in so many seconds."""
        if self._ahead is not None:
            timer.go_on_in(self.real, seconds)
            return
        timer.order = next(self._order)
        self._kept += timer.ref
        heapq.heappush(self._heap, (self._now + seconds, timer.order, timer))
        self._go_on()

    def forget(self, timer: VirtualTimer) -> None:
        """A timer was stopped, or is called."""
        self._kept -= timer.ref
        if not self._kept:
            self._idle.ref = bool(self.waking)

    def wake_when_settled(self, wake: Callable[[], object]) -> None:
        """Have *wake* called when all that can run has run, and time does not stand still."""
        self.waking.append(wake)
        self._go_on()

    def end(self) -> None:
        """Make the time real: it goes on from here, and so does what waits for it."""
        self._ahead = self._now - monotonic()
        self._idle.close()
        self._later.close()
        self._heard.close()
        for at, order, timer in sorted(self._heap):
            if timer.order == order:
                timer.go_on_in(self.real, at - self._now)
        self._heap.clear()
        self._wake()

    def _go_on(self) -> None:
        # As in life: timers that do not keep the loop going do not do so here.
        self._idle.ref = bool(self._kept or self.waking)
        if not (self._idle.active or self._later.active):
            self._idle.start(self._look)

    # Called in the hub, where nothing may wait.

    def _look(self) -> None:
        if sockets.notes and not self._heard.active:
            self._heard.start(self.work.hear)
        if sockets.notes and not self._is_quiet():
            return
        move = self.work.next_move(self.pace)
        if move is not Move.JUMP:
            self._idle.stop()
            self._wait(move)
        elif self.waking:
            self._wake()
        else:
            self._jump()

    def _is_quiet(self) -> bool:
        """Whether this is the second turn without anything to do: the kernel needs a moment for loopback."""
        before, self._quiet_at = self._quiet_at, self.real.iteration
        if self._quiet_at != before + 1:
            return False
        self._quiet_at = -1
        return True

    def _wait(self, move: Move) -> None:
        """Look again later; meanwhile time stands still or flows."""
        self._since, self._turns = monotonic(), self.real.iteration
        self._later.again(self._look_again, move, update=True)
        if move is Move.FLOW:
            self._wake()

    def _look_again(self, move: Move) -> None:
        self._later.stop()
        if self.real.iteration > self._turns + 1:
            self.pace.hear(monotonic())
        # A time in which this process did not run is not made up for.
        took = min(monotonic() - self._since, MOST_BETWEEN_LOOKS)
        next_move = self.work.next_move(self.pace)
        if next_move is Move.JUMP:
            self._idle.start(self._look)
        else:
            self._wait(next_move)
        # Last of all: a call may fail.
        if move is Move.FLOW:
            self._call_due(self._now + took)

    def _jump(self) -> None:
        while self._heap and self._heap[0][2].order != self._heap[0][1]:
            heapq.heappop(self._heap)
        if self._heap:
            self._call_due(self._heap[0][0])
        else:
            self._idle.stop()

    def _call_due(self, now: float) -> None:
        self._now = now
        while self._heap and self._heap[0][0] <= now + _RESOLUTION:
            _, order, timer = heapq.heappop(self._heap)
            if timer.order == order:
                timer.call()

    def _wake(self) -> None:
        waking, self.waking = self.waking, []
        for wake in waking:
            wake()
