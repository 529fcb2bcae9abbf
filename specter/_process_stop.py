"""Carrying a stop of a child out, to its end, whatever becomes of the task that asked for it."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

import anyio

from ._process_child import Child
from ._process_wait import wait_gone
from ._shield import run_whole as run_whole
from ._waiting import waits_for_caller
from .sansio.process import Step, StopTimes, stop_plan
from .task import Task

log = logging.getLogger("specter.process")

# A cancelled handler may have something to clean up. Seconds.
_CANCEL_TIMEOUT = 0.2


async def stop_child(child: Child, name: str, times: StopTimes, readers: Sequence[Task]) -> None:
    """
    Stop a child.

    Args:
        child: The child.
        name: For logs.
        times: How long each step takes at most.
        readers: Tasks that deliver what it writes.
    """
    plan = stop_plan(times, child.gone())
    step = next(plan)
    while True:
        answer = await _perform(step, child, name, readers)
        try:
            step = plan.send(answer)
        except StopIteration as end:
            if not end.value:
                log.error("process %r (%s) did not end after SIGKILL, going on without it", name, child.popen.pid)
            return


async def _perform(step: Step, child: Child, name: str, readers: Sequence[Task]) -> bool:
    match step.kind:
        case "terminate":
            child.terminate()
        case "kill":
            log.warning("process %r (%s) did not end after SIGTERM: killing it", name, child.popen.pid)
            child.kill()
        case "wait":
            with anyio.move_on_after(step.seconds):
                await wait_gone(child)
        case "drain":
            await _drain(readers, step.seconds)
    return child.gone()


async def _drain(readers: Sequence[Task], seconds: float) -> None:
    # Whoever stops the process from a handler waits for this stop: nobody may wait for that handler in turn.
    others = [task for task in readers if not (task.done or task is Task.current() or waits_for_caller(task))]
    if await _ended(others, seconds):
        return
    for task in others:
        if not task.done:
            log.warning("%r was cancelled: it did not come to the end of its stream in %.3g s", task.label, seconds)
            task.cancel()
    await _ended(others, min(seconds, _CANCEL_TIMEOUT))


async def _ended(tasks: Sequence[Task], seconds: float) -> bool:
    with anyio.move_on_after(seconds if math.isfinite(seconds) else None):
        for task in tasks:
            await task.wait()
    return all(task.done for task in tasks)
