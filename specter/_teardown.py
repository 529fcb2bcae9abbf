"""
Carrying a teardown out: at once as long as nothing waits, and by waiting for one step after the other from then on.

A service that has nothing to wait for stops in a few microseconds. A hook or cleanup that waits does so in a task of
its own, so that it can be given up, and so that nothing reaches it but the deadline: the caller, who waits for each
step, may be cancelled in whatever way. Children are stopped in the same loop, however deep their tree.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from ._calls import forget, name_of
from ._deadline import stop_by
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

    __slots__ = ("_error", "_last", "_levels", "_pending", "_undisturbed")

    def __init__(self, service: Service, *hooks: Callable[[], Any]) -> None:
        self._levels: list[_Level] = []
        # The wait that comes next.
        self._pending: Coroutine[Any, Any, None] | None = None
        # Made by the first wait: most services have nothing to wait for.
        self._undisturbed: Undisturbed
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
        while self._levels:
            level = self._levels[-1]
            step = next(level.steps, None)
            if step is None:
                self._ascend()
            else:
                self._pending = self._perform(level.service, step)
                if self._pending is not None:
                    return False
        for task in self._last:
            task.cancel()
        if self._error is not None:
            raise self._error
        return True

    async def run(self) -> None:
        """Do the rest, shielded, within the service's `stop_timeout` and the deadline of the stop around it."""
        self._undisturbed = Undisturbed()
        done = False
        while not done and self._pending is not None:
            await self._pending
            done = self.run_plain()
        self._undisturbed.go_on()

    def _descend(self, service: Service, hooks: tuple[Callable[[], Any], ...]) -> None:
        service._set_phase("stop")
        if self._levels:
            waits.add(self._levels[-1].service, service)
        self._levels.append(_Level(service, hooks))

    def _ascend(self) -> None:
        service = self._levels.pop().service
        if self._levels:
            waits.remove(self._levels[-1].service, service)
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
        """Await what a step gave, in a task: cancelled when its time is up, and left behind if it does not end then."""
        runtime = service._runtime
        enough, limit = self._limits()
        context = runtime._make_own(copy_context())
        context.run(stop_by.set, enough)
        task = Task(runtime, service, name, runtime._tasks)
        task.on_end = partial(forget, waiting)
        runtime._start(task, _await, (waiting, name, service.name), {}, context)
        with waits_of(service, task):
            if await self._undisturbed.wait([task._ending()], enough):
                return
            log.error("%s of %r did not end in time, waits at %s: cancelled", name, service.name, task.where())
            task.cancel()
            if not await self._undisturbed.wait([task._ending()], limit):
                runtime._abandon(task)

    def _begin_to_end_tasks(self, service: Service) -> Coroutine[Any, Any, None] | None:
        service._accepts_tasks = False
        tasks = service._ledger.tasks
        for task in list(tasks):
            if waits.leads(task, service):
                task.list_in(service._runtime._tasks)
                self._last += (task,)
        return self._end_tasks(service, tasks) if tasks else None

    async def _end_tasks(self, service: Service, tasks: dict[Task, None]) -> None:
        # A task that swallows the first cancellation is asked once more. What is left then stays behind, by name.
        for until in self._limits():
            asked = list(tasks)
            for task in asked:
                task.cancel()
            with waits_of(service, asked):
                await self._undisturbed.wait([task._ending() for task in asked], until)
        for task in list(tasks):
            service._runtime._abandon(task)

    def _limits(self) -> tuple[float, float]:
        """
        The moments by which the next step should, and must, have ended.

        The later one leaves half of the time, so that no step uses up that of those after it; the earlier one lets a
        step that is cancelled then end.
        """
        now = anyio.current_time()
        limit = stop_by.get()
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
