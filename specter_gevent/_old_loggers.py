"""
Loggers by their names of 0.1.x: whoever sets the level of ``specter.core.bus``, or hears what it says, does so still.

    specter_gevent.event_bus ─> specter.core.bus ─> specter.core ─> specter ─> specter_gevent ─> root

Each module that stands for one of 0.1.x has its logger in a global `logger`, used or not, since it has that name there:
tests of applications put fakes in its place. Modules with an underscore log by that of the module they work for, and
look it up there at each call.
"""

from __future__ import annotations

from functools import cache
from logging import getLogger

from specter._backend import OLD_PATHS


@cache
def join() -> None:
    """Put the old loggers between ours and their parent, once."""
    ours = getLogger(__package__)  # first: a logger that is made later takes the children that it finds
    getLogger("specter").parent = ours
    for path, module in OLD_PATHS.items():
        getLogger(module).parent = getLogger(f"specter.{path}")
