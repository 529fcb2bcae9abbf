"""What the gevent tests wait with, and the patched process that some of them need."""

from collections.abc import Callable
from pathlib import Path

import gevent
from fresh import python

PATIENCE = 10.0
PATCH = "from gevent import monkey\nmonkey.patch_all()\n"


def turns(count: int = 3) -> None:
    """Let everything run that can run now: what is spawned starts, what is killed ends, what is set wakes."""
    for _ in range(count):
        gevent.sleep(0)


def eventually(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Let other greenlets run until *condition* holds; fails if it does not within a bounded time."""
    with gevent.Timeout(patience, AssertionError(f"did not come true within {patience} s")):
        while not condition():
            gevent.sleep(0.002)


def ended(greenlet: gevent.Greenlet) -> object:
    """What *greenlet* returned; waits for its end for a bounded time, and raises what it raised."""
    return greenlet.get(timeout=PATIENCE)


def patched(code: str, *, folders: tuple[Path | str, ...] = (), **environ: str) -> str:
    """
    Run *code* in a new process that gevent has patched before anything else, as an application does.

    Returns:
        What it printed, without the last newline.
    """
    return python(PATCH + code, folders=folders, **environ)
