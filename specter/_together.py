"""Pieces of one piece of work that run at the same time, and end with the caller."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import anyio

from ._loop import Loop
from ._shield import Undisturbed

Piece = Callable[[], Coroutine[Any, Any, None]]
# Told of a piece that does not end, and of its task.
Leave = Callable[[Piece, "asyncio.Task[None]"], None]


async def run_together(pieces: Iterable[Piece], *, patience: float = math.inf, leave: Leave | None = None) -> None:
    """
    Run *pieces* at the same time, each in a task and context of its own, until all have ended.

    Cancelled with the caller, and with the first of them that fails. One that is cancelled by itself ends alone.

    Args:
        pieces: Each is called in its task.
        patience: Seconds that those that are cancelled have to end (on asyncio; on trio they are waited for).
        leave: Called for each that has not ended by then, which is waited for no longer.

    Raises:
        BaseException: The first error of a piece, when the others have ended.
    """
    loop = Loop.current()
    assert loop is not None
    if loop.create_task is None:
        await _in_nursery(pieces)
        return
    together = _Together(loop, patience, leave)
    for piece in pieces:
        together.start(piece)
    await together.wait()


class _Together:
    """
    The pieces on asyncio: tasks of the loop, each in a scope.

    One of anyio's group takes twice the time. As the group does, this cancels them by scopes and waits for their end.
    """

    __slots__ = ("_cancelled", "_error", "_leave", "_loop", "_over", "_patience", "_pieces", "_timer")

    def __init__(self, loop: Loop, patience: float, leave: Leave | None) -> None:
        self._loop = loop
        self._patience = patience
        self._leave = leave
        # From the first cancellation on, if there is an end of the patience.
        self._timer: asyncio.TimerHandle | None = None
        # Kept: asyncio itself holds only weak references to tasks.
        self._pieces: dict[asyncio.Task[None], tuple[anyio.CancelScope, Piece]] = {}
        self._error: BaseException | None = None
        # At the end of the last one; the event if the caller was cancelled before.
        self._over: asyncio.Future[None] = loop.native.create_future()
        self._cancelled: anyio.Event | None = None

    def start(self, piece: Piece) -> None:
        scope = self._loop.new_scope()
        task = self._loop.native.create_task(_run_in(scope, piece))
        self._pieces[task] = scope, piece
        task.add_done_callback(self._ended)

    async def wait(self) -> None:
        try:
            if self._pieces:
                await self._over
        except asyncio.CancelledError:
            self._cancel()
            if self._pieces:
                self._cancelled = anyio.Event()
                await Undisturbed().wait([self._cancelled])
            if self._error is None:
                raise
        if self._error is not None:
            raise self._error

    def _cancel(self) -> None:
        for scope, _ in self._pieces.values():
            scope.cancel()
        if self._timer is None and self._leave is not None:
            self._timer = self._loop.native.call_later(self._patience, self._go_on_without, self._leave)

    def _go_on_without(self, leave: Leave) -> None:
        left, self._pieces = self._pieces, {}
        for task, (_, piece) in left.items():
            leave(piece, task)
        self._finish()

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()  # asked for also where it was left, else asyncio says so
        if self._pieces.pop(task, None) is None:
            return
        if error is not None and self._error is None:
            self._error = error
            self._cancel()
        if not self._pieces:
            self._finish()

    def _finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._cancelled is not None:
            self._cancelled.set()
        elif not self._over.done():
            self._over.set_result(None)


async def _run_in(scope: anyio.CancelScope, piece: Piece) -> None:
    with scope:
        await piece()


async def _in_nursery(pieces: Iterable[Piece]) -> None:
    failed: list[Exception] = []

    async def run(piece: Piece) -> None:
        try:
            await piece()
        except Exception as error:
            failed.append(error)
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for piece in pieces:
            group.start_soon(run, piece)
    if failed:
        raise failed[0]
