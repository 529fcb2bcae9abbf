"""Ending the clients of a python-socketio server, and what that server leaves running."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

log = logging.getLogger(__name__)


async def disconnect_all(socketio: Any, seconds: float) -> None:
    """
    Tell every client to go, by Engine.IO: clients take that for a restart and come back by themselves.

    `AsyncServer.disconnect` would tell them to stay away, and leave the queues of polling clients unread.

    Args:
        socketio: An ``AsyncServer``.
        seconds: How long a client may take to fetch its goodbye, its disconnect handlers included.
    """
    engineio = socketio.eio
    tasks = {asyncio.create_task(engineio.disconnect(sid)) for sid in list(engineio.sockets)}
    waiting = await _wait(tasks, seconds)
    # Once for a disconnect handler that hangs, once more for a client that does not read.
    for _ in range(2):
        for task in waiting:
            task.cancel()
        waiting = await _wait(waiting, seconds / 4)
    engineio.sockets.clear()


async def end_background(socketio: Any, seconds: float) -> None:
    """
    End the tasks that watch and ping the clients, of which python-socketio ends one alone.

    Args:
        socketio: An ``AsyncServer``.
        seconds: How long that may take.
    """
    engineio = socketio.eio
    if engineio.service_task_handle is not None:  # else there is none, and ending it twice is an error
        await _wait({asyncio.create_task(socketio.shutdown())}, seconds)
        # That task is started with the first client, once; after a second boot there is a first client again.
        engineio.start_service_task = True
    tasks = {task for task in asyncio.all_tasks() if _belongs_to(task, engineio)}
    for task in tasks:
        task.cancel()
    await _wait(tasks, seconds)


async def _wait(tasks: set[asyncio.Task[Any]], seconds: float) -> set[asyncio.Task[Any]]:
    """Give those of *tasks* that are left after *seconds*."""
    if not tasks:
        return set()
    done, left = await asyncio.wait(tasks, timeout=seconds)
    for task in done:
        if not task.cancelled() and (error := task.exception()):
            log.error("a client could not be told to go", exc_info=error)
    return left


def _belongs_to(task: asyncio.Task[Any], engineio: Any) -> bool:
    """Whether the task runs a method of this server, or of one of its sockets."""
    frame = getattr(task.get_coro(), "cr_frame", None)
    if frame is None or not frame.f_globals.get("__name__", "").startswith("engineio."):
        return False
    owner = frame.f_locals.get("self")
    return owner is engineio or getattr(owner, "server", None) is engineio
