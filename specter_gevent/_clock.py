"""
One heap of timers for each hub.

A timer of the hub wakes it when the first one falls due. What is due is called by a greenlet, one after another without
a switch in between; when a call waits, another greenlet takes over the rest::

    hub: _fire ── starts ──> Runner: call, call, call (waits ...
    hub: _go_on ─ starts ──────────────────────────────> Runner: call, call      ... and goes on) ends

So a call that waits delays no other, and a timer costs a greenlet only while its call waits.
"""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any

# Taken from where they are defined: tests put fakes into `gevent`, and what all share must not be made by those.
from gevent.greenlet import Greenlet
from gevent.hub import Hub, get_hub

from specter.sansio.timers import Timer, Timers

from ._time import steady

if TYPE_CHECKING:
    from ._timing import ServiceTimer


class Clock:
    """
    The timers of one hub, and the time there.

    Args:
        hub: Whose. All calls are made in its thread.
    """

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.loop = hub.loop
        # A loop with a time of its own, as tests have that move it, is to be asked for that.
        self.now: Callable[[], float] = steady if isinstance(self.loop, hub.loop_class) else self.loop.now
        # libuv's timers have whole milliseconds: it cuts off what is more, and warns of less than one.
        self._is_coarse = type(self.loop).__module__.startswith("gevent.libuv")
        self.due: deque[ServiceTimer] = deque()
        # Intervals that were called and are to be wound.
        self.called: list[Timer] = []
        # Whose turn it is to call what is due.
        self.runner: Runner | None = None
        # The hub comes back to `_go_on`, which must have one row of turns only: two would take the runner from each
        # other, and none would call anything.
        self._goes_on = False
        self._timers = Timers()
        self._wakes_at = math.inf
        self._native: Any = None

    def add(self, timer: Timer, seconds: float) -> None:
        """Have *timer* called in so many seconds."""
        self._wake_at(self._timers.add(timer, self.now() + seconds))

    def cancel(self, timer: Timer) -> None:
        """Make sure that *timer* is not called any more. From every thread."""
        if get_hub() is self.hub:
            self._cancel(timer)
        else:
            self.loop.run_callback_threadsafe(self._cancel, timer)

    def wind(self) -> None:
        """Queue the intervals that were called."""
        if self.called:
            called, self.called = self.called, []
            self._timers.wind(called, self.now())
            self._wake_at(self._timers.next_due())

    def move_to(self, loop: Any) -> None:
        """Go on by another loop of the hub, whose time goes on from that of the present one."""
        self._sleep_on()
        self.loop = loop
        if self._timers:
            self._wake_at(self._timers.next_due())

    def _cancel(self, timer: Timer) -> None:
        self._timers.cancel(timer)
        if not self._timers:
            # It would keep who waits for the hub to have nothing more to do.
            self._sleep_on()

    def _wake_at(self, moment: float) -> None:
        if moment < self._wakes_at:
            self._sleep_on()
            self._wakes_at = moment
            seconds = moment - self.now()
            if self._is_coarse:
                seconds = math.ceil(seconds * 1000) / 1000
            self._native = self.loop.timer(max(0.0, seconds))
            self._native.start(self._fire)

    def _sleep_on(self) -> None:
        self._wakes_at = math.inf
        if self._native is not None:
            self._native.close()
            self._native = None

    # Called in the hub, where nothing may wait.

    def _fire(self) -> None:
        self._sleep_on()
        self.due.extend(self._timers.due(self.now()))  # type: ignore[arg-type]
        if self._timers:
            self._wake_at(self._timers.next_due())
        if not self._goes_on:
            self._go_on()

    def _go_on(self) -> None:
        # Here again, the runner has done all of it, or waits.
        self.wind()
        self.runner = None
        self._goes_on = bool(self.due)
        if self._goes_on:
            self.runner = Runner(self)
            self.runner.start()
            self.loop.run_callback(self._go_on)


class Runner(Greenlet):  # type: ignore[type-arg]  # generic in the types only
    """
    Calls what is due.

    Args:
        clock: Where that is.
    """

    # What a service owns runs in it; see `Teardown.run`.
    specter_owned = True

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        # What runs now is called in it, unless its timer has one of its own.
        self.context = Context()

    def _run(self) -> None:
        clock = self._clock
        # gevent itself lets sockets and the like have their turn after that long.
        enough = steady() + sys.getswitchinterval()
        try:
            # Entered once for all that leave it empty: a tick takes a tenth less time so.
            while self.context.run(self._call, enough):
                self.context = Context()
        finally:
            clock.wind()

    def _call(self, enough: float) -> bool:
        """Call what is due. Returns whether to go on in another context, since a call has set something in this one."""
        clock, due, context = self._clock, self._clock.due, self.context
        while due and clock.runner is self:
            timer = due.popleft()
            if timer.call(self):
                clock.called.append(timer)
            if context:
                return True
            if steady() > enough:
                break
        return False


def clock_here() -> Clock:
    """The clock of the hub of this thread."""
    hub = get_hub()
    clock: Clock | None = getattr(hub, "specter_clock", None)
    if clock is None or clock.loop is not hub.loop:
        clock = hub.specter_clock = Clock(hub)  # type: ignore[attr-defined]
    return clock
