"""
The child processes of this process, noted where `subprocess.Popen` makes them.

asyncio, trio, anyio and `ManagedProcess` all start theirs there. The class stays the same object: its constructor is
wrapped once, when a harness is first used, and stays so.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import wraps
from time import monotonic
from types import CodeType, FrameType
from typing import Any

from specter._process_child import group_lives

from . import origins
from .maker import maker
from .noted import Noted

# A child that has ended is at work until its end is known: on asyncio a thread may have to tell the loop. Who never
# asks for it does not hold the time for longer. Seconds, real.
_TOLD_WITHIN = 0.1


@dataclass
class Note:
    """
    What is known of a child.

    Attributes:
        program: What it runs.
        line: Where it was started.
        leads_group: Whether it has a process group of its own.
        began: When it was started, in real time.
        starts: Whether it is being started. gevent's Popen waits for that.
        ended_at: Since when it is known to have ended, in real time.
        ignored: Whether nobody waits for it, however long it is at work.
    """

    program: str
    line: str
    leads_group: bool
    began: float
    starts: bool = True
    ended_at: float | None = None
    ignored: bool = False


# Those that run, and those that nobody has waited for.
children: Noted[Note] = Noted()

_noted: set[type[Any]] = set()


def note_children(kind: type[Any] = subprocess.Popen) -> None:
    """Note each child that *kind* makes from now on."""
    if kind not in _noted:
        _noted.add(kind)
        kind.__init__ = _noting(kind.__init__)


def children_at_work() -> dict[Any, str]:
    """Give ``{child: its description}`` of those that run, or of whose process group something runs."""
    found = {}
    for child, note in children.items():
        if _is_at_work(child, note):
            found[child] = f"child process {getattr(child, 'pid', None)} ({note.program}), started at {note.line}"
        elif child.returncode is not None:  # not one that nobody has waited for
            children.discard(child)
    return found


def ignore_if_older(child: Any, moment: float) -> bool:
    """
    Let a child that was started before a *moment* of real time not count as being at work any more.

    Returns:
        Whether it was.
    """
    for it, note in children.items():
        if it is child and note.began < moment:
            note.ignored = True
            return True
    return False


def ignore_all() -> None:
    """Let what has been started so far not count as being at work any more."""
    for _, note in children.items():  # noqa: PERF102 - it is no dict
        note.ignored = True


def serves_child(frames: Iterable[tuple[FrameType, int]], serving: Collection[CodeType]) -> bool:
    """
    Whether one that waits does so for a child that runs: for its end, or for what it writes.

    Args:
        frames: Of the one that waits, with their lines.
        serving: The code of the methods of `ManagedProcess` that do so.
    """
    return any(frame.f_code in serving and frame.f_locals["self"].running for frame, _ in frames)


def _noting(init: Callable[..., None]) -> Callable[..., None]:
    @wraps(init)
    def __init__(self: Any, *args: Any, **options: Any) -> None:
        leads_group = options.get("start_new_session", False) or options.get("process_group") == 0
        note = Note(_program(args[0] if args else options.get("args")), maker(), leads_group, monotonic())
        children.add(self, note)
        try:
            init(self, *args, **options)
        except BaseException:
            children.discard(self)
            raise
        note.starts = False
        origins.note_child(self.pid, note.line)

    return __init__


def _is_at_work(child: Any, note: Note) -> bool:
    if note.ignored:
        return False
    if note.starts:
        return True
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


def _program(args: Any) -> str:
    first = args[0] if isinstance(args, list | tuple) and args else args
    return os.fsdecode(first) if isinstance(first, str | bytes | os.PathLike) else repr(first)
