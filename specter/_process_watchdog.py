"""
The guard of this process's children: one shell, which kills them when this process dies, be it by SIGKILL.

It is started with the first child and is no child of ours: its parent ends at once, so that no ``waitpid`` of anybody's
meets it and nothing of it has to be reaped. It holds no file of ours but the read end of one pipe.

Both runtimes have it from here, in the same process too. So nothing here waits in a way that gevent replaces.
"""

from __future__ import annotations

import logging
import os
import time
from _thread import RLock
from collections.abc import Iterator

# Not those of `os`, in whose place gevent puts its own: they switch to other greenlets, or close later.
from posix import close, posix_spawn, waitpid

from .sansio.process import GUARD, Guarded

log = logging.getLogger(__name__)

# A shell gives its background jobs an empty stdin, unless it is told otherwise. What it ignores, they ignore.
_IN_BACKGROUND = "trap '' HUP INT QUIT TERM; exec 3<&0; ( exec <&3 3<&-\n%s\n) &" % GUARD  # noqa: UP031


class Watchdog:
    """The guard, started when it is first needed, and again if somebody killed it. Safe from every thread."""

    def __init__(self) -> None:
        # Orders what the guard is told. Also held while a guard is started: nobody may tell it something before that.
        self._lock = RLock()
        self._guarded = Guarded()
        # The write end of the guard's pipe; None before the first child and after a fork.
        self._pipe: int | None = None
        self._refused = False
        # The start that the next fork of this process belongs to.
        self._starting = ""
        os.register_at_fork(after_in_parent=self._forked, after_in_child=self._forget)

    def begin(self, program: str, group: int | None = None) -> str:
        """
        A child is about to be started, in the same thread and before anything else can start one there.

        Args:
            program: As given to `subprocess.Popen`.
            group: The process group that it joins; `None` for one of its own.

        Returns:
            What `guard` or `forget` must be given.
        """
        with self._lock:
            entry, line = self._guarded.begin(_ticks(), program, group)
            self._tell(line)
            self._starting = entry
        return entry

    def guard(self, pid: int, group: bool, begun: str = "") -> None:
        """Kill process *pid*, or the group that it leads, when this process dies. *begun*: as `begin` announced it."""
        with self._lock:
            self._tell(self._guarded.guard(pid, group) + self._guarded.forget(begun))

    def forget(self, begun: str) -> None:
        """The start that `begin` announced has failed, or is guarded by now."""
        with self._lock:
            self._tell(self._guarded.forget(begun))
            if self._starting == begun:
                self._starting = ""

    def orphan(self, pid: int) -> None:
        """The leader of group *pid* is about to be reaped; the group is guarded further."""
        with self._lock:
            self._tell(self._guarded.orphan(pid))

    def release(self, pid: int) -> None:
        """Process *pid* or the last one of group *pid* is about to be reaped."""
        with self._lock:
            self._tell(self._guarded.release(pid))

    def _tell(self, lines: bytes) -> None:
        if not lines:
            return
        for _ in range(2):
            pipe = self._pipe
            if pipe is None:
                pipe = self._pipe = self._start()
                lines = self._guarded.everything()
            if pipe is None:
                return
            try:
                os.write(pipe, lines)
                return
            except BlockingIOError:
                log.error("the watchdog of this process does not read: children may outlive a kill of this process")
                return
            except BrokenPipeError:
                self._close()
                log.warning("the watchdog of this process was killed: starting another")

    def _start(self) -> int | None:
        outlet, inlet = os.pipe()
        arguments = ["sh", "-c", _IN_BACKGROUND, "specter-watchdog", str(os.getpid())]
        files = [
            (os.POSIX_SPAWN_DUP2, outlet, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, 1, 2),
            *((os.POSIX_SPAWN_CLOSE, fd) for fd in _inheritable()),
        ]
        try:
            shell = posix_spawn("/bin/sh", arguments, {}, file_actions=files, setsid=True)
        except (OSError, NotImplementedError) as error:
            close(inlet)
            if not self._refused:
                self._refused = True
                log.warning("no watchdog, children may outlive a kill of this process: %s", error)
            return None
        finally:
            close(outlet)
        try:
            # Its background job is the guard; the shell itself ends within a few milliseconds.
            waitpid(shell, 0)
        except ChildProcessError as error:
            log.debug("the shell that starts the watchdog was reaped by somebody else: %s", error)
        os.set_blocking(inlet, False)
        return inlet

    def _close(self) -> None:
        if self._pipe is not None:
            close(self._pipe)
            self._pipe = None

    def _forked(self) -> None:
        self._starting = ""

    def _forget(self) -> None:
        """
        In a forked child: the children are the parent's, and so is the guard, which must see its pipe end.

        Where Popen forks Python itself, as gevent's does, the parent may be killed long before the program is loaded.
        So a child that is being started says who it is.
        """
        if self._pipe is not None and self._starting:
            try:
                os.write(self._pipe, self._guarded.forked(self._starting, os.getpid()))
            except OSError as error:
                log.debug("the watchdog could not be told of a new child: %s", error)
        self._lock = RLock()
        self._guarded = Guarded()
        self._starting = ""
        self._close()


def _inheritable() -> Iterator[int]:
    """The files of this process that a new program would be given, but for the standard ones."""
    for name in os.listdir("/dev/fd"):
        try:
            if int(name) > 2 and os.get_inheritable(int(name)):
                yield int(name)
        except OSError:  # that of the listing itself, or closed meanwhile by another thread
            continue


def _ticks() -> int:
    """Clock ticks since boot, as ``/proc/PID/stat`` counts them; where that does not exist, nobody asks."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return int(time.clock_gettime(clock) * os.sysconf("SC_CLK_TCK"))


watchdog = Watchdog()
