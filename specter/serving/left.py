"""What is left at the end: tasks of the loop, the application's or the server's, and threads."""

from __future__ import annotations

import asyncio
import os
import sys
import sysconfig
import threading
import time
import traceback
from typing import Any

from specter._where import frames

from .budget import share

_LIBRARY = sysconfig.get_path("stdlib")

# A task with frames of these alone is a connection whose client does not read, or a library's own business.
_CARRIERS = sys.stdlib_module_names | frozenset(
    {
        "anyio",
        "engineio",
        "granian",
        "hypercorn",
        "quart",
        "socketio",
        "specter",
        "uvicorn",
        "uvloop",
        "websockets",
        "wsproto",
    }
)


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


def in_application(task: asyncio.Task[Any] | None) -> bool:
    """Whether *task* waits somewhere below a line of the application."""
    return any(_package(frame) not in _CARRIERS for frame, _ in frames(task))


async def sweep(seconds: float) -> list[asyncio.Task[Any]]:
    """
    Cancel every task of the loop but the caller's, and close the async generators that nobody iterates any more.

    Args:
        seconds: How long tasks may take to end, and then generators; half of the time left at most.

    Returns:
        The tasks that are left: the loop cannot be closed with them.
    """
    for task in (tasks := _others()):
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=share(seconds))
    # Closing the loop would wait for each ``finally``.
    closing = asyncio.create_task(asyncio.get_running_loop().shutdown_asyncgens(), name="close async generators")
    await asyncio.wait({closing}, timeout=share(seconds))
    return _others()


def _others() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


def _package(frame: Any) -> str:
    name = str(frame.f_globals.get("__name__", ""))
    # An application, although it lives in this package.
    return "demo" if name.startswith("specter.demo.") else name.partition(".")[0]
