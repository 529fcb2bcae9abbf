"""
Carrying a teardown out: at once as long as nothing waits, and in a task from then on.

A service that has nothing to wait for stops in a few microseconds. From the first hook or cleanup on that waits, a
worker does the steps, one after the other, so that nothing reaches them but the deadline: the caller, who watches over
the time of each step, may be cancelled in whatever way. A worker whose step had to be cancelled ends with it, or is
left behind with it, and another one does the rest. Children are stopped in the same loop, however deep their tree.
"""

from __future__ import annotations

import inspect
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from ._calls import name_of
from ._deadline import stop_by
from ._in_context import InContext
from ._shield import Undisturbed
from ._timing import forget_timer
from ._waiting import waits, waits_of
from .sansio.deadline import half_way
from .sansio.ledger import Step
from .sansio.lifecycle import RUNNING
from .task import Task

if TYPE_CHECKING:
    from .service import Service

log = logging.getLogger("specter.service")

# Of the time of a step, what passes before it is cancelled.
_BEFORE_CANCEL = 0.75


class _Level:
    """One service in the tree that is torn down, innermost last."""

    __slots__ = ("service", "steps", "until")

    def __init__(self, service: Service, hooks: tuple[Callable[[], Any], ...]) -> None:
        self.service = service
        self.steps: Iterator[Step] = service._ledger.teardown(*hooks)
        # Known from the first wait on.
        self.until: float | None = None


