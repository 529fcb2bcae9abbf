"""
The child processes of this process, noted where `subprocess.Popen` makes them.

asyncio, trio, anyio and `ManagedProcess` all start theirs there. The class stays the same object: its constructor is
wrapped once, when a harness is first used, and stays so.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from specter._process_child import group_lives

from .maker import maker

# A child that has ended is at work until its end is known: on asyncio a thread may have to tell the loop. Who never
# asks for it does not hold the time for longer. Seconds, real.
_TOLD_WITHIN = 0.1


@dataclass
class Note:
    """
    What is known of a child.

    Attributes:
        line: Where it was started.
        leads_group: Whether it has a process group of its own.
        ended_at: Since when it is known to have ended, in real time.
    """

    line: str
    leads_group: bool
    ended_at: float | None = None


# Those that run, and those that nobody has waited for.
children: WeakKeyDictionary[Any, Note] = WeakKeyDictionary()

_noted: set[type[Any]] = set()


def note_children(kind: type[Any] = subprocess.Popen) -> None:
    """Note each child that *kind* makes from now on."""
    if kind not in _noted:
        _noted.add(kind)
        kind.__init__ = _noting(kind.__init__)


def children_at_work() -> dict[Any, str]:
    """Give ``{child: its description}`` of those that run, or of whose process group something runs."""
    found = {}
    for child, note in list(children.items()):
        if _is_at_work(child, note):
            found[child] = f"child process {child.pid} ({_program(child)}), started at {note.line}"
        elif child.returncode is not None:
            del children[child]
    return found


def _noting(init: Callable[..., None]) -> Callable[..., None]:
    @wraps(init)
    def __init__(self: Any, *args: Any, **options: Any) -> None:
        note = Note(maker(), options.get("start_new_session", False) or options.get("process_group") == 0)
        init(self, *args, **options)
        children[self] = note

    return __init__


def _is_at_work(child: Any, note: Note) -> bool:
    if child.returncode is not None:
        return note.leads_group and group_lives(child.pid)
    if not _has_ended(child.pid):
        return True
    if note.ended_at is None:
        note.ended_at = monotonic()
    return monotonic() - note.ended_at < _TOLD_WITHIN


def _has_ended(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # reaped, and who waits for it has not been told yet
        return True


def _program(child: Any) -> str:
    args = child.args
    return os.fsdecode(args if isinstance(args, str | bytes | os.PathLike) else args[0])
