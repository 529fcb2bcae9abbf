"""
Killing a greenlet at each of its switches, one after another.

A hub notices when the greenlet is about to wait, and kills it there instead. `kill(block=False)` after a number of
turns would skip points: such a kill comes one turn of the hub later.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import gevent
from gevent.hub import Hub
from greenlets import PATIENCE, turns

# A scenario that never ends would hang the test instead of failing it.
MOST = 500


class KillHub(Hub):
    """Kills the target at its n-th switch."""

    target: gevent.Greenlet | None = None
    left = 0
    killed = False

    def switch(self) -> Any:
        if self.target is not None and gevent.getcurrent() is self.target:
            if self.left == 0:
                self.target, self.killed = None, True
                raise gevent.GreenletExit
            self.left -= 1
        return super().switch()


def kill_everywhere(scenario: Callable[[], Iterator[Callable[[], Any]]]) -> int:
    """
    Run *scenario* once for each switch of what it gives, killed there, and once to its end.

    Args:
        scenario: A generator function. It sets the scene, yields the function to kill, which then runs in a greenlet
            of its own, and checks what is left.

    Returns:
        How many times it was killed.
    """
    hub = gevent.get_hub()
    was, hub.__class__ = hub.__class__, KillHub
    try:
        for number in itertools.count():
            steps = scenario()
            target = gevent.Greenlet(next(steps))
            hub.target, hub.left, hub.killed = target, number, False
            target.start()
            with gevent.Timeout(PATIENCE, AssertionError(f"stands still, killed at switch {number}")):
                target.join()
            hub.target = None
            turns()
            try:
                next(steps, None)
            except BaseException as error:
                error.add_note(f"killed at switch {number}" if hub.killed else "not killed")
                raise
            if not hub.killed:
                target.get()
                return number
            assert number < MOST
    finally:
        hub.__class__ = was
        for name in ("target", "left", "killed"):
            vars(hub).pop(name, None)
    raise AssertionError("unreachable")


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
