"""What several may ask for at once, and is done once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gevent import getcurrent
from gevent.event import Event

from ._waiting import waiting_for, waits_for_caller


class Turn:
    """Runs a function for the first who asks; the others wait until that is done."""

    # The greenlet that runs it, and what is set at the end, if somebody waits for that.
    _greenlet: Any = None
    _ended: Event | None = None

    def run(self, fn: Callable[[], object]) -> None:
        """
        Call *fn*, or wait for the call that goes on; see `wait`.

        Raises:
            BaseException: What *fn* raised, to the one who called it.
        """
        if self._greenlet is not None:
            self.wait()
            return
        self._greenlet = getcurrent()
        try:
            fn()
        finally:
            self._greenlet = None
            if self._ended is not None:
                self._ended.set()
                self._ended = None

    def wait(self) -> None:
        """Wait for the call that goes on, if one does; not if that waits for the caller, as from within it."""
        if self._greenlet is None or self.is_around_caller():
            return
        if self._ended is None:
            self._ended = Event()
        with waiting_for(self._greenlet):
            self._ended.wait()

    def is_around_caller(self) -> bool:
        """Whether the call that goes on waits for the caller, or is the caller's own."""
        return self._greenlet is not None and waits_for_caller(self._greenlet)
