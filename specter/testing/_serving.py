"""The lifespan of an application under test: who needs it first starts it, who needs it last ends it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import anyio

from specter._loop import Loop
from specter._shield import run_whole
from specter.serving.attach import host
from specter.serving.clients import end_background
from specter.serving.lifespan import Lifespan, StartupFailed

from ._target import Target

# By loop, and by the id of what is served: it may be unhashable.
_served: WeakKeyDictionary[Any, dict[int, Serving]] = WeakKeyDictionary()

# Seconds that what has nothing more to do may take to end.
_END_TIME = 1.0


class Serving:
    """
    One application, from its boot to its shutdown, in tasks of its own: any task may begin it, and any other end it.

    Args:
        target: The application.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        # One starts or ends it at a time; the others wait for that.
        self._turn = anyio.Lock()
        self._users = 0
        self._interested = 0
        # Somebody else has booted it, and will shut it down.
        self._foreign = False
        self._lifespan: Lifespan | None = None
        self._failure: Exception | None = None

    @staticmethod
    def of(target: Target) -> Serving:
        """
        The one for an application on this loop; made when it is asked for first.

        Raises:
            RuntimeError: The loop is not asyncio's.
        """
        loop = Loop.current()
        if loop is None or Loop.is_trio():
            raise RuntimeError(
                "an application is served on asyncio alone: Quart and python-socketio do not run on trio"
            )
        here = _served.setdefault(loop.native, {})
        return here.setdefault(id(target.key), Serving(target))

    @staticmethod
    async def join(target: Target) -> Serving:
        """
        Have the application served, from now to `leave`. Two at once: the second waits for the start of the first.

        Raises:
            Exception: The boot has failed, by this error.
        """
        serving = Serving.of(target)
        serving._interested += 1
        try:
            async with serving._turn:
                if not serving._users:
                    await serving._start()
                serving._users += 1
        except BaseException:
            serving._lose_interest()
            raise
        return serving

    async def leave(self) -> None:
        """
        Need it no more. A cancellation is heard when it has ended.

        Raises:
            Exception: The shutdown has failed, by this error.
        """
        await run_whole(self._end, "release of the application under test")

    async def _end(self) -> None:
        try:
            async with self._turn:
                self._users -= 1
                if not self._users:
                    await self._stop()
        finally:
            self._lose_interest()

    def _lose_interest(self) -> None:
        self._interested -= 1
        if not self._interested:
            here = _served[asyncio.get_running_loop()]
            here.pop(id(self._target.key), None)

    async def _start(self) -> None:
        manager = self._target.manager
        self._foreign = manager is not None and manager.running
        if self._foreign:
            return
        if manager is not None and not self._target.booted_by_app:
            await manager.boot()
        try:
            await self._begin_lifespan()
        except BaseException:
            if manager is not None:
                await manager.shutdown()
            raise

    async def _stop(self) -> None:
        if self._foreign:
            return
        manager = self._target.manager
        runtime = manager._own_runtime if manager is not None else None
        try:
            await self._end_lifespan()
        finally:
            if manager is not None:
                await manager.shutdown()
            else:
                await self._end_socketio()
        if runtime is not None:
            # What came out of tasks and is no `Exception`, like pytest's own Failed: it is to be raised in the test.
            runtime._end_block(None, None, None)

    async def _begin_lifespan(self) -> None:
        if self._target.asgi is None:
            return
        lifespan = Lifespan(self._target.asgi)
        failure: str | None = None
        # Signals are those of whoever runs the test.
        token = host.set(_ignore)
        try:
            with self._noting_failures():
                await lifespan.startup()
        except BaseException as error:
            await run_whole(partial(_undo, lifespan), "end of a lifespan that did not start")
            if not isinstance(error, StartupFailed):
                raise
            failure = str(error)
        finally:
            host.reset(token)
        if failure is not None:
            raise self._told(failure)
        self._lifespan = lifespan
        manager = self._target.manager
        if manager is not None and not manager.booted:
            await self._end_lifespan()
            raise RuntimeError(
                f"the lifespan of {type(self._target.given).__name__} has not booted the manager: it must be passed on "
                "to the Quart application"
            )

    async def _end_lifespan(self) -> None:
        lifespan, self._lifespan = self._lifespan, None
        if lifespan is None or lifespan.task is None:
            return
        with self._noting_failures():
            failure = await lifespan.shutdown(math.inf)
        await asyncio.wait({lifespan.task}, timeout=_END_TIME)
        await lifespan.cancel()
        if failure is not None:
            raise self._told(failure)

    async def _end_socketio(self) -> None:
        # Where a manager is, its shutdown does this.
        socketio = getattr(self._target.asgi, "engineio_server", None)
        if hasattr(socketio, "eio"):
            await end_background(socketio, _END_TIME)

    @contextmanager
    def _noting_failures(self) -> Iterator[None]:
        """Keep the error that Quart tells of in a text alone."""
        if self._target.quart is None:
            yield
            return
        from quart.signals import got_serving_exception

        async def note(sender: Any, exception: Exception, **rest: Any) -> None:
            self._failure = exception

        with got_serving_exception.connected_to(note, sender=self._target.quart):
            yield

    def _told(self, text: str) -> Exception:
        failure, self._failure = self._failure, None
        return failure if failure is not None else RuntimeError(f"the lifespan of the application failed: {text}")


async def _undo(lifespan: Lifespan) -> None:
    # The cancellation may have come when the application had just started.
    if lifespan._started.is_set() and lifespan._failure is None:
        await lifespan.shutdown(math.inf)
    await lifespan.cancel()


def _ignore(manager: object) -> None:
    """Take over a manager that boots, and leave it as it is."""
