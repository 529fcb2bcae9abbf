"""
Tasks that swallow each cancellation, seen from another thread, and how to go on without them.

- On trio a nursery is left when its tasks have ended. Those that do not are ended by force: what stands in the place of
  their coroutine raises an error into the nursery.
- On asyncio a task group is left, and a loop is closed, when the tasks that were cancelled there have ended. What waits
  for them is given an error.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any, NamedTuple, NoReturn

from specter._where import where
from specter.sansio.leaks import Leak

from . import origins

# Longer than a service may take to stop, which it does shielded. Seconds, real.
PATIENCE = 40.0


class Wait(NamedTuple):
    """
    What the main thread waits for.

    Attributes:
        what: The same as long as it is the same wait and nothing has come of it.
        patience: After how many seconds it is in vain.
        error: Gives the error to end it with; called with the name of the test.
        end: Ends it with that.
    """

    what: object
    patience: float
    error: Callable[[str], Exception]
    end: Callable[[Any], None]


class StubbornTask(Exception):
    """A task does not end when it is cancelled."""

    def throw(self) -> NoReturn:
        """Raise it."""
        raise self


def waits_for_stubborn() -> Wait | None:
    """The wait for tasks that were cancelled, if the main thread is in one; it may well come to its end."""
    return _waits_to_close() or _waits_in_group() or _waits_to_leave()


def main_frames() -> Iterator[FrameType]:
    """The frames of the main thread, innermost first."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None:
        yield frame
        frame = frame.f_back


