"""
The guard of this process's children: one shell, which kills them when this process dies, be it by SIGKILL.

It is started with the first child and is no child of ours: its parent ends at once, so that no ``waitpid`` of anybody's
meets it and nothing of it has to be reaped. It holds no file of ours but the read end of one pipe.
"""

from __future__ import annotations

import logging
import os
import threading
import time

# Not through the module's attribute: tests that replace `subprocess.Popen` mean the children, not their guard.
from subprocess import DEVNULL, PIPE, Popen

from .sansio.process import GUARD, Guarded

log = logging.getLogger(__name__)

# A shell gives its background jobs an empty stdin, unless it is told otherwise. What it ignores, they ignore.
_IN_BACKGROUND = "trap '' HUP INT QUIT TERM; exec 3<&0; ( exec <&3 3<&-\n%s\n) &" % GUARD  # noqa: UP031


class Watchdog:
    """The guard, started when it is first needed, and again if somebody killed it. Safe from every thread."""

    def __init__(self) -> None:
        # Orders what the guard is told. Also held while a guard is started: nobody may tell it something before that.
        self._lock = threading.Lock()
        self._guarded = Guarded()
        # The write end of the guard's pipe; None before the first child and after a fork.
        self._pipe: int | None = None
        self._refused = False
        os.register_at_fork(after_in_child=self._forget)

    def begin(self, program: str) -> str:
        """A child with a group of its own is about to be started. Returns what `guard` or `forget` must be given."""
        with self._lock:
            entry, line = self._guarded.begin(_ticks(), program)
            self._tell(line)
        return entry

    def guard(self, pid: int, group: bool, begun: str = "") -> None:
        """Kill process *pid*, or the group that it leads, when this process dies. *begun*: as `begin` announced it."""
        with self._lock:
            self._tell(self._guarded.guard(pid, group) + self._guarded.forget(begun))

    def forget(self, begun: str) -> None:
        """The start that `begin` announced has failed, or is guarded by now."""
        with self._lock:
            self._tell(self._guarded.forget(begun))

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
                log.warning("the watchdog of this process was killed: starting another")
                self._close()

    def _start(self) -> int | None:
        try:
            shell = Popen(
                ["/bin/sh", "-c", _IN_BACKGROUND, "specter-watchdog", str(os.getpid())],
                stdin=PIPE,
                stdout=DEVNULL,
                stderr=DEVNULL,
                start_new_session=True,
                env={},
            )
        except OSError as error:
            if not self._refused:
                self._refused = True
                log.warning("no watchdog, children may outlive a kill of this process: %s", error)
            return None
        assert shell.stdin is not None
        pipe = os.dup(shell.stdin.fileno())
        shell.stdin.close()
        # Its background job is the guard; the shell itself ends within a few milliseconds.
        shell.wait()
        os.set_blocking(pipe, False)
        return pipe

    def _close(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    def _forget(self) -> None:
        """In a forked child: the children are the parent's, and so is the guard, which must see its pipe end."""
        self._lock = threading.Lock()
        self._guarded = Guarded()
        self._close()


def _ticks() -> int:
    """Clock ticks since boot, as ``/proc/PID/stat`` counts them; where that does not exist, nobody asks."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return int(time.clock_gettime(clock) * os.sysconf("SC_CLK_TCK"))


watchdog = Watchdog()
