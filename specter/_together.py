"""Pieces of one piece of work that run at the same time, and end with the caller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import anyio

from ._loop import Loop
from ._shield import Undisturbed

Piece = Callable[[], Coroutine[Any, Any, None]]


async def run_together(pieces: Iterable[Piece]) -> None:
    """
    Run *pieces* at the same time, each in a task and context of its own, until all have ended.

    Cancelled with the caller, and with the first of them that fails. One that is cancelled by itself ends alone.

    Raises:
        BaseException: The first error of a piece, when the others have ended.
    """
    loop = Loop.current()
    assert loop is not None
    if loop.create_task is None:
        await _in_nursery(pieces)
        return
    together = _Together(loop)
    for piece in pieces:
        together.start(piece)
    await together.wait()


class _Together:
    """
    The pieces on asyncio: tasks of the loop, each in a scope.

    One of anyio's group takes twice the time. As the group does, this cancels them by scopes and waits for their end.
    """

    __slots__ = ("_cancelled", "_error", "_loop", "_over", "_pieces")

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        # Kept: asyncio itself holds only weak references to tasks.
        self._pieces: dict[asyncio.Task[None], anyio.CancelScope] = {}
        self._error: BaseException | None = None
        # At the end of the last one; the event if the caller was cancelled before.
        self._over: asyncio.Future[None] = loop.native.create_future()
        self._cancelled: anyio.Event | None = None

    def start(self, piece: Piece) -> None:
        scope = self._loop.new_scope()
        task = self._loop.native.create_task(_run_in(scope, piece))
        self._pieces[task] = scope
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
        for scope in self._pieces.values():
            scope.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._pieces[task]
        if not task.cancelled() and (error := task.exception()) is not None and self._error is None:
            self._error = error
            self._cancel()
        if not self._pieces:
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
