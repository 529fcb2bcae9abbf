"""One started child and, if it leads one, its process group: who is alive, signals, waiting for the end, reaping."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from subprocess import Popen
from typing import Any

import anyio

from ._process_watchdog import watchdog
from .sansio.process import LEAST_KILL_TIMEOUT, group_member, with_group

log = logging.getLogger(__name__)

# Between two looks at what no event tells: the end of a whole group; the end of a child where there is no pidfd.
_FIRST_LOOK = 0.001
_LONGEST_LOOK = 0.05

_LINUX = os.path.exists("/proc/self/stat")


class Child:
    """
    A child process.

    Args:
        popen: As `subprocess.Popen` gave it.
        leads_group: Whether it was started in a process group of its own.
        begun: How the watchdog knows of it already.
    """

    def __init__(self, popen: Popen[Any], leads_group: bool, begun: str = "") -> None:
        self.popen = popen
        # What a test put in the place of Popen has no process, whatever number it gives.
        self._real = issubclass(type(popen), Popen)
        self._leads_group = leads_group and self._real
        # Reaped, as far as we know: the watchdog was told so before.
        self._reaped = False
        if self._real:
            watchdog.guard(popen.pid, leads_group, begun)

    @classmethod
    def start(cls, args: Any, kill_group: bool, popen: dict[str, Any]) -> Child:
        """
        Start a child; raises what `subprocess.Popen` raises.

        In the caller's thread: another one would gain nothing, since the interpreter stands still, whatever the thread,
        until the program is loaded.
        """
        chosen, leads_group = with_group(popen, kill_group)
        args = list(args) if isinstance(args, Iterator) else args
        if not (leads_group and _LINUX):
            return cls(subprocess.Popen(args, **chosen), leads_group)
        begun = watchdog.begin(_program(args, chosen))
        try:
            return cls(subprocess.Popen(args, **chosen), leads_group, begun)
        finally:
            watchdog.forget(begun)

    def poll(self) -> int | None:
        """Reap the child if it has ended. Returns its return code, `None` while it runs."""
        if not self._reaped and (self.popen.returncode is not None or self._has_ended()):
            self._reap()
        return self.popen.returncode

    def gone(self) -> bool:
        """Whether the child has ended and, if it led a group, everything in that."""
        if self.poll() is None:
            return False
        if self._leads_group and not self._group_lives():
            self._leads_group = False
            watchdog.release(self.popen.pid)
        return not self._leads_group

    def terminate(self) -> None:
        """Ask the child, or its whole group, to end. Nothing happens if all is gone."""
        self._signal(signal.SIGTERM, self.popen.terminate)

    def kill(self) -> None:
        """Kill the child, or its whole group. Nothing happens if all is gone."""
        self._signal(signal.SIGKILL, self.popen.kill)

    def kill_and_reap(self) -> None:
        """Kill, and block for the moment that the end takes: for when the event loop does not wait any more."""
        self.kill()
        for _ in range(int(LEAST_KILL_TIMEOUT / _FIRST_LOOK)):
            if self.gone():
                return
            time.sleep(_FIRST_LOOK)

    async def wait(self) -> int:
        """Wait until the child itself has ended, and reap it. Any number of tasks may wait."""
        while (code := self.poll()) is None:
            await self._wait_for_end()
        return code

    async def wait_gone(self) -> None:
        """Wait until the child and its group are gone."""
        await self.wait()
        pause = _FIRST_LOOK
        while not self.gone():
            await anyio.sleep(pause)
            pause = min(pause * 2, _LONGEST_LOOK)

    def _signal(self, number: signal.Signals, send: Callable[[], None]) -> None:
        if self.gone():
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

    def _has_ended(self) -> bool:
        """Whether it is a zombie. The question alone reaps nothing, so that the watchdog can be told before."""
        if not self._real:
            return True
        try:
            return os.waitid(os.P_PID, self.popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:  # reaped by somebody else
            return True

    def _reap(self) -> None:
        if self._real:
            tell = watchdog.orphan if self._leads_group else watchdog.release
            tell(self.popen.pid)
        self._reaped = self.popen.poll() is not None

    def _group_lives(self) -> bool:
        """
        Whether the group has a member that is no zombie. Asked when the leader is reaped.

        Its number cannot be given to another process while it has one. So if there is a process of that number, the
        group is empty, and this is a stranger.
        """
        group = self.popen.pid
        if _exists(os.kill, group) or not _exists(os.killpg, group):
            return False
        # Zombies count for killpg, and where process 1 is no init they stay for ever.
        return not _LINUX or any(group_member(stat) == (group, True) for stat in _stats())

    async def _wait_for_end(self) -> None:
        try:
            # One for each wait: it can be waited for by one task only, and nothing is left open if none waits.
            end = os.pidfd_open(self.popen.pid)
        except ProcessLookupError:  # being reaped by somebody else
            await anyio.sleep(_FIRST_LOOK)
            return
        except (AttributeError, OSError):  # not Linux, an old one, or no descriptor left
            await self._look_for_end()
            return
        try:
            await anyio.wait_readable(end)
        finally:
            os.close(end)

    async def _look_for_end(self) -> None:
        pause = _FIRST_LOOK
        while not self._has_ended():
            await anyio.sleep(pause)
            pause = min(pause * 2, _LONGEST_LOOK)


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
