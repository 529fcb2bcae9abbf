"""Context managers that a service holds from the moment it enters them to its stop."""

from __future__ import annotations

import logging
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import TYPE_CHECKING, Any

import anyio

from ._shield import wait_regardless
from .task import Task

if TYPE_CHECKING:
    from .service import Service

log = logging.getLogger("specter.service")

# A context manager that is cancelled may have something to clean up. Seconds.
_CANCEL_TIMEOUT = 0.2


async def enter_held(service: Service, manager: Any) -> Any:
    """Enter *manager*, and leave it when *service* stops. See `Service.enter`."""
    if isinstance(manager, AbstractAsyncContextManager):
        return await _Held(service, manager).enter()
    if isinstance(manager, AbstractContextManager):
        value = manager.__enter__()
        service.add_cleanup(lambda: manager.__exit__(None, None, None))
        return value
    raise TypeError(f"a context manager is needed, got {type(manager).__name__}")


class _Held:
    """
    An async context manager, entered and left in one task.

    Cancel scopes and task groups must be left in the task that entered them, and a service is stopped in another one.
    """

    def __init__(self, service: Service, manager: AbstractAsyncContextManager[Any]) -> None:
        self._service = service
        self._manager = manager
        self._entered, self._release = anyio.Event(), anyio.Event()
        self._error: Exception | None = None
        self._value: Any = None
        # A task of the runtime: those of the service end before what they use.
        runtime = service._runtime
        self._task = Task(runtime, service, type(manager).__name__, runtime._tasks)
        runtime._start(self._task, self._hold, (), {}, service._own_context())

    async def enter(self) -> Any:
        try:
            await self._entered.wait()
        except BaseException:
            await self._give_up()
            raise
        if self._error is not None:
            raise self._error
        if self._task.done:
            raise RuntimeError(f"{self._task.label}, held by {self._service.name!r}, was cancelled")
        self._service.add_cleanup(self._leave)
        return self._value

    async def _leave(self) -> None:
        self._release.set()
        try:
            await self._task.wait()
        except BaseException:
            await self._give_up()
            raise
        if self._error is not None:
            raise self._error

    async def _give_up(self) -> None:
        self._task.cancel()
        await wait_regardless(self._task._ending(), anyio.current_time() + _CANCEL_TIMEOUT)
        if not self._task.done:
            self._task._runtime._abandon(self._task)

    async def _hold(self) -> None:
        try:
            async with self._manager as self._value:
                self._entered.set()
                await self._release.wait()
        except Exception as error:
            if self._entered.is_set() and not self._release.is_set():
                log.exception("%s, held by %r, failed", self._task.label, self._service.name)
            else:
                self._error = error
        finally:
            self._entered.set()
