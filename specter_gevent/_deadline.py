"""
How long stops may take.

Most never wait, so no more is done for them than to note that they go on. Only when the hub has its turn while one
does, a timer is started for that: half of its time is for the step that waits, half of the rest for the next one, and
so on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gevent.hub import getcurrent

from specter.sansio.deadline import half_way
from specter.sansio.ledger import Step

from ._clock import clock_here

if TYPE_CHECKING:
    from ._teardown import Teardown

# {greenlet: the teardown that it carries out, the innermost if there are several}, of all threads.
going_on: dict[Any, Teardown] = {}

# {greenlet: (the timer of its hub that looks at it next, the teardown whose present step that is for)}
timers: dict[Any, tuple[Any, Teardown]] = {}


def look_soon(hub: Any) -> None:
    """Have *hub* look at the teardowns in its greenlets, in its next turn."""
    hub.specter_looks = True
    hub.loop.run_callback(_look, hub)


def forget(greenlet: Any) -> None:
    """Stop the timer of a greenlet that carries out no teardown any more."""
    timed = timers.pop(greenlet, None)
    if timed is not None:
        timed[0].close()


def time_left() -> float:
    """Seconds that the stop around the caller still has for what the caller does; infinite outside of one."""
    teardown = going_on.get(getcurrent())
    if teardown is None:
        return math.inf
    now = clock_here().now()
    return max(0.0, _limit(teardown, now) - now)


def _limit(teardown: Teardown, now: float) -> float:
    """The moment by which the present step must have ended, within the time of all around it."""
    limit = math.inf if teardown.outer is None else _limit(teardown.outer, now)
    if teardown.until is None:
        seconds: Any = teardown.service.stop_timeout
        # An application of 0.1.x may have taken the name for something else.
        bounded = isinstance(seconds, int | float) and seconds >= 0
        teardown.until = min(limit, now + seconds if bounded else math.inf)
    return half_way(now, teardown.until)


# Called in the hub, where nothing may wait.


def _look(hub: Any) -> None:
    hub.specter_looks = False
    for greenlet, present in going_on.copy().items():
        timed = timers.get(greenlet)
        if present.hub is hub and (timed is None or timed[1] is not present):
            _time(present)


def _time(teardown: Teardown) -> None:
    forget(teardown.greenlet)
    now = clock_here().now()
    limit = _limit(teardown, now)
    if limit < math.inf:
        timer = teardown.hub.loop.timer(max(0.0, limit - now))
        timers[teardown.greenlet] = timer, teardown
        timer.start(_expire, teardown, teardown.step)


def _expire(teardown: Teardown, step: Step | None) -> None:
    greenlet = teardown.greenlet
    if going_on.get(greenlet) is teardown and teardown.step is step:
        # It goes on from there, and is back here when it waits again or has ended.
        greenlet.throw(teardown.cut())
    present = going_on.get(greenlet)
    if present is None:
        forget(greenlet)
    else:
        _time(present)
