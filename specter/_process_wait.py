"""Waiting for the end of a child."""

from __future__ import annotations

import os
import time

import anyio

from ._process_child import Child
from .sansio.process import LEAST_KILL_TIMEOUT

# Between two looks at what no event tells: the end of a whole group; the end of a child where there is no pidfd.
_FIRST_LOOK = 0.001
_LONGEST_LOOK = 0.05


async def wait(child: Child) -> int:
    """Wait until a child itself has ended, and reap it. Any number of tasks may wait. Returns its return code."""
    while (code := child.poll()) is None:
        await _wait_for_end(child)
    return code


async def wait_gone(child: Child) -> None:
    """Wait until a child and its group are gone."""
    await wait(child)
    pause = _FIRST_LOOK
    while not child.gone():
        await anyio.sleep(pause)
        pause = min(pause * 2, _LONGEST_LOOK)


def kill_and_reap(child: Child) -> None:
    """Kill, and block for the moment that the end takes: for when the event loop does not wait any more."""
    child.kill()
    for _ in range(int(LEAST_KILL_TIMEOUT / _FIRST_LOOK)):
        if child.gone():
            return
        time.sleep(_FIRST_LOOK)


async def _wait_for_end(child: Child) -> None:
    try:
        # One for each wait: it can be waited for by one task only, and nothing is left open if none waits.
        end = os.pidfd_open(child.popen.pid)
    except ProcessLookupError:  # being reaped by somebody else
        await anyio.sleep(_FIRST_LOOK)
        return
    except (AttributeError, OSError):  # not Linux, an old one, or no descriptor left
        await _look_for_end(child)
        return
    try:
        await anyio.wait_readable(end)
    finally:
        os.close(end)


async def _look_for_end(child: Child) -> None:
    pause = _FIRST_LOOK
    while not child.has_ended():
        await anyio.sleep(pause)
        pause = min(pause * 2, _LONGEST_LOOK)
