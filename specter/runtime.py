"""
The runtime: one heap of timers, and the services that were started in it with their tasks.

It lives in a task of its own, the host, on asyncio as well as on trio: any task may close the runtime, a
cancellation of the task that opened it never reaches the services' tasks before their teardown has run, and a task that
does not end keeps nobody.
"""

from __future__ import annotations

import logging
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary

import anyio

from ._calls import is_coroutine_function, name_of
from ._deadline import stop_by, time_left
from ._loop import Loop, native_task
from ._shield import Undisturbed, wait_regardless
from ._timing import fire
from ._waiting import around, waiting_for, waits_for_caller
from .sansio.timers import Timer, Timers
from .task import Task

if TYPE_CHECKING:
    from .service import Service

log = logging.getLogger(__name__)

# How often a service may come back while the runtime closes. One whose stop does nothing would be there for ever.
_MOST_STOPS = 5

# Tasks of the runtime itself have no stop_timeout of a service to go by.
_OWN_TASKS_TIMEOUT = 5.0

_current: ContextVar[Runtime | None] = ContextVar("specter_runtime", default=None)
_by_loop: WeakKeyDictionary[Any, Runtime] = WeakKeyDictionary()


@dataclass(frozen=True)
class RunningTask:
    """
    One line of `Runtime.tasks`.

    Attributes:
        owner: The name of the service, or of the runtime.
        label: The name of the task.
        age: Seconds since it was started.
        where: The line at which it waits, like ``app.py:31 in sweep``.
    """

    owner: str
    label: str
    age: float
    where: str


