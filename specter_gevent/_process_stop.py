"""Carrying a stop of a child out, to its end, whatever becomes of the greenlet that asked for it."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

from gevent import Greenlet

import specter_gevent
from specter._process_child import Child
from specter.sansio.process import Step, StopTimes, stop_plan

from ._limit import within
from ._process_wait import wait_gone
from ._waiting import kill_soon, waiting_for, waits_for_caller

# A killed handler may have something to clean up. Seconds.
_KILL_TIMEOUT = 0.2


def run_whole(fn: Callable[[], None]) -> None:
    """Wait for the end of *fn*, in a greenlet of its own: a caller that is killed leaves at once, and *fn* goes on."""
    greenlet = Greenlet(fn)
    greenlet.start()
    with waiting_for(greenlet):
        greenlet.join()


def stop_child(child: Child, name: str, times: StopTimes, readers: Sequence[Any]) -> None:
    """
    Stop a child.

    Args:
        child: The child.
        name: For logs.
        times: How long each step takes at most.
        readers: Greenlets that deliver what it writes.
    """
    plan = stop_plan(times, child.gone())
    step = next(plan)
    while True:
        if step.kind == "kill":
            text = "[SPECTER:process] '%s' did not terminate within %ss; killing"
            specter_gevent.process.logger.warning(text, name, times.terminate)
        answer = _perform(step, child, name, readers)
        try:
            step = plan.send(answer)
        except StopIteration as end:
            if not end.value:
                specter_gevent.process.logger.error(
                    "process %r (%s) did not end after SIGKILL, going on without it", name, child.popen.pid
                )
            return


def _perform(step: Step, child: Child, name: str, readers: Sequence[Any]) -> bool:
    """Whether the child is gone, if the step is a wait for that."""
    match step.kind:
        case "terminate":
            _terminate(child, name)
        case "kill":
            child.kill()
        case "wait":
            return _gone_within(step.seconds, child, name)
        case "drain":
            _drain(readers, step.seconds, name)
    return False


def _terminate(child: Child, name: str) -> None:
    try:
        child.terminate()
    except Exception as error:
        specter_gevent.process.logger.warning(
            "[SPECTER:process] Error terminating '%s': %s", name, error, exc_info=True
        )
        child.kill()


def _gone_within(seconds: float, child: Child, name: str) -> bool:
    limit = seconds if math.isfinite(seconds) else None
    if child.real:
        with within(limit):
            wait_gone(child)
        return child.gone()
    try:
        child.popen.wait(timeout=limit)
    except Exception as error:
        if not isinstance(error, subprocess.TimeoutExpired):
            specter_gevent.process.logger.warning(
                "process %r (%s) cannot be waited for", name, child.popen.pid, exc_info=True
            )
        return False
    return True


def _drain(readers: Sequence[Any], seconds: float, name: str) -> None:
    # Whoever stops the process from a handler waits for this stop: nobody may wait for that handler in turn.
    others = [reader for reader in readers if not waits_for_caller(reader)]
    _join(others, seconds)
    left = [reader for reader in others if not reader.dead]
    for reader in left:
        specter_gevent.process.logger.warning(
            "a handler of process %r was killed: it did not come to the end of its stream in %.3g s", name, seconds
        )
        kill_soon(reader)
    _join(left, min(seconds, _KILL_TIMEOUT))


def _join(greenlets: Sequence[Any], seconds: float) -> None:
    with within(seconds):
        for greenlet in greenlets:
            greenlet.join()
