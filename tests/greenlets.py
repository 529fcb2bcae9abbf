"""What the gevent tests wait with, and the patched process that some of them need."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
from fresh import python

from specter_gevent.testing import cancel_everywhere

PATIENCE = 10.0
PATCH = "from gevent import monkey\nmonkey.patch_all()\n"


def turns(count: int = 3) -> None:
    """Let everything run that can run now: what is spawned starts, what is killed ends, what is set wakes."""
    for _ in range(count):
        gevent.sleep(0)


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


def kill_everywhere(scene: Callable[[], Iterator[Callable[[], Any]]]) -> int:
    """
    `cancel_everywhere` for a scene in one piece.

    Args:
        scene: A generator function. It sets the scene, yields the function to kill, and checks what is left.

    Returns:
        How many times it was killed.
    """
    steps: Iterator[Any] = iter(())
    act: Callable[[], Any] = turns

    def prepare() -> None:
        nonlocal steps, act
        steps = scene()
        act = next(steps)

    return cancel_everywhere(lambda: act(), lambda: next(steps, None), prepare=prepare)


def held(*objects: Any) -> list[str]:
    """The locks among the attributes of these that somebody holds, by name."""
    return [
        f"{type(owner).__name__}.{name}"
        for owner in objects
        for name, value in vars(owner).items()
        if hasattr(value, "acquire") and is_held(value)
    ]


def is_held(lock: Any) -> bool:
    """Whether a lock of gevent's or of the interpreter's is held, by whomever."""
    if hasattr(lock, "locked"):
        return bool(lock.locked())
    if not lock.acquire(blocking=False):
        return True
    lock.release()
    return bool(lock._is_owned())
