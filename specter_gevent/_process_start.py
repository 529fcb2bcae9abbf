"""Starting a child so that it has an owner, whatever becomes of the greenlet that asked for it."""

from __future__ import annotations

import subprocess
from typing import Any

from gevent import Greenlet
from gevent.subprocess import Popen as GeventPopen

from specter._process_child import Child

from ._process_child import WatchedChild
from ._process_wait import wait


def start_child(args: Any, kill_group: bool, popen: dict[str, Any]) -> Child:
    """
    Start a child; raises what `subprocess.Popen` raises.

    gevent's Popen waits until the program is loaded. A caller that is killed meanwhile leaves at once, and the child is
    killed as soon as it is there.
    """
    kind = subprocess.Popen
    if not (isinstance(kind, type) and issubclass(kind, GeventPopen)):
        return WatchedChild.start(args, kill_group, popen)

    def start() -> Child | Exception:
        try:
            return WatchedChild.start(args, kill_group, popen)
        except Exception as error:
            return error

    starting = Greenlet(start)
    starting.start()
    try:
        outcome = starting.get()
    except BaseException:
        Greenlet(_end, starting).start()
        raise
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _end(starting: Greenlet[[], Child | Exception]) -> None:
    child = starting.get()
    if isinstance(child, Child):
        child.kill()
        wait(child)
