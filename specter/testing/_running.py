"""Booting what is under test, and shutting it down again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from specter._loop import Loop
from specter.manager import ServiceManager
from specter.service import Service

from ._serving import Serving
from ._target import Target

T = TypeVar("T")


@asynccontextmanager
async def running(it: T) -> AsyncIterator[T]:
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
    if isinstance(it, Service) and (not isinstance(it, ServiceManager) or Loop.is_trio()):
        async with it:
            yield it
        return
    serving = await Serving.join(Target.of(it))
    try:
        yield it
    finally:
        await serving.leave()
