"""
Running a scenario once for each of its checkpoints, and cancelling it there.

    scope    a cancel scope round it: delivered at every wait from there on
    native   asyncio's own `Task.cancel()`: delivered once, at the wait itself
    late     the same, when what it waited for has come and the task was not yet told
    below    the scope again, but the checkpoints of all other tasks are counted as well
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import anyio
from anyio.lowlevel import checkpoint

from specter._calls import call
from specter._loop import Loop
from specter._testing.checkpoints import Countdown, Notes, checked_ways, countdowns, require_scenario
from specter._waiting import waits
from specter.sansio.leaks import checked_kinds

from ._leaks import no_leaks
from ._stepped import Stepped, told_of_other_tasks

WAYS = {"asyncio": ("scope", "native", "late", "below"), "trio": ("scope", "below")}

# What was cancelled has ended after so many turns of the event loop, unless it waits for something.
_TURNS = 10

Scenario = Callable[[], Awaitable[Any]]


async def cancel_everywhere(
    scenario: Scenario,
    check: Callable[[], Any] | None = None,
    *,
    prepare: Callable[[], Any] | None = None,
    ways: str | Iterable[str] | None = None,
    allow: str | Iterable[str] = (),
    timeout: float = 60.0,
) -> int:
    """
    Run *scenario* to its end, and then once for each of its checkpoints, cancelled there; in each way.

    A checkpoint is where a task waits. What fails is raised at once, with a note that says at which checkpoint the
    scenario was cancelled, in which way, and at which line. After each run, nothing may be left behind: see `leaks`.

    Args:
        scenario: A coroutine function, called for each run. It must not need more than 1,000 checkpoints.
        check: Plain or a coroutine function, called after each run when all that could end has ended: asserts that
            what must hold holds, however far the scenario came.
        prepare: Plain or a coroutine function, called before each run, and not cancelled.
        ways: Those to try. On asyncio ``scope`` (a cancel scope), ``native`` (`asyncio.Task.cancel`), ``late`` (the
            same, when what was waited for has just come) and ``below`` (a scope, at the checkpoints of tasks that the
            scenario starts as well); on trio ``scope`` and ``below``. All that the event loop has if not given.
        allow: Kinds of leaks that do not count; see `no_leaks`.
        timeout: How long one run, with what is prepared and checked, takes at most. Seconds of the event loop's clock:
            give more where virtual time passes.

    Returns:
        How many times the scenario was cancelled.

    Raises:
        AssertionError: One run took too long.
        LeakError: Something was left behind; lists it with the lines that created it.
        TypeError: *scenario* cannot be called.
        ValueError: A way, or a kind of leak, is unknown, or there is no way.
        BaseException: What the scenario or the check raised.
    """
    require_scenario(scenario)
    backend = "trio" if Loop.is_trio() else "asyncio"
    chosen = checked_ways(ways, WAYS[backend], backend)
    trial, notes = _Trial(scenario, check, prepare, checked_kinds(allow), timeout), Notes()
    count = 0
    for countdown in countdowns(chosen, backend):
        with notes.of(countdown):
            await trial.run(countdown)
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

    async def run(self, countdown: Countdown) -> None:
        """Run it once."""
        with anyio.move_on_after(self._timeout) as patience:
            await self._run(countdown)
        if patience.cancelled_caught:
            raise AssertionError(f"a run did not end within {self._timeout} seconds (timeout=)")

    async def _run(self, countdown: Countdown) -> None:
        if self._prepare is not None:
            await call(self._prepare)
        waiting = len(waits)
        async with no_leaks(self._allow):
            await _RUNS[countdown.way](self._scenario, countdown)
            for _ in range(_TURNS):
                await checkpoint()
            if self._check is not None:
                await call(self._check)
        if len(waits) > waiting:
            raise AssertionError("somebody still waits for a start or a stop")


async def _in_a_scope(scenario: Scenario, countdown: Countdown) -> None:
    with anyio.CancelScope() as scope:
        countdown.act = lambda waits_for: scope.cancel()
        await Stepped(_called(scenario), countdown)


async def _with_all_below(scenario: Scenario, countdown: Countdown) -> None:
    with told_of_other_tasks(countdown):
        await _in_a_scope(scenario, countdown)


async def _natively(scenario: Scenario, countdown: Countdown) -> None:
    await _in_a_task(scenario, countdown, lambda task, waits_for: task.cancel())


async def _late(scenario: Scenario, countdown: Countdown) -> None:
    def cancel(task: asyncio.Task[Any], waits_for: Any) -> None:
        if waits_for is None:  # a turn of the loop is all it waits for
            task.cancel()
        else:
            waits_for.add_done_callback(lambda _: task.cancel())

    await _in_a_task(scenario, countdown, cancel)


async def _in_a_task(
    scenario: Scenario, countdown: Countdown, cancel: Callable[[asyncio.Task[Any], Any], object]
) -> None:
    async def main() -> None:
        await Stepped(_called(scenario), countdown)

    task = asyncio.create_task(main())
    countdown.act = lambda waits_for: cancel(task, waits_for)
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:  # it takes too long
        task.cancel()
        raise
    if not task.cancelled():
        task.result()


async def _called(scenario: Scenario) -> Any:
    return await scenario()


_RUNS = {"scope": _in_a_scope, "native": _natively, "late": _late, "below": _with_all_below}
