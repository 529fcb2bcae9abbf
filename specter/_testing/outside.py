"""What a process holds outside its event loop: child processes, threads, sockets, other files."""

from __future__ import annotations

import gc
import os
import sys
import threading
from _socket import socket  # in a patched process the public one is gevent's, which changes what it is made from
from collections.abc import Iterator
from contextlib import closing
from types import FrameType

from specter.sansio.leaks import Leak

from . import children, origins, own_files

_FDS = "/proc/self/fd"
_TASKS = "/proc/self/task"

# An event loop's own, and what goes with a child that is told of anyhow.
_OF_LOOPS = ("anon_inode:[event", "anon_inode:[io_uring]", "anon_inode:[pidfd]", "/dev/random", "/dev/urandom")

# A thread of asyncio that waits for a child which is told of.
_OF_CHILDREN = "asyncio-waitpid-"

# Where a worker thread of a pool waits for something to do: (module, function).
_IDLE = {
    ("anyio._backends._asyncio", "run"),
    ("concurrent.futures.thread", "_worker"),
    ("trio._core._thread_cache", "_work"),
}
# Those that wait in Python stand in a frame of these, above that one.
_WAITS = {"queue", "threading"}
_POOLS_THAT_WAIT_IN_C = {"concurrent.futures.thread", "trio._core._thread_cache"}


class Outside:
    """What there was at one moment, and what has come since."""

    def __init__(self) -> None:
        children.note_children()
        own_files.open_what_stays()
        self._files = open_files()
        self._threads = set(threading.enumerate())
        # A thread of a pool is handed from one job to the next, and idle in between.
        self._busy = {thread for thread, _ in _busy_threads()}
        self._children = {child for child, _ in children.children.items()}
        self._pids = _child_pids()
        # The new files for which the garbage was collected last: that takes long in a large program.
        self._collected: dict[int, str] = {}

    def leaks(self) -> Iterator[Leak]:
        """Tell what has come since and is still there."""
        yield from self._leaked_processes()
        yield from self._leaked_threads()
        if self._new_files() != self._collected:
            gc.collect()  # what only waits to be collected is not left open
            self._collected = self._new_files()
        told = _pipes_of_children() if self._collected else ()
        for fd, link in self._collected.items():
            if link not in told:
                yield _describe_file(fd, link)

    def collect_again(self) -> None:
        """Have the next look collect the garbage even if it finds the files of the last one."""
        self._collected = {}

    def _leaked_processes(self) -> Iterator[Leak]:
        told = set()
        for child, note in children.children.items():
            told.add(child.pid)
            if child not in self._children and child.returncode is None and _alive(child.pid):
                yield Leak("processes", f"child process {child.pid} ({_command(child.pid)})", created=note.line)
        for pid in _child_pids() - self._pids - told - _helpers():
            if _alive(pid):
                yield Leak("processes", f"child process {pid} ({_command(pid)})", created=origins.line_of_child(pid))

    def _leaked_threads(self) -> Iterator[Leak]:
        for thread, frame in _busy_threads():
            if thread not in self._busy:
                line = None if thread in self._threads else origins.line_of(thread)
                yield Leak("threads", f"thread {thread.name!r}", created=line, waits=_at(frame))

    def _new_files(self) -> dict[int, str]:
        now, own = open_files(), own_files.numbers()
        return {
            fd: link
            for fd, link in now.items()
            if self._files.get(fd) != link and not link.startswith(_OF_LOOPS) and fd not in own
        }


def open_files() -> dict[int, str]:
    """Give ``{file descriptor: what it is}``; empty where the system does not tell."""
    found = {}
    for name in _listed(_FDS):
        try:
            found[int(name)] = os.readlink(f"{_FDS}/{name}")
        except OSError:  # that of the listing itself
            continue
    return found


def _busy_threads() -> Iterator[tuple[threading.Thread, FrameType | None]]:
    """All but the caller's own, and those that wait for something to do."""
    here = threading.current_thread()
    threads = [one for one in threading.enumerate() if one is not here and not one.name.startswith(_OF_CHILDREN)]
    frames = sys._current_frames() if threads else {}
    for thread in threads:
        frame = frames.get(thread.ident or 0)
        if _lives(thread) and not (frame is not None and is_idle(frame)):
            yield thread, frame


def _lives(thread: threading.Thread) -> bool:
    try:
        return thread.is_alive()
    except (
        RuntimeError
    ):  # Python 3.13, of a thread (or with gevent a greenlet) that it did not start, and that has ended
        return False


def is_idle(frame: FrameType) -> bool:
    """Whether a thread is one of a pool that waits for something to do."""
    inner: FrameType | None = frame
    waits = False
    while inner is not None and inner.f_globals.get("__name__") in _WAITS:
        inner, waits = inner.f_back, True
    if inner is None:
        return False
    module = inner.f_globals.get("__name__")
    return (module, inner.f_code.co_name) in _IDLE and (waits or module in _POOLS_THAT_WAIT_IN_C)


def _child_pids() -> set[int]:
    found: set[int] = set()
    for task in _listed(_TASKS):
        try:
            with open(f"{_TASKS}/{task}/children", "rb") as file:
                found.update(map(int, file.read().split()))
        except OSError:  # the thread has just ended, and another one has its children
            continue
    return found


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # not on every system
        return []


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in b"ZX"
    except OSError:
        return False


def _command(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    except OSError:
        return "ended"


def _helpers() -> set[int]:
    return {pid for pid in (getattr(own_files.tracker(), "_pid", None),) if pid is not None}


def _describe_file(fd: int, link: str) -> Leak:
    if link.startswith("socket:"):
        sockets = (one for one in gc.get_objects() if issubclass(type(one), socket) and one.fileno() == fd)
        found = next(sockets, None)
        return Leak("sockets", f"socket {_ends(fd)}fd {fd}", created=None if found is None else origins.line_of(found))
    if link.startswith("pipe:"):
        return Leak("files", f"pipe, fd {fd}")
    return Leak("files", f"{link}, fd {fd}", created=origins.line_of_file(link))


def _ends(fd: int) -> str:
    """The addresses of a socket, as far as it has some."""
    with closing(socket(fileno=os.dup(fd))) as copy:
        ends = []
        for word, ask in (("at", copy.getsockname), ("to", copy.getpeername)):
            try:
                if name := ask():
                    ends.append(f"{word} {name!r}")
            except OSError:  # not connected
                continue
        return "".join(f"{end}, " for end in ends)


def _pipes_of_children() -> set[str]:
    """The pipes to children that run, which are told themselves."""
    streams = [
        stream
        for child, _ in children.children.items()
        if child.returncode is None
        for stream in (child.stdin, child.stdout, child.stderr)
    ]
    fds = [stream.fileno() for stream in streams if stream is not None and not stream.closed]
    return {os.readlink(f"{_FDS}/{fd}") for fd in fds}


def _at(frame: FrameType | None) -> str | None:
    if frame is None:
        return None
    from specter._where import innermost

    found = []
    inner: FrameType | None = frame
    while inner is not None:
        found.append((inner, inner.f_lineno))
        inner = inner.f_back
    return innermost(found[::-1])
