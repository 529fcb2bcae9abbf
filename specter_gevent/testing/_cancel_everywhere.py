"""
Running a scenario once for each of its switches, and killing it there.

    kill     the greenlet of the scenario, where it is about to wait
    below    the same greenlet, wherever it waits, when one that it has started is about to wait
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import gevent
from greenlet import GreenletExit, greenlet

from specter._testing.checkpoints import MOST, Countdown, checked_ways, require_scenario
from specter_gevent._waiting import waits

from ._switches import place_here, place_of, told_of_greenlets, told_of_switches

WAYS = ("kill", "below")

# What was killed has ended after so many turns of the hub, unless it waits for something.
_TURNS = 10
# What waits for a thread or a child process has this many more chances, of a millisecond each.
_CHANCES = 50

Scenario = Callable[[], Any]


def cancel_everywhere(
    scenario: Scenario,
    check: Callable[[], Any] | None = None,
    *,
    prepare: Callable[[], Any] | None = None,
    ways: Iterable[str] | None = None,
    timeout: float = 60.0,
) -> int:
    """
    Run *scenario* to its end, and then once for each of its checkpoints, killed there; in each way.

    A checkpoint is where a greenlet switches to the hub. What fails is raised at once, with a note that says at which
    checkpoint the scenario was killed, in which way, and at which line. After each run no greenlet may be left that was
    not there before.

    Args:
        scenario: A plain function, called in a greenlet of its own for each run. It must not need more than 1,000
            checkpoints.
        check: Called after each run when all that could end has ended: asserts that what must hold holds, however far
            the scenario came.
        prepare: Called before each run, and not killed.
        ways: Those to try: ``kill`` (at a switch of the scenario) and ``below`` (at a switch of a greenlet that it has
            started). Both if not given.
        timeout: How long one run, with what is prepared and checked, takes at most. Seconds of the hub's clock: give
            more where virtual time passes.

    Returns:
        How many times the scenario was killed.

    Raises:
        AssertionError: Greenlets are left, or one run took too long.
        TypeError: *scenario* cannot be called.
        ValueError: A way is unknown.
        BaseException: What the scenario or the check raised.
    """
    require_scenario(scenario)
    trial = _Trial(scenario, check, prepare, timeout)
    chosen = checked_ways(ways, WAYS, "gevent")
    trial.run("kill", Countdown(0))
    count = 0
    for way in chosen:
        for k in range(1, MOST + 1):
            countdown = Countdown(k)
            trial.run(way, countdown)
            if not countdown.reached:
                break
            count += 1
        else:
            raise AssertionError(f"the scenario has more than {MOST} checkpoints ({way}, gevent)")
    return count


class _Trial:
    """One scenario with what belongs to it; see `cancel_everywhere`."""

    def __init__(
        self,
        scenario: Scenario,
        check: Callable[[], Any] | None,
        prepare: Callable[[], Any] | None,
        timeout: float,
    ) -> None:
        self._scenario = scenario
        self._check = check
        self._prepare = prepare
        self._timeout = timeout
        self._run_before = ""

    def run(self, way: str, countdown: Countdown) -> None:
        """Run it once, and tell in what is raised where that came from."""
        try:
            late = AssertionError(f"a run did not end within {self._timeout} seconds (timeout=)")
            with gevent.Timeout(self._timeout, late):
                self._run(way, countdown)
        except BaseException as error:
            error.add_note(countdown.note(way, "gevent"))
            if self._run_before and not countdown.reached:
                error.add_note(f"the run before it was {self._run_before}")
            raise
        self._run_before = countdown.note(way, "gevent") if countdown.reached else ""

    def _run(self, way: str, countdown: Countdown) -> None:
        if self._prepare is not None:
            self._prepare()
        waiting = len(waits)
        begun: list[gevent.Greenlet[..., Any]] = []
        with told_of_greenlets(begun.append):
            _run_killed(self._scenario, countdown, begun if way == "below" else None)
            for _ in range(_TURNS):
                gevent.sleep(0)
            if self._check is not None:
                self._check()
        _require_no_greenlets(begun)
        assert len(waits) <= waiting, "somebody still waits for a start or a stop"


def _run_killed(scenario: Scenario, countdown: Countdown, below: list[gevent.Greenlet[..., Any]] | None) -> None:
    """Run it in a greenlet that is killed when the countdown says so; it counts the switches of *below*, if given."""
    errors: list[BaseException] = []

    def main() -> None:
        try:
            scenario()
        except GreenletExit:
            raise
        except BaseException as error:  # raised by the caller: the hub would print it as well
            errors.append(error)

    target = gevent.Greenlet(main)

    def kill(switching: greenlet) -> None:
        if switching is target:
            countdown.came_at = countdown.where
            raise GreenletExit
        countdown.came_at = place_of(target)
        target.kill(block=False)

    def tell(switching: greenlet) -> None:
        mine = switching is target
        if (mine if below is None else not mine and switching in below) and not target.dead:
            countdown(switching, place_here)

    countdown.act = kill
    with told_of_switches(tell):
        target.start()
        try:
            target.join()
        finally:
            target.kill(block=False)  # nothing, but when it takes too long
    if errors:
        raise errors[0]


def _require_no_greenlets(begun: list[gevent.Greenlet[..., Any]]) -> None:
    left: list[gevent.Greenlet[..., Any]] = []
    for _ in range(_CHANCES):
        left = [one for one in begun if not one.dead]
        if not left:
            return
        gevent.sleep(0.001)
    names = "\n".join(f"{one.name}, waits {place_of(one)}" for one in left)
    raise AssertionError(f"greenlets are left:\n{names}")
