"""
Running a scenario once for each of its checkpoints, and cancelling it there.

    scope    a cancel scope round it: delivered at every wait from there on
    native   asyncio's own `Task.cancel()`: delivered once, at the wait itself
    late     the same, when what it waited for has come and the task was not yet told
    below    the scope again, but the checkpoints of all other tasks are counted as well
"""

import asyncio
import itertools
import sys
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
from anyio.lowlevel import checkpoint

from specter._calls import call
from specter._waiting import waits

WAYS = {"asyncio": ("scope", "native", "late", "below"), "trio": ("scope", "below")}

# A scenario that waits without end would hang the test instead of failing it.
MOST = 1000

Cancel = Callable[[Any], object]


class Countdown:
    """Calls *cancel* with what is waited for at the *k*-th wait that it is told of."""

    def __init__(self, k: int) -> None:
        self.left = k
        self.cancel: Cancel = lambda waits_for: None

    @property
    def reached(self) -> bool:
        return self.left <= 0

    def __call__(self, waits_for: Any) -> None:
        self.left -= 1
        if self.left == 0:
            self.cancel(waits_for)


class Stepped:
    """Awaits a coroutine, and tells of each of its waits before the event loop hears of it."""

    def __init__(self, coro: Any, tell: Callable[[Any], None]) -> None:
        self.coro = coro
        self.tell = tell

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[Any], Any] = self.coro.send
        value: Any = None
        while True:
            try:
                waits_for = step(value)
            except StopIteration as end:
                return end.value
            self.tell(waits_for)
            try:
                step, value = self.coro.send, (yield waits_for)
            except BaseException as error:
                step, value = self.coro.throw, error


async def cancel_everywhere(
    scenario: Callable[[], Awaitable[Any]],
    check: Callable[[], Any] | None = None,
    *,
    prepare: Callable[[], Any] | None = None,
    ways: tuple[str, ...] | None = None,
) -> int:
    """
    Run *scenario* once for each of its checkpoints, cancelled there, and once to its end; in each way.

    Args:
        scenario: Makes a new one each time. What it raises fails the test.
        check: Plain or a coroutine function, called after each run when all that could end has ended: asserts that
            nothing is left. After it, or without it, no task may be left and nobody may wait for another.
        prepare: Plain or a coroutine function, called before each run.
        ways: Those to try, of the four above; all that the event loop has if not given.

    Returns:
        How many times it was cancelled.
    """
    backend = "trio" if "trio" in sys.modules and not _on_asyncio() else "asyncio"
    count = 0
    for way in ways or WAYS[backend]:
        for k in itertools.count(1):
            countdown = Countdown(k)
            if prepare is not None:
                await call(prepare)
            before = _tasks()
            try:
                await (_RUNS[way])(scenario, countdown)
                await _settle()
                if check is not None:
                    await call(check)
                assert not [name for task, name in _tasks().items() if task not in before], "tasks are left"
                assert not len(waits), "somebody still waits"
            except BaseException as error:
                error.add_note(f"cancelled at checkpoint {k} ({way}, {backend})")
                raise
            if not countdown.reached:
                break
            count += 1
            assert k < MOST, f"{scenario} has more than {MOST} checkpoints"
    return count


async def _in_a_scope(scenario: Callable[[], Awaitable[Any]], countdown: Countdown) -> None:
    with anyio.CancelScope() as scope:
        countdown.cancel = lambda waits_for: scope.cancel()
        await Stepped(_coroutine(scenario), countdown)


async def _natively(scenario: Callable[[], Awaitable[Any]], countdown: Countdown) -> None:
    await _in_a_task(scenario, countdown, lambda task, waits_for: task.cancel())


async def _late(scenario: Callable[[], Awaitable[Any]], countdown: Countdown) -> None:
    def cancel(task: asyncio.Task[Any], waits_for: Any) -> None:
        if waits_for is None:  # a turn of the loop is all it waits for
            task.cancel()
        else:
            waits_for.add_done_callback(lambda _: task.cancel())

    await _in_a_task(scenario, countdown, cancel)


async def _in_a_task(
    scenario: Callable[[], Awaitable[Any]], countdown: Countdown, cancel: Callable[[asyncio.Task[Any], Any], object]
) -> None:
    async def main() -> None:
        await Stepped(_coroutine(scenario), countdown)

    task = asyncio.create_task(main())
    countdown.cancel = lambda waits_for: cancel(task, waits_for)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


async def _with_all_below(scenario: Callable[[], Awaitable[Any]], countdown: Countdown) -> None:
    with anyio.CancelScope() as scope, _told_of_other_tasks(countdown):
        countdown.cancel = lambda waits_for: scope.cancel()
        await Stepped(_coroutine(scenario), countdown)


@contextmanager
def _told_of_other_tasks(tell: Callable[[Any], None]) -> Iterator[None]:
    """While it lasts, tell of each wait of a task that is begun in it (asyncio), of each step of any other (trio)."""
    if not _on_asyncio():
        trio = sys.modules["trio"]
        instrument = _Steps(trio, tell)
        trio.lowlevel.add_instrument(instrument)
        try:
            yield
        finally:
            trio.lowlevel.remove_instrument(instrument)
        return
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    loop.set_task_factory(lambda loop, coro, **options: asyncio.Task(_stepped(coro, tell), loop=loop, **options))
    try:
        yield
    finally:
        loop.set_task_factory(before)


class _Steps:
    """A trio instrument; the task that makes it is told of by `Stepped`."""

    def __init__(self, trio: Any, tell: Callable[[Any], None]) -> None:
        self.mine = trio.lowlevel.current_task()
        self.tell = tell

    def after_task_step(self, task: Any) -> None:
        if task is not self.mine:
            self.tell(None)


async def _stepped(coro: Any, tell: Callable[[Any], None]) -> Any:
    return await Stepped(coro, tell)


def _tasks() -> dict[Any, str]:
    """All tasks of this event loop, but the one in which each runtime serves the timers of all its services."""
    found = {task: task.get_name() for task in asyncio.all_tasks()} if _on_asyncio() else {}
    if not found:
        ahead = [sys.modules["trio"].lowlevel.current_root_task()]
        while ahead:
            task = ahead.pop()
            found[task] = task.name
            ahead += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return {task: name for task, name in found.items() if not name.startswith("timers of ")}


async def _coroutine(scenario: Callable[[], Awaitable[Any]]) -> Any:
    return await scenario()


async def _settle() -> None:
    for _ in range(10):
        await checkpoint()


def _on_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


_RUNS = {"scope": _in_a_scope, "native": _natively, "late": _late, "below": _with_all_below}
