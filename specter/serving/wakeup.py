"""A signal that comes while the event loop falls asleep."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial


def wake_by_signals(watch: Callable[[int, Callable[[], None]], object]) -> None:
    """
    Have every signal wake the event loop that runs in the main thread.

    Python runs a handler between two lines, and a sleep that is interrupted ends. A signal after the last line before
    the sleep does neither: its handler would run when something else wakes the loop (Python, `signal.set_wakeup_fd`).

    Args:
        watch: Has the loop call a function each time that a file descriptor can be read. Not called if the loop is
            woken already: some have Python do this by themselves.
    """
    present = signal.set_wakeup_fd(-1)
    if present != -1:
        signal.set_wakeup_fd(present)
        return
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    watch(reading, partial(_empty, reading))


def _empty(reading: int) -> None:
    with suppress(BlockingIOError):
        while os.read(reading, 4096):
            pass
