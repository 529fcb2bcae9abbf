"""Where a greenlet waits: the line of the application, not of the libraries below it."""

from __future__ import annotations

from traceback import walk_stack

from greenlet import greenlet

from specter._where import innermost


def where(waiting: greenlet) -> str:
    """
    Name the innermost line of the application at which a greenlet waits.

    Args:
        waiting: Not the one that runs.

    Returns:
        Like ``app.py:31 in sweep``; the innermost line of all if none is the application's; ``nowhere`` if it has not
        begun, or has ended.
    """
    frame = waiting.gr_frame
    return innermost([] if frame is None else list(walk_stack(frame))[::-1])
