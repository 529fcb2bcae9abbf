"""Pieces of one piece of work that run at the same time, and end with the caller."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from contextvars import copy_context
from typing import Any

import anyio
from anyio.lowlevel import cancel_shielded_checkpoint

from ._in_context import InContext
from ._loop import Loop
from ._shield import Undisturbed

Piece = Callable[[], Coroutine[Any, Any, None]]
# Told of a piece that does not end, and of its task.
Leave = Callable[[Piece, "asyncio.Task[None]"], None]


async def run_together(pieces: Iterable[Piece], *, patience: float = math.inf, leave: Leave | None = None) -> None:
    """
    Run *pieces* at the same time, each in a context of its own, until all have ended.

    They begin in order. Cancelled with the caller, and with the first that fails: those that have not begun then never
    do (on asyncio). One that is cancelled by itself ends alone.

    Args:
        pieces: Each is called in the task in which it runs.
        patience: Seconds that those that are cancelled have to end (on asyncio; on trio they are waited for).
        leave: Called for each that has not ended by then, which is waited for no longer.

    Raises:
        BaseException: The first error of a piece, when the others have ended.
    """
    loop = Loop.current()
    assert loop is not None
    if loop.create_task is None:
        await _in_nursery(pieces)
    else:
        await _Together(loop, pieces, patience, leave).run()


class _Worker:
    """What is known of a task that does pieces: the scope that cancels it, and the piece, `None` before the first."""

    __slots__ = ("piece", "scope")

    def __init__(self, scope: anyio.CancelScope) -> None:
        self.scope = scope
        self.piece: Piece | None = None


class _Together:
    """
    The pieces on asyncio, where a task does one after the other.

    When a piece waits, another task is there for the next one: none waits for another's end. A task for each, of the
    loop or of anyio's group, takes three times or seven times as long for pieces that wait but a little.

    As an anyio group does, this cancels by scopes, and waits for the end of all.
    """

    __slots__ = (
        *("_at_once", "_cancelled", "_ended_one", "_error", "_fresh", "_leave", "_loop", "_over"),
        *("_patience", "_pieces", "_timer", "_workers"),
    )

    def __init__(self, loop: Loop, pieces: Iterable[Piece], patience: float, leave: Leave | None) -> None:
        self._loop = loop
        self._pieces = deque(pieces)
        self._patience = patience
        self._leave = leave
        # From the first cancellation on, if there is an end of the patience.
        self._timer: asyncio.TimerHandle | None = None
        # Kept: asyncio itself holds only weak references to tasks.
        self._workers: dict[asyncio.Task[None], _Worker] = {}
        # Those that have not begun.
        self._fresh: set[_Worker] = set()
        # How many are made together: more and more while those that there are have ended no piece.
        self._at_once = 1
        self._ended_one = True
        self._error: BaseException | None = None
        # At the end of the last one; the event if the caller was cancelled before.
        self._over: asyncio.Future[None] = loop.native.create_future()
        self._cancelled: anyio.Event | None = None

    async def run(self) -> None:
        self._go_on()
        try:
            if self._workers:
                await self._over
        except asyncio.CancelledError:
            self._cancel()
            if self._workers:
                self._cancelled = anyio.Event()
                await Undisturbed().wait([self._cancelled])
            if self._error is None:
                raise
        if self._error is not None:
            raise self._error

    def _go_on(self) -> None:
        """See to it that the next piece begins, though all tasks may wait."""
        if self._fresh or not self._pieces:
            return
        self._at_once = 1 if self._ended_one else self._at_once * 2
        self._ended_one = False
        for _ in range(min(self._at_once, len(self._pieces))):
            worker = _Worker(self._loop.new_scope())
            self._fresh.add(worker)
            task = self._loop.native.create_task(self._work(worker))
            self._workers[task] = worker
            task.add_done_callback(self._ended)

    async def _work(self, worker: _Worker) -> None:
        native = asyncio.current_task()
        assert native is not None
        if native not in self._workers:
            # An eager task factory runs it within `_go_on`, and would run the next one within this one.
            await cancel_shielded_checkpoint()
        self._fresh.discard(worker)
        with worker.scope:
            # A cancellation that a piece leaves behind is not for the next one.
            while self._pieces and not native.cancelling():
                worker.piece = self._pieces.popleft()
                await InContext(worker.piece(), copy_context(), self._go_on)
                self._ended_one = True

    def _cancel(self) -> None:
        self._pieces.clear()
        for worker in self._workers.values():
            worker.scope.cancel()
        if self._timer is None and self._leave is not None:
            self._timer = self._loop.native.call_later(self._patience, self._go_on_without, self._leave)

    def _go_on_without(self, leave: Leave) -> None:
        left, self._workers = self._workers, {}
        for task, worker in left.items():
            if worker.piece is not None:
                leave(worker.piece, task)
        self._finish()

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()  # asked for also where it was left, else asyncio says so
        worker = self._workers.pop(task, None)
        if worker is None:
            return
        self._fresh.discard(worker)
        if error is not None and self._error is None:
            self._error = error
            self._cancel()
        self._go_on()
        if not self._workers:
            self._finish()

    def _finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._cancelled is not None:
            self._cancelled.set()
        elif not self._over.done():
            self._over.set_result(None)


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
