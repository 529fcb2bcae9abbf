"""
How long stops may take.

Most never wait, so no more is done for them than to note that they go on. Only when the hub has its turn while one
does, a timer is started for that: half of its time is for the step that waits, half of the rest for the next one, and
so on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gevent.hub import get_hub, getcurrent

from specter.sansio.deadline import half_way
from specter.sansio.ledger import Step

from ._clock import clock_here

if TYPE_CHECKING:
    from ._teardown import Teardown

# Those that go on, of all threads; in each greenlet the innermost is the last.
_going_on: list[Teardown] = []

# {greenlet: the timer of its hub that looks at its teardown next}
_timers: dict[Any, Any] = {}


def enter(teardown: Teardown) -> None:
    """Note that *teardown* begins, as a part of the one that its greenlet carries out already, if it does."""
    if _going_on:
        teardown.outer = _innermost(teardown.greenlet)
    _going_on.append(teardown)
    teardown.hub = hub = get_hub()
    if not getattr(hub, "specter_looks", False):
        hub.specter_looks = True  # type: ignore[attr-defined]
        hub.loop.run_callback(_look, hub)


def leave(teardown: Teardown) -> None:
    """Note that *teardown* has ended."""
    _going_on.remove(teardown)
    if _timers and teardown.outer is None:
        timer = _timers.pop(teardown.greenlet, None)
        if timer is not None:
            timer.close()


def time_left() -> float:
    """Seconds that the stop around the caller still has for what the caller does; infinite outside of one."""
    teardown = _innermost(getcurrent())
    if teardown is None:
        return math.inf
    now = clock_here().now()
    return max(0.0, _limit(teardown, now) - now)


def _innermost(greenlet: Any) -> Teardown | None:
    for teardown in reversed(_going_on):
        if teardown.greenlet is greenlet:
            return teardown
    return None


def _limit(teardown: Teardown, now: float) -> float:
    """The moment by which the present step must have ended, within the time of all around it."""
    limit = math.inf if teardown.outer is None else _limit(teardown.outer, now)
    if teardown.until is None:
        teardown.until = min(limit, now + teardown.service.stop_timeout)
    return half_way(now, teardown.until)


# Called in the hub, where nothing may wait.


def _look(hub: Any) -> None:
    hub.specter_looks = False
    for teardown in _going_on:
        if teardown.hub is hub and teardown.greenlet not in _timers:
            _time(teardown)


def _time(teardown: Teardown) -> None:
    now = clock_here().now()
    timer = _timers[teardown.greenlet] = teardown.hub.loop.timer(max(0.0, _limit(teardown, now) - now))
    timer.start(_expire, teardown, teardown.step)


def _expire(teardown: Teardown, step: Step | None) -> None:
    greenlet = teardown.greenlet
    _timers.pop(greenlet).close()
    present = _innermost(greenlet)
    if present is not None:
        _time(present)
        if present is teardown and teardown.step is step:
            greenlet.throw(teardown.cut())
