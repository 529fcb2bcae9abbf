"""The event loop that something belongs to, reached from every thread."""

from __future__ import annotations

import asyncio
import math
import sys
from asyncio import _get_running_loop
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import Context, copy_context
from threading import get_ident, local
from typing import Any

import anyio
from anyio.lowlevel import EventLoopToken, current_token

from ._nap import Nap

# How often a thread that waits for a loop asks whether that loop still turns. A loop that was stopped but not closed
# never answers, and the thread would wait for good.
_ASK_EVERY = 0.2


class _Here(local):
    """The loop that this thread was last seen to run. A `RunVar` would keep every loop alive that there ever was."""

    loop: Loop | None = None


_here = _Here()


class LoopGone(RuntimeError):
    """The loop was closed, or does not turn any more."""


class Loop:
    """An event loop of asyncio or trio, and the thread in which it runs."""

    __slots__ = ("__weakref__", "create_task", "native", "new_scope", "thread", "time")

    def __init__(self, token: EventLoopToken) -> None:
        # asyncio's event loop, or trio's token.
        self.native: Any = token.native_token
        self.thread = get_ident()
        # The clock, in seconds: the same as `anyio.current_time`, which first finds out on which loop it is.
        self.time: Callable[[], float] = getattr(self.native, "time", anyio.current_time)
        # `None` on trio, where every task is one of a nursery.
        self.create_task: Callable[..., Any] | None = getattr(self.native, "create_task", None)
        # anyio's scope of this backend. Asking for it anew takes half of the time in which one is entered and left.
        self.new_scope: Callable[..., anyio.CancelScope] = type(anyio.CancelScope())

    @staticmethod
    def current() -> Loop | None:
        """The loop that runs in this thread; `None` if none does."""
        loop = _here.loop
        # Takes a third of the time of asking anyio. Only in a task: in callbacks of asyncio's loop trio may run, as its
        # guest.
        if loop is not None and loop.native is _get_running_loop() and asyncio.current_task() is not None:
            return loop
        try:
            token = current_token()
        except RuntimeError:
            # anyio's own error, or that of asyncio or trio: a thread may have been told of a loop that is not its own.
            return None
        if loop is None or loop.native is not token.native_token:
            loop = _here.loop = Loop(token)
        return loop

    @staticmethod
    def is_trio() -> bool:
        """Whether the caller runs on trio."""
        loop = Loop.current()
        return loop is not None and loop.create_task is None

    def here(self) -> bool:
        """Whether the caller is in the loop's own thread."""
        return get_ident() == self.thread

    async def sleep_until(self, moment: float) -> None:
        """
        Wait for a moment of its clock. Called in the loop.

        Args:
            moment: In seconds; infinite to wait until cancelled.
        """
        if not hasattr(self.native, "call_at"):
            await sys.modules["trio"].sleep_until(moment)
            return
        if moment < math.inf:
            await Nap(self.native, moment)
        else:
            await self.native.create_future()

    def call_in(self, context: Context, fn: Callable[..., Any], *args: Any) -> None:
        """Have *fn* called at the next turn of the loop, in *context* and in no task. On asyncio, in the loop."""
        self.native.call_soon(fn, *args, context=_known_as_asyncio(context))

    def soon(self, fn: Callable[..., Any], *args: Any) -> None:
        """
        Have *fn* called on the loop, soon. Never waits; safe from every thread.

        Raises:
            LoopGone: The loop is closed.
        """
        try:
            if hasattr(self.native, "call_soon_threadsafe"):
                self.native.call_soon_threadsafe(fn, *args, context=_known_as_asyncio(copy_context()))
            else:
                # In the caller's context, as on asyncio: it tells the runtime around the caller.
                self.native.run_sync_soon(copy_context().run, fn, *args)
        except RuntimeError as error:  # asyncio's own, or trio's RunFinishedError
            raise LoopGone(str(error)) from error

    def run(self, fn: Callable[..., Any], *args: Any) -> Any:
        """
        Call *fn* on the loop and wait for what it returns or raises; at once if the caller is in its thread.

        Raises:
            LoopGone: The loop is closed, or was stopped before it came to the call.
        """
        if get_ident() == self.thread:
            return fn(*args)
        answer: Future[Any] = Future()

        def answered() -> None:
            if not answer.set_running_or_notify_cancel():
                return
            try:
                answer.set_result(fn(*args))
            except BaseException as error:
                answer.set_exception(error)

        self.soon(answered)
        while not wait([answer], _ASK_EVERY).done:
            if not self._turns() and answer.cancel():
                raise LoopGone("the event loop was stopped")
        return answer.result()

    def _turns(self) -> bool:
        is_running = getattr(self.native, "is_running", None)
        return is_running() if is_running else True  # trio finishes what was handed to it, or says that it cannot


def _known_as_asyncio(context: Context) -> Context:
    """Have anyio know the loop in *context*: sniffio looks for a task, and a callback of the loop is none."""
    sniffio = sys.modules.get("sniffio")
    if sniffio is not None:
        context.run(sniffio.current_async_library_cvar.set, "asyncio")
    return context


def native_task() -> Any:
    """The task of asyncio or trio in which the caller runs."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return sys.modules["trio"].lowlevel.current_task()
