"""Being told when a greenlet is about to wait, and of the greenlets that begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import walk_stack
from typing import Any

import gevent
from greenlet import greenlet

from specter._testing.checkpoints import place


@contextmanager
def told_of_switches(tell: Callable[[greenlet], object]) -> Iterator[None]:
    """
    Tell of each greenlet that is about to wait, in that greenlet and before the hub runs.

    What *tell* raises is raised at the wait in its place. A kill from outside would come one turn of the hub later, and
    so miss what only waits for that turn.
    """
    hub = gevent.get_hub()
    was: Any = type(hub)

    class Telling(was):  # type: ignore[misc]
        def switch(self) -> Any:
            tell(gevent.getcurrent())
            return super().switch()

    hub.__class__ = Telling
    try:
        yield
    finally:
        hub.__class__ = was


@contextmanager
def told_of_greenlets(tell: Callable[[gevent.Greenlet[..., Any]], object]) -> Iterator[None]:
    """Tell of each greenlet that is started meanwhile, in whatever thread."""
    gevent.Greenlet.add_spawn_callback(tell)
    try:
        yield
    finally:
        gevent.Greenlet.remove_spawn_callback(tell)


def place_of(waiting: greenlet) -> str:
    """Name the line at which a greenlet waits; see `place`."""
    frame = waiting.gr_frame
    return place([] if frame is None else list(walk_stack(frame))[::-1])


def place_here() -> str:
    """Name the line that calls something which is about to wait; see `place`."""
    return place([at for at in walk_stack(None) if at[0].f_globals.get("__name__") not in _OURS][::-1])


_OURS = (__name__, "specter_gevent.testing._cancel_everywhere", "specter._testing.checkpoints")
