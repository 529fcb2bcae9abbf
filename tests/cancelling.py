"""Cancelling a coroutine at each of its waits, one after another."""

import types
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from typing import Any

import anyio

# More waits than any scenario has: one that never ends would hang the test instead of failing it.
MOST_WAITS = 500


async def at_each_wait(scenario: Callable[[], Coroutine[Any, Any, Any]]) -> AsyncIterator[int]:
    """
    Run *scenario* again and again, cancelled at its first wait, then at its second, until one run comes to its end.

    Yields the number of the wait after each run that was cancelled: what must hold then is the caller's to check.
    """
    for number in range(MOST_WAITS):
        with anyio.CancelScope() as scope:
            await _cancel_at(number, scenario(), scope)
        if not scope.cancel_called:
            return
        yield number
    raise AssertionError(f"more than {MOST_WAITS} waits")


@types.coroutine
def _cancel_at(number: int, coro: Coroutine[Any, Any, Any], scope: anyio.CancelScope) -> Generator[Any, Any, Any]:
    resume: Callable[[], Any] = lambda: coro.send(None)  # noqa: E731
    while True:
        try:
            waiting = resume()
        except StopIteration as end:
            return end.value
        if number == 0:
            scope.cancel()
        number -= 1
        try:
            value = yield waiting
        except BaseException as error:
            resume = _bound(coro.throw, error)
        else:
            resume = _bound(coro.send, value)


def _bound(fn: Callable[[Any], Any], value: Any) -> Callable[[], Any]:
    return lambda: fn(value)
