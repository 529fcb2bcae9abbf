"""
The signals that end `specter run`.

    first  ▶ the stop is asked for, and the backstops are armed
    second ▶ the process ends at once

Handlers of `signal.signal`, not of the event loop: those never run while the loop is blocked. A loop that is still
blocked when the time is up ends the process by SIGALRM, which names the line. A call into C that never comes back to
Python keeps every handler from running: there the dump of faulthandler names it, and the supervisor's SIGKILL, or
faulthandler's own exit where there is no supervisor, ends it.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from .shared import Shared

# A signal to a whole process group, or `timeout`'s, comes twice in one moment and is meant once.
SAME_MOMENT = 0.1
# How long after the end of the time a process that cannot run Python any more says where it is, and is ended.
DUMP_AFTER = 0.5
KILL_AFTER = 1.0

_STDERR = 2


def stop_signals() -> list[signal.Signals]:
    """SIGINT and SIGTERM, and SIGHUP unless it is ignored, as under nohup."""
    wanted = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        wanted.append(signal.SIGHUP)
    return wanted


class Signals:
    """
    Hears the signals that end this process.

    Args:
        shared: Says how much time there is from the first signal on, and how many signals were the supervisor's.
        supervised: Whether a supervisor ends this process if nothing else does.

    Attributes:
        number: The first signal; `None` before it.
        at: When it came, on the monotonic clock.
    """

    def __init__(self, shared: Shared, *, supervised: bool) -> None:
        self.number: int | None = None
        self.at = 0.0
        self._shared = shared
        self._supervised = supervised
        self._heard = 0
        self._stop: Callable[[], object] | None = None

    def install(self) -> None:
        """Hear them from now on. Until `listen`, the first one ends the process at once: it has nothing to end."""
        for number in stop_signals():
            signal.signal(number, self._hear)

    def listen(self, stop: Callable[[], object]) -> None:
        """
        Have the first signal ask for the end, instead of being it.

        Args:
            stop: Called by the first signal, between two lines of whatever runs in the main thread.
        """
        self._stop = stop

    @property
    def budget(self) -> float:
        """Seconds from the first signal to the end."""
        return self._shared.budget

    @budget.setter
    def budget(self, seconds: float) -> None:
        self._shared.budget = seconds

    @property
    def name(self) -> str:
        """What the first signal is called."""
        return "asked to end" if self.number is None else signal.Signals(self.number).name

    def time_left(self) -> float:
        """Seconds until the end must be reached; all of them if no signal has come."""
        return self.budget if self.number is None else max(0.0, self.at + self.budget - time.monotonic())

    def share(self, seconds: float) -> float:
        """Give *seconds*, or half of `time_left` if that is less: what hangs never uses the time of those after it."""
        return min(seconds, self.time_left() / 2)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._stop is None:
            _exit_at_once(number, "before the application was loaded")
        now = time.monotonic()
        if self.number is None:
            self._heard, self.number, self.at = 1, number, now
            self._arm()
            self._stop()
        elif now - self.at > SAME_MOMENT:
            self._heard += 1
            # The same signal may come from the terminal and from the supervisor: each of them must have sent two.
            if self._heard - self._shared.forwarded >= 2 or self._shared.forwarded >= 2:
                _exit_at_once(number, "the second signal")

    def _arm(self) -> None:
        faulthandler.dump_traceback_later(self.budget + DUMP_AFTER, exit=not self._supervised, file=_STDERR)
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, self._too_late)
            signal.setitimer(signal.ITIMER_REAL, self.budget)

    def _too_late(self, number: int, frame: FrameType | None) -> None:
        faulthandler.dump_traceback(file=_STDERR, all_threads=True)
        at = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}" if frame else "an unknown line"
        assert self.number is not None
        _exit_at_once(self.number, f"not done within {self.budget:g} s, and still at {at}")


def _exit_at_once(number: int, why: str) -> NoReturn:
    # Not by the logging or the streams of Python: the line that was interrupted may hold their locks.
    os.write(_STDERR, f"specter run: ended by {signal.Signals(number).name}: {why}\n".encode())
    os._exit(128 + number)
