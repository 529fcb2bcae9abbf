"""The time by which Specter goes on greenlets: the clock of the machine, unless a test moves it."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import get_native_id

# In a tuple, since freezegun puts fakes in the place of what modules hold themselves.
_real = (time.monotonic,)

# {thread, by the number that gevent does not patch: its time}, of those in which a test has moved that.
moved: dict[int, Callable[[], float]] = {}


def monotonic() -> float:
    """Seconds of the calling thread; as `time.monotonic` counts them, or its fake, where nothing was moved."""
    return moved.get(get_native_id(), time.monotonic)() if moved else time.monotonic()


def steady() -> float:
    """The same by the clock of the machine, whatever stands in the place of `time.monotonic`: timers go on."""
    return moved.get(get_native_id(), _real[0])() if moved else _real[0]()