def keep(coroutine: Any) -> None:
    """Keep a coroutine for good, and the end of the program as well: if it were closed, it would go on even so."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(coroutine))


def forget(task: Any) -> None:
    """Have asyncio not know that a task runs."""
    # Meant for those who make tasks of their own ("Extending" in the documentation of asyncio).
    asyncio._unregister_task(task)
    # Or the end of the run would tell of it once more.
    task._log_destroy_pending = False
    keep(task.get_coro())


def _told(tasks: list[Any], test: str) -> StubbornTask:
    from specter.testing._holdings import name_of_task

    left = [Leak("tasks", f"task {name_of_task(one)!r}", None, origins.line_of(one), where(one)) for one in tasks]
    lines = "\n".join(f"  {leak}" for leak in left)
    return StubbornTask(f"{test} cannot go on, because of what does not end when it is cancelled:\n{lines}")


def _told_between(run: Callable[[Callable[[], object]], object], tasks: list[Any], test: str) -> StubbornTask:
    """The same by *run*, between two turns of the loop: what is cancelled again and again may run just now."""
    told: SimpleQueue[StubbornTask] = SimpleQueue()
    run(lambda: told.put(_told(tasks, test)))
    try:
        return told.get(timeout=1.0)
    except Empty:  # that thread does something else
        return _told(tasks, test)


# asyncio: the end of `asyncio.Runner`.


def _waits_to_close() -> Wait | None:
    for frame in main_frames():
        if frame.f_code.co_name == "_cancel_all_tasks" and frame.f_globals.get("__name__") == "asyncio.runners":
            loop, tasks = frame.f_locals["loop"], frame.f_locals.get("to_cancel", ())
            left = [task for task in tasks if not task.done()]
            return Wait(frozenset(map(id, left)), PATIENCE, partial(_told, left), partial(_close, loop, left))
    return None


def _close(loop: Any, tasks: list[Any], error: StubbornTask) -> None:
    def give_up() -> None:
        for task in tasks:
            forget(task)
        for waiting in gathering:
            if not waiting.done():
                waiting.set_exception(error)

    # What `asyncio.gather` has given, for which the loop runs; uvloop has no frame that holds it.
    kind: Any = asyncio.tasks._GatheringFuture  # type: ignore[attr-defined]
    gathering = [one for one in gc.get_objects() if type(one) is kind and not set(tasks).isdisjoint(one._children)]
    loop.call_soon_threadsafe(give_up)


# asyncio: the end of a task group that was cancelled, asyncio's own or anyio's.


def _waits_in_group() -> Wait | None:
    groups = list(_kept_groups())
    left = [task for group in groups for task in group._tasks]
    if not left:
        return None
    loop = groups[0]._on_completed_fut.get_loop()
    told = partial(_told_between, loop.call_soon_threadsafe, left)
    return Wait(frozenset(map(id, left)), PATIENCE, told, partial(_leave_groups, loop, groups))


def _kept_groups() -> list[Any]:
    """The groups that are kept by tasks which do not wait for another such group, all of one loop."""
    kinds = {asyncio.TaskGroup, getattr(sys.modules.get("anyio._backends._asyncio"), "TaskGroup", None)}
    groups = [one for one in gc.get_objects() if type(one) in kinds and _is_kept(one)]
    hosts = {group.cancel_scope._host_task if _is_of_anyio(group) else group._parent_task for group in groups}
    inner = [group for group in groups if hosts.isdisjoint(group._tasks)]
    return [group for group in inner if group._on_completed_fut.get_loop() is inner[0]._on_completed_fut.get_loop()]


def _is_kept(group: Any) -> bool:
    waiting = getattr(group, "_on_completed_fut", None)
    if waiting is None or waiting.done() or not group._tasks:
        return False
    return bool(group.cancel_scope._effectively_cancelled if _is_of_anyio(group) else group._aborting)


def _is_of_anyio(group: Any) -> bool:
    return hasattr(group, "cancel_scope")


def _leave_groups(loop: Any, groups: list[Any], error: StubbornTask) -> None:
    def give_up() -> None:
        for group in groups:
            if _is_kept(group):
                for task in group._tasks:
                    forget(task)
                group._on_completed_fut.set_exception(error)

    loop.call_soon_threadsafe(give_up)


# trio: the end of a nursery that was cancelled, in a test that anyio's plugin runs.


def _waits_to_leave() -> Wait | None:
    runner = getattr(sys.modules.get("anyio.pytest_plugin"), "_current_runner", None)
    calls = getattr(runner, "_call_queue", None)
    if calls is None:
        return None
    left = list(dict.fromkeys(_kept_back()))  # a nursery within another one is seen twice
    if not left:
        return None
    return Wait(
        frozenset(map(id, left)), PATIENCE, partial(_told_between, calls.put, left), partial(_leave, calls, left)
    )


def _kept_back() -> Iterator[Any]:
    """The tasks for which a nursery waits that was cancelled."""
    task_type = sys.modules["trio"].lowlevel.Task
    tasks = [one for one in gc.get_objects() if type(one) is task_type]
    left = [nursery for task in tasks for nursery in task.child_nurseries if _is_left(nursery)]
    while left:
        nursery = left.pop()
        for task in nursery.child_tasks:
            inner = [one for one in task.child_nurseries if one.child_tasks]
            left += inner
            if not inner:
                yield task


def _is_left(nursery: Any) -> bool:
    return bool(nursery._parent_waiting_in_aexit and nursery._cancel_status.effectively_cancelled)


def _leave(calls: Any, tasks: list[Any], error: StubbornTask) -> None:
    def give_up() -> None:
        for task in tasks:
            if type(task.coro) is _Ending:
                continue
            task.coro = _Ending(task.coro, error)
            # What is cancelled again and again comes round by itself; what waits behind a shield does not.
            if task._abort_func is not None:
                task._attempt_abort(error.throw)

    calls.put(give_up)  # called in the thread of the run, between two turns of it


class _Ending:
    """Stands in the place of a task's coroutine: its next step is the last."""

    def __init__(self, coroutine: Any, error: StubbornTask) -> None:
        self._coroutine = coroutine
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._coroutine, name)

    def send(self, value: object) -> None:
        """End the task with the error."""
        keep(self._coroutine)
        raise self._error
