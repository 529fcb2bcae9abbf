"""The line of the application that makes something now."""

from __future__ import annotations

import sys
import threading
import types

from specter._where import innermost, is_library

from . import origins

# Its frames say how a child or a thread is made; a reader wants to know where that was asked for.
_STANDARD = frozenset({"subprocess", "socket", "ssl", "threading", "concurrent", "contextlib", "functools"})

# In a worker thread: the line at which its job was asked for.
asked = threading.local()


def maker() -> str:
    """
    Name the innermost line of the application that is being run.

    Returns:
        Like ``app.py:31 in sweep``. In a worker thread or a greenlet that runs none, the one that has asked for that;
        the line of the caller if there is none either.
    """
    first = sys._getframe(1)
    frame: types.FrameType | None = first
    while frame is not None:
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package not in _STANDARD and not is_library(frame):
            return innermost([(frame, frame.f_lineno)])
        frame = frame.f_back
    return getattr(asked, "line", None) or _line_of_greenlet() or innermost([(first, first.f_lineno)])


def _line_of_greenlet() -> str | None:
    """The line that has spawned the greenlet which runs, noted while somebody watches for leaks."""
    greenlets = sys.modules.get("greenlet")
    return None if greenlets is None else origins.line_of(greenlets.getcurrent())
