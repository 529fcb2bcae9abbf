"""Being told of each wait of a task, and of those of all other tasks, before the event loop hears of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

from specter._loop import Loop
from specter._testing.checkpoints import Countdown, place
from specter._where import frames


class Stepped:
    """Awaits a coroutine, and tells of each of its waits, and of what is thrown into it."""

    def __init__(self, coro: Any, countdown: Countdown) -> None:
        self._coro = coro
        self._countdown = countdown

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[Any], Any] = self._coro.send
        value: Any = None
        while True:
            try:
                waits_for = step(value)
            except StopIteration as end:
                return end.value
            self._countdown(waits_for, self._place)
            try:
                step, value = self._coro.send, (yield waits_for)
                # trio sends its errors, as outcomes that are opened at the wait.
                self._countdown.thrown(getattr(value, "error", None), self._place)
            except BaseException as error:
                self._countdown.thrown(error, self._place)
                step, value = self._coro.throw, error

    def _place(self) -> str:
        return place_of(self._coro)


async def stepped(coro: Awaitable[Any], countdown: Countdown) -> Any:
    """`Stepped` as a coroutine, which tasks are made of."""
    return await Stepped(coro, countdown)


@contextmanager
def told_of_other_tasks(countdown: Countdown) -> Iterator[None]:
    """Tell of each wait of tasks that begin meanwhile (asyncio), or of each step of all other tasks (trio)."""
    if Loop.is_trio():
        trio = sys.modules["trio"]
        instrument = _Steps(trio.lowlevel.current_task(), countdown)
        trio.lowlevel.add_instrument(instrument)
        try:
            yield
        finally:
            trio.lowlevel.remove_instrument(instrument)
        return
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()

    def make(loop: Any, coro: Any, **options: Any) -> Any:
        coro = stepped(coro, countdown)
        return asyncio.Task(coro, loop=loop, **options) if before is None else before(loop, coro, **options)

    loop.set_task_factory(make)
    try:
        yield
    finally:
        loop.set_task_factory(before)


class _Steps:
    """A trio instrument; the task of the scenario itself is told of by `Stepped`."""

    def __init__(self, mine: Any, countdown: Countdown) -> None:
        self._mine = mine
        self._countdown = countdown

    def after_task_step(self, task: Any) -> None:
        if task is not self._mine:
            self._countdown(None, lambda: place_of(task))


def place_of(waiting: Any) -> str:
    """Name the line at which a coroutine or a task waits; see `place`."""
    return place(list(frames(waiting)))
