"""
From the boot to the end of the loop, under `specter run`.

    boot > serve > signal > drain, with the server alive > the server quits > lifespan shutdown > sweep
      failed, or interrupted by the signal: cancelled, and so rolled back ------------------------^
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from specter._deadline import at_most, time_left
from specter._where import where

from .application import Application
from .attach import host
from .budget import share
from .drain import Drained, drain, drain_manager
from .left import in_application, sweep
from .lifespan import Lifespan
from .listener import Listener
from .options import GRACEFUL_TIMEOUT, Options
from .servers import Server, reachable
from .signals import Signals
from .wakeup import wake_by_signals

log = logging.getLogger(__name__)

# Seconds. The server's own end; what is cancelled outright; what is kept back for the end of the loop (twice what is
# cancelled outright), of the threads and of the process.
QUIT_TIME = 1.0
CANCEL_TIME = 0.5
RESERVE = 2.0


class Sequence:
    """
    Serves one application once, and ends it.

    Args:
        application: What is served.
        server: What carries it.
        options: Of the command line.
        signals: Installed already.

    Attributes:
        clean: Whether nothing failed, and nothing of the application had to be abandoned.
        left: Tasks that did not end, whoever they belong to: the loop cannot be closed with them.
    """

    def __init__(self, application: Application, server: type[Server], options: Options, signals: Signals) -> None:
        self.clean = True
        self.left: list[asyncio.Task[Any]] = []
        self._application, self._server, self._options, self._signals = application, server, options, signals
        self._lifespan = Lifespan(application.gate.app)
        self._managers: list[Drained] = []
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Have `run` end, as a signal does."""
        self._stop.set()

    async def run(self, listener: Listener, announce: Callable[[], None]) -> None:
        """
        Boot, serve until `stop`, and end everything.

        Args:
            listener: Where clients come in.
            announce: Called when they can.
        """
        loop = asyncio.get_running_loop()
        wake_by_signals(loop.add_reader)
        # Not a signal handler of the loop: that never runs while the loop is blocked.
        self._signals.listen(partial(loop.call_soon_threadsafe, self.stop))
        booted = await self._boot()
        self.clean = booted
        if booted and not self._stop.is_set():
            await self._serve(self._server(self._application.gate, listener), listener, announce)
        with at_most(self._signals.time_left()):
            await self._end_lifespan(booted)
            await self._sweep()

    async def _boot(self) -> bool:
        host.set(self._take)  # for the task of the lifespan, which inherits it
        starting = asyncio.create_task(self._lifespan.startup(), name="boot")
        await self._first_of(starting)
        if not starting.done():
            starting.cancel()
            log.error("stopped during the boot, which is rolled back")
        elif error := starting.exception():
            log.error("the boot failed: %s", error)
        else:
            self._application.gate.state = self._lifespan.state
            return True
        return False

    def _take(self, manager: Drained) -> None:
        """Have a manager that boots in the lifespan drained at the end, and set up as the command line says."""
        if self._options.graceful_timeout is not None:
            manager.graceful_timeout = self._options.graceful_timeout
        if self._options.shutdown_timeout is not None:
            manager.shutdown_timeout = self._options.shutdown_timeout
        self._managers.append(manager)
        self._signals.budget = max(manager.shutdown_timeout for manager in self._managers)

    async def _serve(self, server: Server, listener: Listener, announce: Callable[[], None]) -> None:
        serving = asyncio.create_task(server.serve(), name="server")
        announcing = asyncio.create_task(_announce(listener, announce), name="announce")
        await self._first_of(serving)
        announcing.cancel()
        if serving.done():
            log.error("the server ended by itself", exc_info=serving.exception())
            self.clean = False
        log.info("%s: shutting down", self._signals.name)
        with at_most(self._signals.time_left()):
            try:
                await self._end_calls()
            except Exception:
                log.exception("the drain failed, going on without it")
                self.clean = False
            server.quit()
            await asyncio.wait({serving}, timeout=share(QUIT_TIME))
            serving.cancel()  # held by a client that does not read
            await asyncio.wait({serving}, timeout=share(CANCEL_TIME))

    async def _end_calls(self) -> None:
        await asyncio.gather(*map(drain_manager, self._managers))
        application, grace = self._application, self._options.graceful_timeout
        if all(manager.asgi is not application.gate for manager in self._managers):
            left = await drain(
                application.gate,
                socketio=application.socketio,
                handlers=application.handlers,
                graceful_timeout=GRACEFUL_TIMEOUT if grace is None else grace,
            )
            self.clean = self.clean and not left

    async def _end_lifespan(self, booted: bool) -> None:
        seconds = time_left() - share(RESERVE)
        until = asyncio.get_running_loop().time() + seconds
        ending = asyncio.create_task(self._lifespan.shutdown(until) if booted else self._lifespan.cancel())
        await asyncio.wait({ending}, timeout=seconds)
        if not ending.done():
            log.error("did not end: the application's lifespan, waits at %s", where(self._lifespan.task))
            self.clean = False
        elif failure := ending.result():
            log.error("the shutdown failed: %s", failure)
            self.clean = False

    async def _sweep(self) -> None:
        """Cancel what is left on the loop, and name what does not end."""
        self.left = await sweep(CANCEL_TIME)
        named = [name for manager in self._managers for name in manager.abandoned]
        for task in filter(in_application, self.left):
            place = where(task)
            if not any(name.endswith(place) for name in named):
                log.error("did not end: task %r, waits at %s", task.get_name(), place)
            self.clean = False
        self.clean = self.clean and not named

    async def _first_of(self, task: asyncio.Task[Any]) -> None:
        """Wait until *task* is done, or `stop` was called."""
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()


async def _announce(listener: Listener, announce: Callable[[], None]) -> None:
    await reachable(listener)
    announce()
