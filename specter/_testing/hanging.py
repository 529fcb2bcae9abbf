"""
A test whose end nobody would live to see.

anyio's plugin runs the fixtures of a trio test in one task. When a task group that a fixture holds open fails, that
task ends with it, and the teardown waits for ever for a task that is not there (anyio issue 805). A thread looks for
that.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .collecting import is_async, is_used

# How long it must look so before it counts. Seconds, real: the task is not there for a moment while it is started, too.
_CERTAIN_AFTER = 1.0
_LOOK_EVERY = 0.1


class Watchdog:
    """One thread for all tests, which sleeps between them."""

    def __init__(self) -> None:
        self._item: pytest.Item | None = None
        self._armed = threading.Event()
        threading.Thread(target=self._watch, name="specter test watchdog", daemon=True).start()

    @contextmanager
    def over(self, item: pytest.Item) -> Iterator[None]:
        """Watch over one test."""
        self._item = item
        self._armed.set()
        try:
            yield
        finally:
            self._armed.clear()
            self._item = None

    def _watch(self) -> None:
        # Each look is at another moment of this very wait, or it would count waits that have nothing to do with it.
        seen: Any = None
        times = 0
        while True:
            self._armed.wait()
            waiting = _waits_in_vain()
            times = times + 1 if waiting is not None and waiting is seen else 0
            seen = waiting
            if times * _LOOK_EVERY >= _CERTAIN_AFTER:
                _end(waiting, self._item)
                times = 0
            threading.Event().wait(_LOOK_EVERY)


_watchdog: Watchdog | None = None


@contextmanager
def watched(item: pytest.Item) -> Iterator[None]:
    """End a test that waits for what will never come."""
    global _watchdog
    if "trio" not in sys.modules or not is_used(item.config) or not is_async(getattr(item, "function", None)):
        yield
        return
    if _watchdog is None:
        _watchdog = Watchdog()
    with _watchdog.over(item):
        yield


def _waits_in_vain() -> Any:
    """The runner of anyio's plugin for which the main thread waits, if its task has ended; else ``None``."""
    runner = getattr(sys.modules.get("anyio.pytest_plugin"), "_current_runner", None)
    if runner is None or getattr(runner, "_send_stream", True) is not None:
        return None
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None:
        if frame.f_code.co_name == "_call_in_runner_task" and frame.f_locals.get("self") is runner:
            return runner
        frame = frame.f_back
    return None


def _end(runner: Any, item: pytest.Item | None) -> None:
    name = "a test" if item is None else item.nodeid

    def give_up() -> None:
        raise RuntimeError(
            f"{name} cannot go on: the task that runs its async fixtures on trio has ended, because a task group that "
            "one of them holds open has failed; open the group in the test, or catch the errors of its tasks"
        )

    runner._call_queue.put(give_up)
