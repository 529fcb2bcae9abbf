"""Waiting until something has come true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
from anyio.lowlevel import checkpoint

from specter._calls import call, is_coroutine_function
from specter._testing.question import Question

from ._looks import Look

# What is due at one moment has run after so many turns of the event loop.
_TURNS = 5


async def eventually(predicate: Callable[[], Any], *, on: Any = None, timeout: float = 10.0) -> Any:
    """
    Wait until *predicate* comes true: ``await eventually(lambda: store.get("n") == 3)``.

    It is asked at once, and again whenever all that could run has run: nothing is polled, and in virtual time the
    moment is exact. What a thread does without a word is noticed after 50 ms of real time, or at once if it is given as
    *on*.

    Args:
        predicate: A plain or a coroutine function without parameters. `AssertionError`, `AttributeError`, `KeyError`
            and `IndexError` mean that it is not true yet; a function that only asserts returns True at its end.
        on: What the predicate is about: a store, model, service, watcher, bus, registry or recorder, or a tuple of
            them. It is then asked again only when one of these has changed.
        timeout: Seconds.

    Returns:
        What the predicate gave.

    Raises:
        TimeoutError: It did not come true in time: has its text, and what it last gave or raised.
        TypeError: *predicate* cannot be called, or nothing can be heard of what is given as *on*.
        Exception: What else the predicate raised.
    """
    question = Question(predicate)
    with Look.at(on) as look, anyio.move_on_after(timeout):
        while not await _asked(question):
            await look.again()
        return question.answer
    # What is due at the very end of the time is in time.
    for _ in range(_TURNS):
        await checkpoint()
    if not is_coroutine_function(predicate) and await _asked(question):
        return question.answer
    raise question.unanswered(timeout)


async def _asked(question: Question) -> bool:
    try:
        return question.is_answered(await call(question.predicate))
    except Exception as error:
        if question.is_refused(error):
            return False
        raise
