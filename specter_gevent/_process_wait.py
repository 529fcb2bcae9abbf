"""Waiting for the end of a child."""

from __future__ import annotations

import os

# gevent's would close at its next turn, and costs a watcher.
from posix import close

from gevent.hub import get_hub, sleep
from gevent.subprocess import Popen as GeventPopen

from specter._process_child import Child

# Between two looks at what no event tells: the end of a whole group; the end of a child where there is no pidfd.
_FIRST_LOOK = 0.001
_LONGEST_LOOK = 0.05


def wait(child: Child, *, keeps_hub: bool = True) -> int:
    """
    Wait until a child itself has ended, and reap it. Any number of greenlets may wait.

    Args:
        child: The child.
        keeps_hub: Whether gevent sees in this wait a reason to go on when nothing else is left to do.

    Returns:
        Its return code.
    """
    while (code := child.poll()) is None:
        _wait_for_end(child, keeps_hub)
    return code


def wait_gone(child: Child) -> None:
    """Wait until a child and its group are gone."""
    wait(child)
    pause = _FIRST_LOOK
    while not child.gone():
        sleep(pause)
        pause = min(pause * 2, _LONGEST_LOOK)


def _wait_for_end(child: Child, keeps_hub: bool) -> None:
    if isinstance(child.popen, GeventPopen):
        # Its hub reaps it, whoever waits: a pidfd may come too late.
        child.popen.wait()
        return
    try:
        end = os.pidfd_open(child.popen.pid)
    except ProcessLookupError:  # being reaped by somebody else
        sleep(_FIRST_LOOK)
        return
    except (AttributeError, OSError):  # not Linux, an old one, or no descriptor left
        _look_for_end(child)
        return
    hub = get_hub()
    readable = hub.loop.io(end, 1, ref=keeps_hub)
    try:
        hub.wait(readable)
    finally:
        readable.close()
        close(end)


def _look_for_end(child: Child) -> None:
    pause = _FIRST_LOOK
    while not child.has_ended():
        sleep(pause)
        pause = min(pause * 2, _LONGEST_LOOK)