class Teardown:
    """
    One teardown of one service and of its children.

    Args:
        service: Whose.
        hooks: Called before anything is released.
    """

    __slots__ = ("_enough", "_error", "_last", "_levels", "_limit", "_pending", "_undisturbed", "_until", "_worker")

    def __init__(self, service: Service, *hooks: Callable[[], Any]) -> None:
        self._levels: list[_Level] = []
        # The wait that comes next.
        self._pending: Coroutine[Any, Any, None] | None = None
        # Made by the first wait: most services have nothing to wait for.
        self._undisturbed: Undisturbed
        self._worker: Task
        # The deadline of the stop around this one.
        self._until: float
        # When the step that waits is cancelled, and when it is left behind.
        self._enough = self._limit = math.inf
        # Tasks that wait for this very stop: cancelled last, and not waited for.
        self._last: tuple[Task, ...] = ()
        self._error: BaseException | None = None
        self._descend(service, hooks)

    def run_plain(self) -> bool:
        """
        Do what does not wait.

        Returns:
            Whether that was all. If not, `run` does the rest.

        Raises:
            BaseException: What a step raised that is no `Exception`; everything was torn down all the same.
        """
        self._advance()
        if self._pending is not None:
            return False
        self._finish()
        return True

    async def run(self) -> None:
        """Do the rest, shielded, within the service's `stop_timeout` and the deadline of the stop around it."""
        self._undisturbed = Undisturbed()
        self._until = stop_by.get()
        while self._levels:
            self._begin_work()
            await self._watch()
        self._finish()
        self._undisturbed.go_on()

    def _advance(self) -> None:
        """Do steps until one waits, which is pending then, or none is left."""
        while self._levels and self._pending is None:
            level = self._levels[-1]
            step = next(level.steps, None)
            if step is None:
                self._ascend()
            else:
                self._pending = self._perform(level.service, step)

    def _finish(self) -> None:
        if self._error is not None:
            raise self._error

    # The worker, and who watches over it.

    def _begin_work(self) -> None:
        service = self._levels[-1].service
        runtime = service._runtime
        context = runtime._make_own(copy_context())
        context.run(stop_by.set, self._until)
        self._enough = self._limit = math.inf
        self._worker = Task(runtime, service, "stop", runtime._tasks)
        runtime._start(self._worker, self._work, (self._worker,), {}, context)

    async def _work(self, worker: Task) -> None:
        # If it was left behind another one goes on.
        while worker is self._worker and not worker._cancelled:
            self._advance()
            if self._pending is None:
                return
            pending, self._pending = self._pending, None
            await pending

    async def _watch(self) -> None:
        """Cancel the worker when the time of its step is up, and leave it behind if it does not end then."""
        worker, now = self._worker, self._worker._runtime._loop.time
        while not await self._undisturbed.wait([worker._ending()], self._enough):
            # It may have gone on to a step that has more time.
            if now() >= self._enough:
                log.error(
                    "%s of %r did not end in time, waits at %s: cancelled",
                    *(worker.label, worker.owner.name, worker.where()),
                )
                worker.cancel()
                if not await self._undisturbed.wait([worker._ending()], self._limit):
                    worker._runtime._abandon(worker)
                return

    def _descend(self, service: Service, hooks: tuple[Callable[[], Any], ...]) -> None:
        service._set_phase("stop")
        if self._levels:
            waits.add(self._levels[-1].service, service)
        self._levels.append(_Level(service, hooks))

    def _ascend(self) -> None:
        service = self._levels.pop().service
        if self._levels:
            waits.remove(self._levels[-1].service, service)
        if not self._levels:
            # Before they hear that it is stopped: one that waits to start it would do so.
            for task in self._last:
                task.cancel()
        service._be_stopped()

    # Steps: each returns what has to be awaited, if there is something.

    def _perform(self, service: Service, step: Step) -> Coroutine[Any, Any, None] | None:
        kind, subject = step
        match kind:
            case "hook" | "unsubscribe" | "cleanup":
                return self._call(service, subject)
            case "tasks":
                return self._begin_to_end_tasks(service)
            case "child":
                return self._stop_child(service, subject)
            case "timers":
                for timer in subject:
                    forget_timer(timer)
            case "subscribers":
                service._forget_subscribers()
            case "endless":
                log.error("stop of %r gave up: each of its steps acquires something new", service.name)
        return None

    def _call(self, service: Service, fn: Callable[[], Any]) -> Coroutine[Any, Any, None] | None:
        try:
            result = fn()
        except Exception:
            log.exception("%s of %r failed", _name(fn), service.name)
        except BaseException as error:
            log.exception("%s of %r failed", _name(fn), service.name)
            self._error = self._error or error
        else:
            if result is not None and inspect.isawaitable(result):
                return self._wait_for(service, result, _name(fn))
        return None

    def _stop_child(self, service: Service, child: Service) -> Coroutine[Any, Any, None] | None:
        service._let_go(child)
        if child._phase == RUNNING and child._stops_as_planned():
            self._descend(child, child._stop_hooks())
            return None
        # It stops in its own way, or is on its way already.
        return self._call(service, child.stop)

    async def _wait_for(self, service: Service, waiting: Awaitable[Any], name: str) -> None:
        """Await what a step gave, in a context of its own."""
        worker = self._worker
        worker.label, worker.owner = name, service
        self._enough, self._limit = self._limits()
        self._undisturbed.give_up_by(self._enough)
        context = copy_context()
        context.run(stop_by.set, self._enough)
        waits.add(service, worker)
        try:
            await InContext(_await(waiting, name, service.name), context)
        finally:
            waits.remove(service, worker)
            if worker is self._worker:
                self._enough = self._limit = math.inf

    def _begin_to_end_tasks(self, service: Service) -> Coroutine[Any, Any, None] | None:
        service._accepts_tasks = False
        tasks = service._ledger.tasks
        for task in list(tasks):
            if waits.leads(task, service):
                task.list_in(service._runtime._tasks)
                self._last += (task,)
        if not tasks:
            return None
        # At once: a task that has not begun never does.
        for task in list(tasks):
            task.cancel()
        asked = list(tasks)
        waits.add(service, asked)
        return self._end_tasks(service, tasks, asked)

    async def _end_tasks(self, service: Service, tasks: dict[Task, None], asked: list[Task]) -> None:
        undisturbed = Undisturbed()
        enough, limit = self._limits()
        await undisturbed.wait([task._ending() for task in asked], enough)
        waits.remove(service, asked)
        # A task that swallows the first cancellation is asked once more. What is left then stays behind, by name.
        if left := list(tasks):
            for task in left:
                task.cancel()
            with waits_of(service, left):
                await undisturbed.wait([task._ending() for task in left], limit)
        for task in list(tasks):
            service._runtime._abandon(task)
        undisturbed.go_on()

    def _limits(self) -> tuple[float, float]:
        """
        The moments by which the next step should, and must, have ended.

        The later one leaves half of the time, so that no step uses up that of those after it; the earlier one lets a
        step that is cancelled then end.
        """
        now = self._worker._runtime._loop.time()
        limit = self._until
        for level in self._levels:
            if level.until is None:
                level.until = min(limit, now + level.service.stop_timeout)
            limit = half_way(now, level.until)
        return now + (limit - now) * _BEFORE_CANCEL, limit


async def _await(waiting: Awaitable[Any], name: str, service: str) -> None:
    try:
        await waiting
    except Exception:
        log.exception("%s of %r failed", name, service)


def _name(fn: Callable[[], Any]) -> str:
    """What a step is called in logs; the stop of something that has a name by that."""
    owner: Any = getattr(fn, "__self__", None)
    if getattr(owner, "stop", None) == fn and hasattr(owner, "name"):
        return f"stop of {owner.name!r}"
    return name_of(fn)