class Runtime:
    """
    Where services start: their tasks, and a clock.

    ``async with Runtime() as runtime:`` opens it. Leaving the block stops what still runs, last started first; a
    cancellation goes on after that. Works on asyncio and on trio.

    Args:
        name: For logs.

    Attributes:
        name: As given.
        abandoned: What did not end in time, each with the line at which it waits.
    """

    # Set when it is opened.
    _loop: Loop
    _context: Context
    _sleeps_until: float

    def __init__(self, name: str = "specter") -> None:
        self.name = name
        self.abandoned: list[str] = []
        self._open = False
        # By id, since a service may be unhashable: a dataclass, for one.
        self._services: dict[int, Service] = {}
        # Those that end with the runtime and not with a service: its own, and what runs while services stop.
        self._tasks: dict[Task, None] = {}
        self._left_behind: list[Task] = []
        self._errors: list[BaseException] = []
        self._outer: Runtime | None = None
        self._body: anyio.CancelScope | None = None
        self._timer_task: anyio.TaskHandle[None, None] | None = None

    def __repr__(self) -> str:
        return f"<Runtime {self.name!r}{' open' if self._open else ''}>"

    @staticmethod
    def current() -> Runtime | None:
        """
        The innermost runtime around the caller, else that of the manager booted on this event loop, else `None`.

        In a thread without an event loop, as Quart gives one to plain views, it is that of the only manager there is.
        """
        runtime = _current.get()
        while runtime is not None:
            if runtime._open and (runtime._loop.here() or Loop.current() is None):
                return runtime
            runtime = runtime._outer
        loop = Loop.current()
        if loop is not None:
            return _by_loop.get(loop.native)
        booted = list(_by_loop.values())
        return booted[0] if len(booted) == 1 else None

    def tasks(self) -> list[RunningTask]:
        """What runs in this runtime, oldest first."""
        if not self._open:
            return []
        return self._loop.run(self._list_tasks)  # type: ignore[no-any-return]

    async def __aenter__(self) -> Self:
        await self._enter()
        self._begin_block()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._leave()
        finally:
            self._end_block(kind, error, trace)

    def start_task(self, fn: Callable[..., Any], *args: Any, label: str | None = None) -> Task:
        """
        Start a task that belongs to the runtime itself and is ended when that closes.

        Args:
            fn: Plain or a coroutine function, called with *args*.
            label: Its name in logs; the function's if not given.

        Raises:
            RuntimeError: The runtime is closed.
        """
        if not self._open:
            raise RuntimeError(f"cannot start a task in runtime {self.name!r}: it is closed")
        return self._loop.run(self._start_task, fn, args, label)  # type: ignore[no-any-return]

    # What services and managers use.

    def _start(
        self,
        task: Task,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        context: Context,
    ) -> None:
        if not self._open:
            raise RuntimeError(f"cannot start {task.label!r} in runtime {self.name!r}: it is closed")
        loop = self._loop
        if loop.create_task is None:
            self._group.create_task(task.run(fn, args, kwargs), name=task.label, context=context)
        elif is_coroutine_function(fn):
            # One of the group would take twice the time and memory, and nothing leaves a task that a group had to hear
            # of: the owner knows it, and waits for it.
            task._native = context.run(loop.create_task, task.run(fn, args, kwargs), name=task.label)
        else:
            # It cannot wait, so it needs no task: a third of the time.
            loop.call_in(context, task.run_plain, fn, args, kwargs)

    def _make_own(self, context: Context) -> Context:
        """Make *context* one in which services and tasks of this runtime run."""
        context.run(self._reset_context)
        return context

    def _add_timer(self, timer: Timer, seconds: float) -> None:
        due = self._timers.add(timer, self._loop.time() + seconds)
        if self._timer_task is None:
            context = self._context.copy()
            self._timer_task = self._group.create_task(
                self._run_timers(), name=f"timers of {self.name}", context=context
            )
        elif due < self._sleeps_until:
            self._sleeps_until = -math.inf
            self._nap.cancel()

    def _serve_loop(self) -> None:
        """Be the runtime of all code on this event loop that is in no other: a manager's is."""
        _by_loop[self._loop.native] = self

    def _abandon(self, task: Task) -> None:
        """Go on without a task that does not end, and name it."""
        text = f"task {task.label!r} of {task.owner.name!r} did not end, waits at {task.where()}"
        log.error("%s", text)
        self.abandoned.append(text)
        self._left_behind.append(task)
        task.list_in({})

    def _escaped(self, error: BaseException, label: str, owner: str) -> None:
        """
        Deal with what came out of a task or a timer and is no `Exception`.

        On asyncio what ends the program is raised on: it ends the loop. Nothing may leave a system task of trio, so
        there it ends the block of the runtime, and comes out of that.
        """
        if isinstance(error, SystemExit | KeyboardInterrupt) and not self._loop.is_trio():
            if (task := native_task()) is not None:
                task.add_done_callback(_note_error)
            raise error
        if ends_program(error):
            self._end_program(error)
            return
        # Like pytest's Failed: out of the group it would leave the application without a runtime.
        log.error("task %r of %r failed", label, owner, exc_info=error)
        self._errors.append(error)

    def _end_program(self, error: BaseException) -> None:
        if not self._loop.is_trio():
            return  # in a group: the task below that raised it has ended the loop
        self._errors.append(error)
        if self._body is not None:
            self._body.cancel()
        else:
            self._closing.set()

    # Opening and closing.

    async def _enter(self) -> None:
        if self._open:
            raise RuntimeError(f"runtime {self.name!r} is open already")
        loop = Loop.current()
        assert loop is not None
        self._loop = loop
        self._timers = Timers()
        self._timer_task = None
        # Until when the timer task sleeps; minus infinity while it is awake and will look at the heap by itself.
        self._sleeps_until = -math.inf
        self._stop_by = math.inf
        self._ready, self._closing, self._left = anyio.Event(), anyio.Event(), anyio.Event()
        self._context = self._make_own(copy_context())
        self._begin_hosting()
        try:
            await wait_regardless(self._ready)
        except BaseException:
            await self._leave()
            raise

    def _begin_hosting(self) -> None:
        name = f"runtime {self.name}"
        if self._loop.is_trio():
            spawn_system_task = sys.modules["trio"].lowlevel.spawn_system_task
            self._host = spawn_system_task(self._hold, name=name, context=self._context.copy())
        else:
            # Kept: asyncio itself holds only weak references to tasks.
            self._host = self._loop.native.create_task(self._hold(), name=name, context=self._context.copy())

    def _begin_block(self) -> None:
        """Be the runtime of the block that begins here, which ends when the program does."""
        self._outer = _current.get()
        _current.set(self)
        if self._loop.is_trio():
            self._body = anyio.CancelScope()
            self._body.__enter__()

    def _end_block(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """
        Undo `_begin_block`.

        Raises:
            BaseException: What came out of tasks. Of an error of the block itself, what ends the program takes the
            place.
        """
        if _current.get() is self:
            _current.set(self._outer)
        body, self._body = self._body, None
        if body is not None:
            body.__exit__(kind, error, trace)
        errors, self._errors = self._errors, []
        if error is None or any(ends_program(kept) for kept in errors):
            _raise(errors)

    async def _leave(self) -> None:
        self._stop_by = min(self._stop_by, stop_by.get())
        self._closing.set()
        if self._runs_caller():
            return  # the group waits for the caller, which therefore must not wait for the group
        with waiting_for(self):
            await wait_regardless(self._left)

    def _runs_caller(self) -> bool:
        caller = around.get()
        if isinstance(caller, Task):
            caller = caller._runtime
        return caller is self or waits_for_caller(self) or native_task() is self._host

    async def _hold(self) -> None:
        around.set(self)
        try:
            async with anyio.create_task_group() as self._group:
                self._open = True
                self._ready.set()
                try:
                    await self._closing.wait()
                finally:
                    # Also when the event loop ends and cancels all tasks: what the services hold is still released.
                    await self._close()
        except BaseExceptionGroup as group:
            # asyncio's loop has raised what ends the program, and here it comes again.
            self._errors += [error for error in leaves(group) if not ends_program(error)]
        finally:
            self._open = False
            self._ready.set()
            self._left.set()

    async def _close(self) -> None:
        stop_by.set(self._stop_by)
        undisturbed = Undisturbed()
        with anyio.CancelScope(shield=True):
            await self._stop_services()
            await self._end_tasks(undisturbed)
        self._open = False
        if self._timer_task is not None:
            self._timer_task.cancel()
        if _by_loop.get(self._loop.native) is self:
            del _by_loop[self._loop.native]
        if not all(task.done for task in self._left_behind):
            # The group waits for them for ever, and cancelling its scope would make them spin. Nobody else waits.
            self._left.set()
        undisturbed.go_on()

    async def _stop_services(self) -> None:
        tries: Counter[int] = Counter()
        while self._services:
            key, service = next(reversed(self._services.items()))
            tries[key] += 1
            try:
                await service.stop()
            except Exception:
                log.exception("stop of service %r failed", service.name)
            except GeneratorExit:
                raise  # thrown away with its event loop
            except BaseException as error:
                # The services before it are stopped whatever it is. A cancellation of the host has had its effect.
                if not isinstance(error, anyio.get_cancelled_exc_class()):
                    self._errors.append(error)
            # It may be there again: a hook of another one has started it as a child.
            if tries[key] == _MOST_STOPS:
                self._services.pop(key, None)

    async def _end_tasks(self, undisturbed: Undisturbed) -> None:
        for _ in range(2):
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            limit = self._loop.time() + min(_OWN_TASKS_TIMEOUT, time_left()) / 2
            await undisturbed.wait([task._ending() for task in tasks], limit)
        for task in list(self._tasks):
            self._abandon(task)

    # Timers.

    async def _run_timers(self) -> None:
        while True:
            with anyio.CancelScope() as self._nap:
                while True:
                    self._fire()
                    self._sleeps_until = self._timers.next_due()
                    await self._loop.sleep_until(self._sleeps_until)
            # Woken early: a new timer falls due before the one that was slept for.

    def _fire(self) -> None:
        self._sleeps_until = -math.inf
        again = []
        for timer in self._timers.due(self._loop.time()):
            if not timer.cancelled:
                try:
                    if fire(timer):
                        again.append(timer)
                except BaseException as error:  # an Exception was logged
                    self._escaped(error, timer.key, timer.owner.name)
        self._timers.wind(again, self._loop.time())

    # Tasks.

    def _start_task(self, fn: Callable[..., Any], args: tuple[Any, ...], label: str | None) -> Task:
        task = Task(self, self, label or name_of(fn), self._tasks)
        self._start(task, fn, args, {}, self._context.copy())
        return task

    def _list_tasks(self) -> list[RunningTask]:
        now = self._loop.time()
        return [
            RunningTask(task.owner.name, task.label, now - task.since, task.where())
            for task in sorted(self._all_tasks(), key=lambda task: task.since)
        ]

    def _all_tasks(self) -> list[Task]:
        found = list(self._tasks)
        services = list(self._services.values())
        while services:
            ledger = services.pop()._ledger
            found += ledger.tasks
            services += ledger.children.values()
        return found

    def _reset_context(self) -> None:
        """What a task must not inherit from the code that opened the runtime, or started its service."""
        _current.set(self)
        around.set(None)
        stop_by.set(math.inf)


def _note_error(task: Any) -> None:
    """Keep asyncio from saying that nobody has asked for the error that ended the loop."""
    task.exception()


def ends_program(error: BaseException) -> bool:
    """Whether *error* is, or has in it, a SystemExit or KeyboardInterrupt."""
    return any(isinstance(leaf, SystemExit | KeyboardInterrupt) for leaf in leaves(error))


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors of a group and of the groups in it; *error* itself if it is none."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def _raise(errors: list[BaseException]) -> None:
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BaseExceptionGroup("errors of tasks", errors)
