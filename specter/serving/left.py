"""What is left on the loop at the end: tasks, the application's or the server's."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from specter._where import frames

from .budget import share

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
