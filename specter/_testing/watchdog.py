"""
A test whose end nobody would live to see.

A thread looks for waits that cannot end. It has the main thread, which waits so, raise an error that says it.

- anyio's plugin runs the fixtures of a trio test in one task. When a task group that a fixture holds open fails, that
  task ends with it, and the teardown waits for ever for a task that is not there (anyio issue 805).
- A task that swallows each cancellation keeps a nursery of trio, or an event loop of asyncio, from being closed; see
  `stubborn`.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import Any

import pytest

from .stubborn import Wait, main_frames, waits_for_stubborn

log = logging.getLogger("specter.testing")

# How long it must look so before it counts. Seconds, real: the task is not there for a moment while it is started, too.
_CERTAIN_AFTER = 1.0
_LOOK_EVERY = 0.1
# Tests that take longer are looked at for tasks that do not end, which takes some time: seldom.
_LONG = 5.0
_LOOK_AT_LONG_EVERY = 1.0


class Watchdog:
    """
    One thread for all tests, which sleeps between them.

    Attributes:
        told: What was said when it ended a wait in the test that it watches over; empty if it has ended none.
    """

    def __init__(self) -> None:
        self.told = ""
        self._item: pytest.Item | None = None
        self._began = 0.0
        self._armed = threading.Event()
        threading.Thread(target=self._watch, name="specter test watchdog", daemon=True).start()

    @contextmanager
    def over(self, item: pytest.Item) -> Iterator[None]:
        """Watch over one test."""
        self._item = item
        self._began = monotonic()
        self._armed.set()
        try:
            yield
        finally:
            self._armed.clear()
            self._item = None
            self.told = ""

    def _watch(self) -> None:
        # Each look is at another moment of this very wait, or it would count waits that have nothing to do with it.
        seen: object = None
        since = 0.0
        while True:
            self._armed.wait()
            is_long = monotonic() - self._began > _LONG
            wait = _waits_in_vain() or (_waits_long() if is_long else None)
            if wait is None or wait.what != seen:
                seen, since = wait and wait.what, monotonic()
            elif monotonic() - since >= wait.patience:
                error = wait.error("a test" if self._item is None else self._item.nodeid)
                self.told = str(error)
                wait.end(error)
                seen = None
            threading.Event().wait(_LOOK_AT_LONG_EVERY if is_long else _LOOK_EVERY)


def _waits_long() -> Wait | None:
    try:
        return waits_for_stubborn()
    except AttributeError:  # it looks into asyncio, anyio and trio, and another version may have other insides
        log.debug("the watchdog of tests cannot look for tasks that do not end", exc_info=True)
        return None


def _waits_in_vain() -> Wait | None:
    """The wait for anyio's runner of trio whose task has ended."""
    runner = getattr(sys.modules.get("anyio.pytest_plugin"), "_current_runner", None)
    if runner is None or getattr(runner, "_send_stream", True) is not None:
        return None
    for frame in main_frames():
        if frame.f_code.co_name == "_call_in_runner_task" and frame.f_locals.get("self") is runner:
            return Wait(id(runner), _CERTAIN_AFTER, _no_runner, partial(_end, runner))
    return None


def _no_runner(test: str) -> RuntimeError:
    return RuntimeError(
        f"{test} cannot go on: the task that runs its async fixtures on trio has ended, because a task group that "
        "one of them holds open has failed; open the group in the test, or catch the errors of its tasks"
    )


def _end(runner: Any, error: RuntimeError) -> None:
    def give_up() -> None:
        raise error

    runner._call_queue.put(give_up)
