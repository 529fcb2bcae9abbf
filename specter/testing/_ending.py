"""Ending the tasks that a test has left on an event loop of asyncio, so that the loop can be closed."""

from __future__ import annotations

import asyncio
from typing import Any

from specter._loop import Loop
from specter._testing import origins
from specter._testing.stubborn import forget
from specter._where import where
from specter.sansio.leaks import Leak

from ._holdings import hosted_by, is_expected, name_of_task

# How long what was cancelled may take to end. Seconds, real.
_PATIENCE = 1.0


class Leftovers:
    """The tasks that come from now on. On trio there are none: a task there does not outlive its nursery."""

    def __init__(self) -> None:
        self._before = _tasks()

    async def end(self) -> list[Leak]:
        """
        Cancel those that are still there, and wait until they have ended, but not for ever.

        What swallows its cancellation would keep `asyncio.Runner` from closing the loop for good. It is taken out of
        what the loop is known to run. Runtimes that are open end by themselves.

        Returns:
            Those that have not ended, each with the line at which it waits.
        """
        left = {task for task in _tasks() - self._before if not _ends_by_itself(task)}
        if not left:
            return []
        for task in left:
            task.cancel()
        _, stubborn = await asyncio.wait(left, timeout=_PATIENCE)
        return [_abandon(task) for task in stubborn]


def _tasks() -> set[asyncio.Task[Any]]:
    return set() if Loop.is_trio() else asyncio.all_tasks()


def _ends_by_itself(task: asyncio.Task[Any]) -> bool:
    return task is asyncio.current_task() or hosted_by(task) is not None or is_expected(task)


def _abandon(task: asyncio.Task[Any]) -> Leak:
    found = Leak("tasks", f"task {name_of_task(task)!r}", created=origins.line_of(task), waits=where(task))
    forget(task)
    return found
