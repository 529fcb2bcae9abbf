"""
The doors through which asynchronous code has work done in threads: there it is counted.

anyio's are wrapped once, when a loop of the harness is first used, and stay so; on other event loops they do what they
always do. `loop.run_in_executor` is the loop's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anyio._core._eventloop import get_async_backend
from anyio.abc import AsyncBackend

from specter._testing.work import Work, current_job

TWICE = "time is virtual already on this event loop: use the clock of the `virtual_time` around, or leave that first"

WorkHere = Callable[[], Work | None]

_opened: set[type[AsyncBackend]] = set()


def open_doors(name: str, work_here: WorkHere) -> None:
    """
    Count what goes to the worker threads of anyio, and what comes back from them.

    Args:
        name: Of anyio's backend, ``asyncio`` or ``trio``. It is imported.
        work_here: Gives the work of the loop on which it is called; `None` if that is none of the harness.
    """
    # That which anyio itself uses: its module may have been imported anew since. There is no public way.
    backend: Any = get_async_backend(name)
    if backend not in _opened:
        _opened.add(backend)
        backend.run_sync_in_worker_thread = _counted(backend.run_sync_in_worker_thread, work_here)
        backend.run_async_from_thread = _waiting(backend.run_async_from_thread)


def _counted(run: Any, work_here: WorkHere) -> Any:
    async def run_sync_in_worker_thread(
        cls: type[AsyncBackend],
        func: Callable[..., Any],
        args: tuple[Any, ...],
        abandon_on_cancel: bool = False,
        limiter: Any = None,
    ) -> Any:
        work = work_here()
        if work is None:
            return await run.__func__(cls, func, args, abandon_on_cancel=abandon_on_cancel, limiter=limiter)
        limiter = limiter or cls.current_default_thread_limiter()
        job = work.begin(func, limiter)
        try:
            return await run.__func__(cls, job.bound(func), args, abandon_on_cancel=abandon_on_cancel, limiter=limiter)
        finally:
            job.end()

    return classmethod(run_sync_in_worker_thread)


def _waiting(run: Any) -> Any:
    def run_async_from_thread(cls: type[AsyncBackend], func: Any, args: tuple[Any, ...], token: object) -> Any:
        job = current_job()
        if job is None:
            return run.__func__(cls, func, args, token)

        async def visit(*args: Any) -> Any:
            with job.waits():
                return await func(*args)

        return run.__func__(cls, visit, args, token)

    return classmethod(run_async_from_thread)
