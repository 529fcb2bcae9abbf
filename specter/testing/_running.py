"""Booting what is under test, and shutting it down again."""

from __future__ import annotations

from types import TracebackType
from typing import Generic, TypeVar

from specter._loop import Loop
from specter._testing.blocks import AsyncBlock
from specter.manager import ServiceManager
from specter.service import Service

from ._serving import Serving
from ._target import NEEDED, Target

T = TypeVar("T")


def running(it: T) -> Running[T]:
    """
    Have *it* run for as long as the block does.

    The block may be left in another task than it was entered, as fixtures do; on trio it may not. What somebody else
    has booted already is left as it is. Blocks round the same application, and clients of it, share one boot.

    Args:
        it: A `Service`, started in the runtime around, or else in one of its own. A `ServiceManager`, ``manager.asgi``,
            a Quart application or another ASGI application: booted, with the lifespan of the application.

    Returns:
        A context manager that gives *it*.

    Raises:
        TypeError: *it* is nothing that can run.
        Exception: The start or boot has failed, by this error; what had started is stopped.
    """
    return Running(it)


class Running(AsyncBlock, Generic[T]):
    """Has something run. Made by `running`."""

    _made = "running(...)"

    def __init__(self, it: T) -> None:
        self._it = it
        self._service: Service | None = None
        self._serving: Serving | None = None

    async def __aenter__(self) -> T:
        it = self._it
        if isinstance(it, Service) and (not isinstance(it, ServiceManager) or Loop.is_trio()):
            await it.__aenter__()
            self._service = it
        else:
            self._serving = await Serving.join(Target.of(it, f"a service, {NEEDED}"))
        return it

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._service is not None:
            await self._service.__aexit__(kind, error, trace)
        if self._serving is not None:
            await self._serving.leave()
