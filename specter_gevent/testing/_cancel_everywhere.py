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

from specter._testing.checkpoints import Countdown, Notes, checked_ways, countdowns, require_scenario
from specter.sansio.leaks import checked_kinds
from specter_gevent._waiting import waits

from ._leaks import no_leaks
from ._switches import place_here, place_of, told_of_greenlets, told_of_switches

WAYS = ("kill", "below")

# What was killed has ended after so many turns of the hub, unless it waits for something.
_TURNS = 10

Scenario = Callable[[], Any]


def cancel_everywhere(
    scenario: Scenario,
    check: Callable[[], Any] | None = None,
    *,
    prepare: Callable[[], Any] | None = None,
    ways: str | Iterable[str] | None = None,
    allow: str | Iterable[str] = (),
    timeout: float = 60.0,
) -> int:
    """
    Run *scenario* to its end, and then once for each of its checkpoints, killed there; in each way.

    A checkpoint is where a greenlet switches to the hub. What fails is raised at once, with a note that says at which
    checkpoint the scenario was killed, in which way, and at which line. After each run, nothing may be left behind: see
    `leaks`.

    Args:
        scenario: A plain function, called in a greenlet of its own for each run. It must not need more than 1,000
            checkpoints.
        check: Called after each run when all that could end has ended: asserts that what must hold holds, however far
            the scenario came.
        prepare: Called before each run, and not killed.
        ways: Those to try: ``kill`` (at a switch of the scenario) and ``below`` (at a switch of a greenlet that it has
            started). Both if not given.
        allow: Kinds of leaks that do not count; see `no_leaks`.
        timeout: How long one run, with what is prepared and checked, takes at most. Seconds of the hub's clock: give
            more where virtual time passes.

    Returns:
        How many times the scenario was killed.

    Raises:
        AssertionError: One run took too long.
        LeakError: Something was left behind; lists it with the lines that created it.
        TypeError: *scenario* cannot be called.
        ValueError: A way, or a kind of leak, is unknown, or there is no way.
        BaseException: What the scenario or the check raised.
    """
    require_scenario(scenario)
    chosen = checked_ways(ways, WAYS, "gevent")
    trial, notes = _Trial(scenario, check, prepare, checked_kinds(allow), timeout), Notes()
    count = 0
    for countdown in countdowns(chosen, "gevent"):
        with notes.of(countdown):
            trial.run(countdown)
        count += countdown.reached
    return count


class _Trial:
    """One scenario with what belongs to it; see `cancel_everywhere`."""

    def __init__(
        self,
        scenario: Scenario,
        check: Callable[[], Any] | None,
        prepare: Callable[[], Any] | None,
        allow: Iterable[str],
        timeout: float,
    ) -> None:
        self._scenario = scenario
        self._check = check
        self._prepare = prepare
        self._allow = allow
        self._timeout = timeout

    def run(self, countdown: Countdown) -> None:
        """Run it once."""
        late = AssertionError(f"a run did not end within {self._timeout} seconds (timeout=)")
        with gevent.Timeout(self._timeout, late):
            self._run(countdown)

    def _run(self, countdown: Countdown) -> None:
        if self._prepare is not None:
            self._prepare()
        waiting = len(waits)
        with no_leaks(self._allow):
            _run_killed(self._scenario, countdown)
            for _ in range(_TURNS):
                gevent.sleep(0)
            if self._check is not None:
                self._check()
        if len(waits) > waiting:
            raise AssertionError("somebody still waits for a start or a stop")


def _run_killed(scenario: Scenario, countdown: Countdown) -> None:
    """Run it in a greenlet that is killed when the countdown says so."""
    begun: list[gevent.Greenlet[..., Any]] = []
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
        if (mine if countdown.way == "kill" else not mine and switching in begun) and not target.dead:
            countdown(switching, place_here)

    countdown.act = kill
    with told_of_greenlets(begun.append), told_of_switches(tell):
        target.start()
        try:
            target.join()
        finally:
            target.kill(block=False)  # nothing, but when it takes too long
            # A greenlet that was killed keeps what stood on its stack, and so what that had open.
            del countdown.act
    if errors:
        raise errors[0]
