"""
Loggers have the names of 0.1.x; those of this package's modules stand between them and their parents.

    specter.core.bus ─> specter_gevent.event_bus ─> specter.core ─> specter ─> specter_gevent ─> root

So both count: the level of each, and who hears what each says. Each module that stands for one of 0.1.x has its logger
in a global `logger`, used or not, since it has that name there: tests of applications put fakes in its place. Modules
with an underscore log by that of the module they work for, and look it up there at each call.
"""

from __future__ import annotations

from functools import cache
from logging import getLogger

from specter._backend import OLD_PATHS


@cache
def join() -> None:
    """Put the loggers of this package between the old ones, once."""
    ours = getLogger(__package__)  # first: a logger that is made later takes the children that it finds
    getLogger("specter").parent = ours
    getLogger("specter.core")
    for path, module in OLD_PATHS.items():
        old, between = getLogger(f"specter.{path}"), getLogger(module)
        old.parent, between.parent = between, old.parent
