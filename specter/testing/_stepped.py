"""Being told of each wait of a task, and of those of all other tasks, before the event loop hears of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Self

from specter._loop import Loop
from specter._testing.checkpoints import Countdown, place
from specter._where import frames


class Stepped(Coroutine[Any, Any, Any]):
    """
    A coroutine that tells of each of its waits, and of what is thrown into it.

    Looks like the coroutine within, to whoever asks for its name, its state or where it waits. An event loop may run it
    as a task, and a coroutine may await it.

    Args:
        coro: The coroutine within.
        countdown: Is told.
    """

    def __init__(self, coro: Any, countdown: Countdown) -> None:
        self._coro = coro
        self._countdown = countdown

    def __getattr__(self, name: str) -> Any:
        return getattr(self._coro, name)

    def __await__(self) -> Generator[Any, Any, Any]:
        return self  # it has all of a generator that is used of one

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        """Go on until the next wait."""
        # trio sends its errors, as outcomes that are opened at the wait.
        self._countdown.thrown(getattr(value, "error", None), self._place)
        return self._tell(self._coro.send(value))

    def throw(self, *error: Any) -> Any:
        """Go on with an error until the next wait."""
        self._countdown.thrown(error[0], self._place)
        return self._tell(self._coro.throw(*error))

    def close(self) -> None:
        """End it at the wait where it is."""
        self._coro.close()

    def _tell(self, waits_for: Any) -> Any:
        self._countdown(waits_for, self._place)
        return waits_for

    def _place(self) -> str:
        return place_of(self._coro)


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
        coro = Stepped(coro, countdown)
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
