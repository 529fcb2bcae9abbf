"""
What lies in a folder, and what has changed since the last look: plain functions, nothing of Specter in them.

A survey is bounded, follows no symbolic link (so it cannot run in circles), and leaves out what the patterns name.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from itertools import islice
from typing import Literal, NamedTuple

MAX_FILES = 10_000
MAX_FOLDERS = 2_000


class Stamp(NamedTuple):
    """What tells, without reading it, that a file is another than before."""

    size: int
    modified_ns: int
    inode: int


class Change(NamedTuple):
    """One file that differs between two surveys; its path is relative to the folder, with ``/``."""

    path: str
    what: Literal["added", "modified", "deleted"]


@dataclass(frozen=True)
class Survey:
    """
    One look at a folder.

    Attributes:
        files: Relative path, with ``/``, of each regular file. Breadth first: a survey that was cut off has the top.
        folders: Absolute path of each folder that was listed, the root first.
        alive: False if the root itself is not there, or is no folder.
        truncated: There was more than the limits allow.
        unreadable: How many folders could not be listed.
    """

    files: dict[str, Stamp] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    alive: bool = True
    truncated: bool = False
    unreadable: int = 0


def take_survey(
    root: str,
    ignore: Sequence[str],
    *,
    max_files: int = MAX_FILES,
    max_folders: int = MAX_FOLDERS,
    go_on: Callable[[], bool] = lambda: True,
) -> Survey | None:
    """
    Look at everything below a folder.

    Args:
        root: The folder, an absolute path.
        ignore: Patterns of what is left out; `ignoring` has the rule.
        max_files: Stop after so many files.
        max_folders: Stop after so many folders.
        go_on: Asked once a folder. False ends the survey: nothing else can end a thread.

    Returns:
        What there is. A folder that cannot be listed is counted; a file that vanishes meanwhile is left out. None if
        the survey was ended.
    """
    files: dict[str, Stamp] = {}
    folders: list[str] = []
    unreadable = 0
    waiting = deque([""])
    ignored = ignoring(ignore)
    while waiting and len(folders) < max_folders and len(files) < max_files:
        if not go_on():
            return None
        prefix = waiting.popleft()
        path = os.path.join(root, prefix.removesuffix("/")) if prefix else root
        try:
            entries = _entries(path, limit=max_files)
        except OSError:
            if not prefix:
                return Survey(alive=os.path.isdir(root), unreadable=1)
            unreadable += 1
            continue
        folders.append(path)
        for name, stamp in entries:
            if ignored(prefix + name):
                continue
            if stamp is None:
                waiting.append(f"{prefix}{name}/")
            elif len(files) < max_files:
                files[prefix + name] = stamp
    truncated = bool(waiting) or len(files) >= max_files
    return Survey(files, tuple(folders), truncated=truncated, unreadable=unreadable)


def _entries(path: str, *, limit: int) -> list[tuple[str, Stamp | None]]:
    # Sorted, so that a survey that is cut off is cut off at the same place each time.
    with os.scandir(path) as listing:
        return sorted(_stamped(islice(listing, limit)), key=lambda entry: entry[0])


def _stamped(listing: Iterable[os.DirEntry[str]]) -> Iterator[tuple[str, Stamp | None]]:
    """Give the name of each folder (with None) and each regular file (with its stamp): no link, socket or device."""
    for entry in listing:
        try:
            if entry.is_dir(follow_symlinks=False):
                yield entry.name, None
            elif entry.is_file(follow_symlinks=False):
                found = entry.stat(follow_symlinks=False)
                yield entry.name, Stamp(found.st_size, found.st_mtime_ns, found.st_ino)
        except OSError:
            # Gone between listing and looking; the next survey tells the same story.
            continue


def ignoring(patterns: Iterable[str]) -> Callable[[str], bool]:
    """
    Return the function that tells of a path, relative to the root with ``/``, whether it is left out.

    Args:
        patterns: Shell patterns. One with a ``/`` in it is compared with the whole path, any other with the last name.
    """
    patterns = list(patterns)
    names = _any_of(pattern for pattern in patterns if "/" not in pattern)
    paths = _any_of(pattern for pattern in patterns if "/" in pattern)
    return lambda path: bool(names.match(path.rpartition("/")[2]) or paths.match(path))


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    # One expression for all: a survey asks it ten thousand times. An empty one would match everything.
    return re.compile("|".join(map(translate, patterns)) or r"(?!)")


def difference(before: Survey, after: Survey) -> list[Change]:
    """Return what was added, modified and deleted between two surveys, sorted by path."""
    changes = [Change(path, "deleted") for path in before.files.keys() - after.files.keys()]
    for path, stamp in after.files.items():
        known = before.files.get(path)
        if known != stamp:
            changes.append(Change(path, "added" if known is None else "modified"))
    return sorted(changes)
