"""The time by which Specter goes on greenlets: the clock of the machine, unless a test moves it."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import get_native_id

_real = time.monotonic

# {thread, by the number that gevent does not patch: its time}, of those in which a test has moved that.
moved: dict[int, Callable[[], float]] = {}


def monotonic() -> float:
    """Seconds of the calling thread; as `time.monotonic` counts them where nothing was moved."""
    return moved.get(get_native_id(), _real)() if moved else _real()
