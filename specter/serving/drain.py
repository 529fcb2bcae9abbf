"""
Ending what goes through a gate: calls and socket handlers in flight, then the clients themselves.

What the manager needs (asyncio alone; nothing here is public):

    gate = Gate(socketio.ASGIApp(sio, app))      `specter.serving.gate`; the manager's ``asgi``, made once
    gate.open()                                  at the start of each boot
    detach = attach(manager)                     `specter.serving.attach`; in the lifespan, before the boot in it
    with at_most(manager.shutdown_timeout - gate.spent):    round the whole shutdown:
        await drain_manager(manager)             its first step; at once if it was done
        ...                                      handlers, services
    detach()                                     the last of all

The order, each step bounded by its own time and by half of what is left of the deadline in force
(`specter._deadline.stop_by`):

    the gate is closed > event streams end > requests and handlers get the graceful timeout > what is left of them is
    ended or cancelled > clients are disconnected by the server > connections go > Socket.IO's own tasks end
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

import anyio

from specter._where import where

from .budget import share
from .call import Call
from .clients import disconnect_all, end_background
from .cut import tell_cut
from .gate import Gate
from .left import in_application

if TYPE_CHECKING:
    from specter._running_handlers import RunningHandlers

log = logging.getLogger(__name__)

# Seconds. A `finally` that waits gets the first; a client that fetches its goodbye the second; a connection that was
# told to close the third; what is cancelled outright the last.
CLEANUP_TIME = 1.0
GOODBYE_TIME = 1.0
CLOSING_TIME = 0.3
CANCEL_TIME = 0.5


class Drained(Protocol):
    """What `drain_manager` reads and writes of a manager."""

    graceful_timeout: float
    shutdown_timeout: float
    ready: bool
    abandoned: list[str]

    @property
    def asgi(self) -> Gate: ...
    @property
    def socketio(self) -> Any: ...
    @property
    def running_handlers(self) -> RunningHandlers | None: ...


async def drain_manager(manager: Drained) -> None:
    """
    End the calls and the clients of a manager, which is not ready from now on.

    Two calls at once: the second waits for the first.

    Args:
        manager: What did not end is added to its ``abandoned``.
    """
    manager.ready = False
    left = await drain(
        manager.asgi,
        socketio=manager.socketio,
        handlers=manager.running_handlers,
        graceful_timeout=manager.graceful_timeout,
    )
    manager.abandoned += [name for name in left if name not in manager.abandoned]


async def drain(
    gate: Gate, *, socketio: Any = None, handlers: RunningHandlers | None = None, graceful_timeout: float = 2.0
) -> list[str]:
    """
    Turn new calls away, and end those that are there; the second caller waits for the first one's drain.

    Not reached by a cancellation of its caller, which leaves while the drain goes on.

    Args:
        gate: What the calls come through.
        socketio: The python-socketio server behind it, if any.
        handlers: Its handlers that run, if they are known.
        graceful_timeout: Seconds that requests and handlers may go on by themselves.

    Returns:
        What did not end, each with the line at which it waits; logged already. Empty if all is well.
    """
    if gate.drained is None:
        drain_all = _Drain(gate, socketio, handlers, graceful_timeout).run()
        gate.drained = asyncio.create_task(drain_all, name="specter drain")
    return await asyncio.shield(gate.drained)


class _Drain:
    """The steps, with what they share."""

    def __init__(self, gate: Gate, socketio: Any, handlers: RunningHandlers | None, graceful_timeout: float) -> None:
        self._gate = gate
        self._socketio = socketio
        self._handlers = handlers
        self._graceful_timeout = graceful_timeout

    async def run(self) -> list[str]:
        begun_at = anyio.current_time()
        for step in (
            self._turn_away,
            self._wait_for_work,
            self._end_work,
            self._disconnect_clients,
            self._end_connections,
            self._end_handlers,
            self._end_background,
        ):
            try:
                await step()
            except Exception:
                log.exception("%s failed, going on without it", step.__name__)
        self._gate.spent = anyio.current_time() - begun_at
        return self._left()

    async def _turn_away(self) -> None:
        self._gate.close()
        if self._handlers is not None:
            self._handlers.refuse_connections()

    async def _wait_for_work(self) -> None:
        await _within(self._graceful_timeout, self._work_done())

    async def _end_work(self) -> None:
        # Where a request waits its call does not tell: frameworks have a task of their own for it.
        tell_cut([*self._running(), *(repr(call) for call in self._gate.calls() if call.request)])
        if self._handlers is not None:
            self._handlers.refuse_events()
            self._handlers.cancel()
        self._end(lambda call: not call.engineio)
        await _within(CLEANUP_TIME, self._all_gone())

    async def _disconnect_clients(self) -> None:
        if self._socketio is not None:
            self._gate.engineio = self._socketio.eio
            await disconnect_all(self._socketio, share(GOODBYE_TIME))

    async def _end_background(self) -> None:
        if self._socketio is not None:
            await end_background(self._socketio, share(CANCEL_TIME))

    async def _work_done(self) -> None:
        """Wait until no request and no handler is left; streams, which would never end, are ended meanwhile."""
        while any(call.request for call in self._gate.calls()):
            self._end(lambda call: call.stream)
            await self._gate.changed()
        await self._handlers_idle()

    async def _all_gone(self) -> None:
        """Wait until no handler is left, and no call but those that carry clients."""
        await self._gone(lambda call: not call.engineio)
        await self._handlers_idle()

    async def _handlers_idle(self) -> None:
        if self._handlers is not None:
            await self._handlers.wait_until_idle()

    async def _gone(self, wanted: Callable[[Call], bool]) -> None:
        while any(map(wanted, self._gate.calls())):
            await self._gate.changed()

    async def _end_connections(self) -> None:
        """End what is still open: kindly, then by `Call.end`, then by cancelling the server's task."""
        await _within(CLOSING_TIME, self._gone(_every))
        self._end(_every)
        await _within(CLOSING_TIME, self._gone(_every))
        for call in self._gate.calls():
            log.warning("%r is cut: its client does not read, or the application does not end it", call)
            call.cancel()
        await _within(CANCEL_TIME, self._gone(_every))

    async def _end_handlers(self) -> None:
        if self._handlers:
            self._handlers.cancel()  # the first one was swallowed, or led into a ``finally`` that takes long
            await _within(CANCEL_TIME, self._handlers_idle())

    def _end(self, wanted: Callable[[Call], bool]) -> None:
        for call in filter(wanted, self._gate.calls()):
            call.end()

    def _left(self) -> list[str]:
        calls = [call for call in self._gate.calls() if in_application(call.task)]
        left = [*self._running(), *(f"{call!r} at {where(call.task)}" for call in calls)]
        for name in left:
            log.error("did not end: %s", name)
        return left

    def _running(self) -> list[str]:
        """The handlers that run, each with the line at which it waits."""
        return self._handlers.describe() if self._handlers is not None else []


async def _within(seconds: float, waiting: Awaitable[None]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(share(seconds)):
            await waiting


def _every(call: Call) -> bool:
    return True
