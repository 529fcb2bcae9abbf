"""
Where things were made: the line of the application, noted while somebody watches for leaks.

A line is kept as code and offset, and looked up for a report alone: noting costs well under a microsecond. It is kept
by the identity of the thing, which stays right without holding the thing: whatever gets the same identity later is
noted as well, and overwrites it.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from functools import wraps
from types import CodeType, FrameType
from typing import Any

from specter._where import is_library

# {identity of what was made: (code, offset in it)}
_made: dict[int, tuple[CodeType, int]] = {}
# {identity of what was made: the name of its owner}, of what does not know it itself.
_owners: dict[int, str] = {}
# {path as it was opened: (code, offset)}
_opened: dict[str, tuple[CodeType, int]] = {}
# {process id: where it was started}: what has started a child may be gone before that is.
_children: dict[int, str] = {}
_applications: dict[CodeType, bool] = {}

# Frames of these say how something is made; a reader wants to know where that was asked for.
_STANDARD = frozenset(
    {"subprocess", "socket", "ssl", "threading", "concurrent", "contextlib", "functools", "tempfile", "pathlib"}
)

_watches = 0
_hooked = False
_patches: list[tuple[type[Any], str, Any]] = []
_wanted: list[tuple[type[Any], str, Callable[..., Any]]] = []


def begin() -> None:
    """Note what is made from now on, until `end` was called as often as this."""
    global _watches, _hooked
    _watches += 1
    if _watches > 1:
        return
    if not _hooked:
        _hooked = True
        sys.addaudithook(_audit)  # for good: it cannot be taken away
    for owner, name, wrap in _wanted:
        _patch(owner, name, wrap)


def end() -> None:
    """Undo one `begin`; the last one forgets all that was noted."""
    global _watches
    _watches -= 1
    if _watches:
        return
    while _patches:
        owner, name, original = _patches.pop()
        setattr(owner, name, original)
    _made.clear()
    _owners.clear()
    _opened.clear()
    _children.clear()


def note_at(owner: type[Any], name: str, wrap: Callable[..., Any]) -> None:
    """
    Have a method of *owner* wrapped while somebody watches.

    Args:
        owner: The class.
        name: The method, one that the class or one above it has.
        wrap: Called with the method; gives what takes its place.
    """
    # In a process that gevent has patched, `threading.Thread` is a class of its own below the one that has the method.
    owner = next(each for each in owner.__mro__ if name in vars(each))
    if any(owner is other and name == known for other, known, _ in _wanted):
        return  # both runtimes have it from one place
    _wanted.append((owner, name, wrap))
    if _watches:
        _patch(owner, name, wrap)


def noting_self(method: Callable[..., Any]) -> Callable[..., Any]:
    """A wrapper for `note_at`: each call notes the object whose method it is, as made here."""

    @wraps(method)
    def noting(self: Any, *args: Any, **kwargs: Any) -> Any:
        note(self)
        return method(self, *args, **kwargs)

    return noting


def note(thing: object, owner: str | None = None) -> None:
    """Note that *thing* is made here, and the name of who owns it, for what does not know that itself."""
    _made[id(thing)] = _here()
    if owner is not None:
        _owners[id(thing)] = owner


def note_child(pid: int, line: str) -> None:
    """Note where a child process was started."""
    if _watches:
        _children[pid] = line


def line_of_child(pid: int) -> str | None:
    """Give the line that started a child process; ``None`` if it was not noted."""
    return _children.get(pid)


def line_of(thing: object) -> str | None:
    """Give the line that made *thing*, like ``app.py:31 in sweep``; ``None`` if it was not noted."""
    return _line(_made.get(id(thing)))


def maker_of(thing: object) -> str | None:
    """Give the qualified name of the function that made *thing*; ``None`` if it was not noted."""
    made = _made.get(id(thing))
    return None if made is None else made[0].co_qualname


def owner_of(thing: object) -> str | None:
    """Give the name that was noted for the owner of *thing*."""
    return _owners.get(id(thing))


def line_of_file(path: str) -> str | None:
    """Give the line that opened the file at *path*, without links in it; ``None`` if that was not noted."""
    found = next((made for name, made in reversed(_opened.items()) if os.path.realpath(name) == path), None)
    return _line(found)


def _here() -> tuple[CodeType, int]:
    first = frame = sys._getframe(2)
    while True:
        code = frame.f_code
        own = _applications.get(code)
        if own is None:
            own = _applications[code] = _is_application(frame)
        if own:
            return code, frame.f_lasti
        if frame.f_back is None:
            return first.f_code, first.f_lasti
        frame = frame.f_back


def _is_application(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__", "").partition(".")[0] not in _STANDARD and not is_library(frame)


def _line(made: tuple[CodeType, int] | None) -> str | None:
    if made is None:
        return None
    code, offset = made
    lines = (line for begin, end, line in code.co_lines() if begin <= offset < end and line is not None)
    return f"{os.path.basename(code.co_filename)}:{next(lines, code.co_firstlineno)} in {code.co_name}"


def _patch(owner: type[Any], name: str, wrap: Callable[..., Any]) -> None:
    original = vars(owner)[name]
    _patches.append((owner, name, original))
    setattr(owner, name, wrap(original))


def _audit(event: str, args: tuple[Any, ...]) -> None:
    """Hear of what the interpreter does; see "Audit events table" in its documentation."""
    if not _watches:
        return
    if event == "open":
        if isinstance(args[0], str):
            _opened[args[0]] = _here()
    elif event == "socket.__new__":
        note(args[0])


note_at(threading.Thread, "start", noting_self)
