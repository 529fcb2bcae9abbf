"""The threads that are left at the end: they cannot be cancelled, and they keep the process alive."""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
import time
import traceback

# Seconds that worker threads get when all else is done.
THREAD_TIME = 0.5

_LIBRARY = sysconfig.get_path("stdlib")


def threads_left(seconds: float) -> list[str]:
    """
    Wait for the threads that keep the process alive.

    Args:
        seconds: For all of them.

    Returns:
        Those that did not end, by name and line.
    """
    until = time.monotonic() + seconds
    threads = [
        thread for thread in threading.enumerate() if not thread.daemon and thread is not threading.main_thread()
    ]
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return [f"thread {thread.name!r}, at {_where_thread(thread)}" for thread in threads if thread.is_alive()]


def _where_thread(thread: threading.Thread) -> str:
    frame = sys._current_frames().get(thread.ident or 0)
    stack = traceback.extract_stack(frame) if frame is not None else []
    # Worker threads begin in the library, and often end in it: the application is between.
    own = [line for line in stack if "site-packages" not in line.filename and not line.filename.startswith(_LIBRARY)]
    if not stack:
        return "its end"
    line = (own or stack)[-1]
    return f"{os.path.basename(line.filename)}:{line.lineno} in {line.name}"
