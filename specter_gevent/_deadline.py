"""
How long the stops of one hub may take.

Most never wait, so no more is done for them than to note that they go on. Only when the hub has its turn while one
does, a timer is started for that: half of its time is for the step that waits, half of the rest for the next one, and
so on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gevent.hub import Hub, get_hub, getcurrent

from specter.sansio.deadline import half_way
from specter.sansio.ledger import Step

from ._clock import clock_here

if TYPE_CHECKING:
    from ._teardown import Teardown


class Deadlines:
    """
    The stops that go on in the greenlets of one hub, and their time.

    Args:
        hub: Whose.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        # {greenlet: the innermost teardown that it carries out}
        self._running: dict[Any, Teardown] = {}
        # {greenlet: the timer of the hub that looks at it next}
        self._timers: dict[Any, Any] = {}
        # Whether the hub will look at all of them in its turn.
        self._looks = False

    def enter(self, teardown: Teardown) -> Teardown | None:
        """Note that *teardown* begins. Returns the one that its greenlet has carried out so far: it is a part of it."""
        outer = self._running.get(teardown.greenlet)
        self._running[teardown.greenlet] = teardown
        if not self._looks:
            self._looks = True
            self._hub.loop.run_callback(self._look)
        return outer

    def leave(self, teardown: Teardown) -> None:
        """Note that *teardown* has ended."""
        if teardown.outer is not None:
            self._running[teardown.greenlet] = teardown.outer
            return
        del self._running[teardown.greenlet]
        timer = self._timers.pop(teardown.greenlet, None)
        if timer is not None:
            timer.close()

    def left(self) -> float:
        """Seconds that the present step of the caller's teardown still has; infinite if the caller carries out none."""
        teardown = self._running.get(getcurrent())
        if teardown is None:
            return math.inf
        now = clock_here().now()
        return max(0.0, self._limit(teardown, now) - now)

    # Called in the hub, where nothing may wait.

    def _look(self) -> None:
        self._looks = False
        for greenlet, teardown in self._running.items():
            if greenlet not in self._timers:
                self._time(greenlet, teardown)

    def _time(self, greenlet: Any, teardown: Teardown) -> None:
        now = clock_here().now()
        timer = self._timers[greenlet] = self._hub.loop.timer(max(0.0, self._limit(teardown, now) - now))
        timer.start(self._expire, greenlet, teardown, teardown.step)

    def _limit(self, teardown: Teardown, now: float) -> float:
        """The moment by which the present step must have ended, within the time of all around it."""
        limit = math.inf if teardown.outer is None else self._limit(teardown.outer, now)
        if teardown.until is None:
            teardown.until = min(limit, now + teardown.service.stop_timeout)
        return half_way(now, teardown.until)

    def _expire(self, greenlet: Any, teardown: Teardown, step: Step | None) -> None:
        self._timers.pop(greenlet).close()
        present = self._running[greenlet]
        self._time(greenlet, present)
        if present is teardown and teardown.step is step:
            greenlet.throw(teardown.cut())


def deadlines_here() -> Deadlines:
    """Those of the hub of this thread."""
    hub = get_hub()
    deadlines: Deadlines | None = getattr(hub, "specter_deadlines", None)
    if deadlines is None:
        deadlines = hub.specter_deadlines = Deadlines(hub)  # type: ignore[attr-defined]
    return deadlines


def time_left() -> float:
    """Seconds that the stop around the caller still has for what the caller does; infinite outside of one."""
    return deadlines_here().left()
