"""
One started child and, if it leads one, its process group: who is alive, signals, reaping.

Both runtimes have it from here: nothing of it waits, nor reads a stream.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

from ._process_watchdog import watchdog
from .sansio.process import group_member, joined_group, with_group

log = logging.getLogger(__name__)

_POPEN = "subprocess.Popen"
_LINUX = os.path.exists("/proc/self/stat")


class Child:
    """
    A child process.

    Args:
        popen: As `subprocess.Popen` gave it.
        leads_group: Whether it was started in a process group of its own.
        begun: How the watchdog knows of it already.
    """

    def __init__(self, popen: Any, leads_group: bool = False, begun: str = "") -> None:
        self.popen = popen
        # What a test put in the place of Popen has no process, whatever number it gives.
        self.real = _is_popen(type(popen))
        self._leads_group = leads_group and self.real
        # Reaped, as far as we know: the watchdog was told so before.
        self._reaped = False
        # How it has ended, from `has_ended`; None if that is not known.
        self._code: int | None = None
        if self.real:
            watchdog.guard(popen.pid, leads_group, begun)
            if popen.returncode is not None:
                self._reap()

    @classmethod
    def start(cls, args: Any, kill_group: bool, popen: dict[str, Any]) -> Child:
        """
        Start a child; raises what `subprocess.Popen` raises.

        In the caller's thread: another one would gain nothing, since the interpreter stands still, whatever the thread,
        until the program is loaded.
        """
        chosen, leads_group = with_group(popen, kill_group)
        args = list(args) if isinstance(args, Iterator) else args
        if not _is_popen(subprocess.Popen):
            return cls(subprocess.Popen(args, **chosen), leads_group)
        begun = watchdog.begin(_program(args, chosen), joined_group(chosen, os.getpgrp()))
        try:
            return cls(subprocess.Popen(args, **chosen), leads_group, begun)
        finally:
            watchdog.forget(begun)

    def poll(self) -> int | None:
        """Reap the child if it has ended. Returns its return code, `None` while it runs."""
        if not self.real:
            return self.popen.poll()  # type: ignore[no-any-return]
        if not self._reaped and (self.popen.returncode is not None or self.has_ended()):
            self._reap()
        code: int | None = self.popen.returncode
        return code

    def gone(self) -> bool:
        """Whether the child has ended and, if it led a group, everything in that."""
        if self.poll() is None:
            return False
        if self._leads_group and not group_lives(self.popen.pid):
            self._leads_group = False
            watchdog.release(self.popen.pid)
        return not self._leads_group

    def terminate(self) -> None:
        """Ask the child, or its whole group, to end. Nothing happens if all is gone."""
        self._signal(signal.SIGTERM, self.popen.terminate)

    def kill(self) -> None:
        """Kill the child, or its whole group. Nothing happens if all is gone."""
        self._signal(signal.SIGKILL, self.popen.kill)

    def has_ended(self) -> bool:
        """Whether it is a zombie. The question alone reaps nothing, so that the watchdog can be told before."""
        try:
            end = os.waitid(os.P_PID, self.popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:  # reaped by somebody else
            self._code = self._taken()
            return True
        if end is not None:
            self._code = end.si_status if end.si_code == os.CLD_EXITED else -end.si_status
        return end is not None

    def _signal(self, number: signal.Signals, send: Callable[[], None]) -> None:
        if self.real and self.gone():
            return
        try:
            if self._leads_group:
                os.killpg(self.popen.pid, number)
            else:
                send()
        except ProcessLookupError:
            log.debug("process %s ended before %s reached it", self.popen.pid, number.name)
        except PermissionError:
            log.warning("no permission to send %s to process %s", number.name, self.popen.pid)

    def _reap(self) -> None:
        tell = watchdog.orphan if self._leads_group else watchdog.release
        tell(self.popen.pid)
        self._reaped = self.popen.poll() is not None
        if self._reaped and self._code is not None:
            # Popen gives 0 for a child that somebody else was faster to reap.
            self.popen.returncode = self._code

    def _taken(self) -> int | None:
        """The return code of a child that somebody else has reaped; `None` if nobody tells."""
        return None


def group_lives(group: int) -> bool:
    """
    Whether a process group has a member that is no zombie. Asked when its leader is reaped.

    Its number cannot be given to another process while it has one. So if there is a process of that number, the group
    is empty, and this is a stranger.
    """
    if _exists(os.kill, group) or not _exists(os.killpg, group):
        return False
    # Zombies count for killpg, and where process 1 is no init they stay for ever.
    return not _LINUX or any(group_member(stat) == (group, True) for stat in _stats())


def _is_popen(kind: Any) -> bool:
    """Whether a class is the standard library's Popen or gevent's, or made from one of them."""
    parents = kind.__mro__ if isinstance(kind, type) else ()
    return any(f"{parent.__module__}.{parent.__name__}".removeprefix("gevent.") == _POPEN for parent in parents)


def _program(args: Any, popen: dict[str, Any]) -> str:
    """The program that a call of Popen starts, as far as its arguments say so."""
    first = args if isinstance(args, str | bytes | os.PathLike) else next(iter(args), "")
    return os.fsdecode(popen.get("executable") or ("sh" if popen.get("shell") else first))


def _exists(kill: Callable[[int, int], None], number: int) -> bool:
    try:
        kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _stats() -> Iterator[bytes]:
    """``/proc/PID/stat`` of every process."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                yield file.read()
        except OSError:  # ended meanwhile
            continue
