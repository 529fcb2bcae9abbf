"""
One task of a service or of a runtime.

Nothing leaves a task but what ends the program. On trio it runs in a nursery, out of which an error would cancel every
other service. On asyncio it is a task of the event loop, of which its service or runtime alone knows; a plain function
needs none there: it cannot wait, so it runs in a callback of the loop.

Cancelling is delivered once, so that a ``finally`` may wait. Two scopes do that on asyncio: the outer one is cancelled;
the inner one is shielded but for the moment of the delivery, else anyio would deliver it again at every wait. On trio
delivery cannot be seen, and its users shield their cleanup: there the outer one alone is cancelled.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar, copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import anyio
from anyio.lowlevel import cancel_shielded_checkpoint

from ._calls import forget
from ._loop import LoopGone, native_task
from ._waiting import around, waiting_for, waits_for_caller
from ._where import where

if TYPE_CHECKING:
    from .runtime import Runtime

log = logging.getLogger(__name__)

current_task: ContextVar[Task | None] = ContextVar("specter_task", default=None)

# Attempts to deliver a cancellation so that it comes once: the task is the caller or about to run, and will wait within
# a turn or two of the loop.
_ATTEMPTS = 3

# After them it must sit in a shield of its own. Seconds between two looks at whether it has left that.
_LOOK_AFTER = 0.01
_LOOK_AT_LEAST_EVERY = 0.1


class Owner(Protocol):
    """Whose task it is: a service or a runtime."""

    @property
    def name(self) -> str: ...


class Task:
    """
    A handle for what `Service.spawn` started.

    Attributes:
        label: The name in logs.
        owner: The service or the runtime that ends it.
        done: Whether it has ended, in whatever way.
        since: When it was started, on the clock of the loop.
    """

    __slots__ = (
        "_cancelled",
        "_delivering",
        "_finished",
        "_inner",
        "_listed",
        "_native",
        "_outer",
        "_result",
        "_runtime",
        "done",
        "label",
        "on_end",
        "owner",
        "since",
    )

    def __init__(self, runtime: Runtime, owner: Owner, label: str, listed: dict[Task, None]) -> None:
        self.owner = owner
        self.label = label
        self.done = False
        self.since = runtime._loop.time()
        # Called when it has ended, in whatever way: also when it was cancelled before it began.
        self.on_end: Callable[[], None] | None = None
        self._runtime = runtime
        # Where its owner finds it; it takes itself out when it ends.
        self._listed = listed
        self._listed[self] = None
        self._cancelled = False
        self._delivering = False
        self._finished: anyio.Event | None = None
        self._result: Any = None
        # Cancelled to cancel the task. Both are there while its function runs.
        self._outer: Any = None
        self._inner: anyio.CancelScope | None = None
        self._native: Any = None

    def __repr__(self) -> str:
        return f"<Task {self.label!r} of {self.owner.name!r}{' done' if self.done else ''}>"

    @staticmethod
    def current() -> Task | None:
        """The task in which the caller runs; `None` outside of all tasks of services."""
        return current_task.get()

    def cancel(self) -> None:
        """
        Cancel: delivered at the task's next wait, once for each call (asyncio). Harmless when it has ended.

        A task that sits in a shielded scope of its own hears of it when it leaves that. Safe from every thread.
        """
        if self.done:
            return
        self._cancelled = True
        if self._runtime._loop.here():
            self._begin_delivery()
            return
        try:
            self._runtime._loop.soon(self._begin_delivery)
        except LoopGone:
            log.debug("%r is gone with its event loop", self)

    async def wait(self) -> Any:
        """
        Wait until the task has ended.

        Returns:
            What its function returned; `None` after an error (which was logged) or a cancellation. `None` at once if
            the task itself waits for the caller: the task that stops a service, when a hook of that service waits for
            it.
        """
        if self.done or self._waits_for_this_task():
            return self._result
        with waiting_for(self):
            await self._ending().wait()
        return self._result

    def where(self) -> str:
        """The line of the application at which it waits, like ``app.py:31 in sweep``."""
        return where(self._native) if self._inner is not None else "its beginning"

    async def run(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Be the task: call *fn* and let nothing out. For owners only."""
        if self._native is None:
            await self._know_native()
        current_task.set(self)
        around.set(self)
        try:
            await self._call(fn, args, kwargs)
        except GeneratorExit:
            raise  # thrown away with its event loop
        except BaseException as error:
            # A cancellation ends here, too: this is the very end of the task.
            self._failed(error)
        finally:
            self._end()

    def run_plain(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Be the task of a plain function, in a callback of asyncio's loop. Only what it gives may need a task."""
        current_task.set(self)
        around.set(self)
        try:
            result = None if self._cancelled else fn(*args, **kwargs)
            if result is not None and inspect.isawaitable(result):
                self.on_end = partial(forget, result)  # it may be cancelled before it begins
                self._runtime._start(self, _give, (result,), {}, copy_context())
                return
            self._result = result
        except BaseException as error:
            self._end()
            self._failed(error)
        else:
            self._end()

    async def run_here(self, fn: Callable[..., Any], *args: Any) -> None:
        """Be a piece of the caller's task that its owner ends. An error is logged, a foreign cancellation goes on."""
        self._native = native_task()
        with waiting_for(self):
            tokens = current_task.set(self), around.set(self)
            try:
                await self._call(fn, args, {})
            except Exception:
                log.exception("%s of %r failed", self.label, self.owner.name)
            finally:
                current_task.reset(tokens[0])
                around.reset(tokens[1])
                self._end()

    def list_in(self, tasks: dict[Task, None]) -> None:
        """Be found there from now on, and no more where it was. For owners only."""
        self._listed.pop(self, None)
        self._listed = tasks
        tasks[self] = None

    async def _know_native(self) -> None:
        if self._runtime._loop.create_task is None:
            self._native = native_task()
        else:
            # An eager task factory runs it within `spawn`: it is to run from the next switch on.
            await cancel_shielded_checkpoint()

    async def _call(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        new_scope = self._runtime._loop.new_scope
        with new_scope() as self._outer, new_scope() as self._inner:
            if not self._cancelled:
                result = fn(*args, **kwargs)
                self._result = await result if inspect.isawaitable(result) else result

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, Exception):
            log.error("task %r of %r failed", self.label, self.owner.name, exc_info=error)
        elif not isinstance(error, anyio.get_cancelled_exc_class()):
            self._runtime._escaped(error, self.label, self.owner.name)

    def _begin_delivery(self) -> None:
        if self._inner is None or self._delivering:
            return  # it has ended, or has not begun and will see the flag; or the cancellation is on its way
        if hasattr(self._native, "cancelling"):
            self._deliver()
        else:
            self._outer.cancel()

    def _deliver(self, attempt: int = 1) -> None:
        self._delivering = False
        if self._inner is None:
            return
        before = self._native.cancelling()
        self._inner.shield = False
        self._outer.cancel()
        if self._native.cancelling() > before:
            self._inner.shield = True
            return
        self._delivering = True
        if attempt < _ATTEMPTS:
            self._inner.shield = True
            self._runtime._loop.native.call_soon(self._deliver, attempt + 1)
        else:
            # anyio delivers when the task leaves its shield, and at every wait from then on until we see it.
            self._look(before, _LOOK_AFTER)

    def _look(self, before: int, after: float) -> None:
        if self._inner is None:
            return
        if self._native.cancelling() > before:
            self._inner.shield = True
            self._delivering = False
        else:
            wait = min(after * 2, _LOOK_AT_LEAST_EVERY)
            self._runtime._loop.native.call_later(after, self._look, before, wait)

    def _ending(self) -> anyio.Event:
        """Set when the task has ended."""
        finished = self._finished
        if finished is None:
            finished = self._finished = anyio.Event()
            if self.done:
                finished.set()
            elif self._native is not None and self._outer is None and self._runtime._loop.create_task is not None:
                # Cancelled natively before it begins, as by the end of the event loop, it never comes to its own end.
                self._native.add_done_callback(self._end_unbegun)
        return finished

    def _end_unbegun(self, native: Any) -> None:
        if not self.done:
            self._end()

    def _waits_for_this_task(self) -> bool:
        caller = around.get()
        # A task that the caller started in a way that we do not see has the context of the caller, but may wait.
        return isinstance(caller, Task) and waits_for_caller(self) and caller._native is native_task()

    def _end(self) -> None:
        self.done = True
        self._native = self._outer = self._inner = None
        self._listed.pop(self, None)
        if self.on_end is not None:
            self.on_end()
        if self._finished is not None:
            self._finished.set()


async def _give(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
