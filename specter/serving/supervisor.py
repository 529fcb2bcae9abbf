"""
The process above the application (Linux): what it leaves behind is found here and killed.

    specter run ── fork ─▶ application ─▶ children, grandchildren, in sessions of their own or not
        │                      └─ dies with the supervisor, by PDEATHSIG
        └─ passes signals on; SIGKILL when the time is up; adopts and kills what outlives the application

It forks before anything of the application is imported: one thread, little memory, and no cost for each child.
"""

from __future__ import annotations

import ctypes
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

from .shared import Shared
from .signals import KILL_AFTER, SAME_MOMENT, stop_signals

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

# Seconds. After a second signal the application ends itself, unless it cannot; what it leaves may be about to end by
# itself; a killed process is gone as soon as the kernel comes to it.
SECOND_SIGNAL_TIME = 0.3
LINGER_TIME = 0.1
SWEEP_TIME = 2.0

# An application may use them for itself, and they are sent to the process that was started.
_PASSED_ON = (signal.SIGUSR1, signal.SIGUSR2)


def supervise(run: Callable[[], int], shared: Shared) -> int:
    """
    Have *run* called in a process below this one.

    Args:
        run: Imports and serves the application.
        shared: With the application.

    Returns:
        In the process below what *run* returned; in this one, when that has ended, the exit code that it left with.
    """
    watched = {*stop_signals(), *_PASSED_ON, signal.SIGCHLD, signal.SIGALRM}
    # They may be inherited as ignored: then the kernel would tell nobody that the application has ended, or is late.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    sys.stdout.flush()
    parent, strangers = os.getpid(), frozenset(_children())
    child = os.fork()
    if child == 0:
        die_with(parent, signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, watched)
        return run()
    return _Supervisor(child, shared, watched, strangers).run()


def die_with(parent: int, number: int) -> None:
    """
    Have the kernel send this process a signal when its parent ends. To be called before any thread is started.

    Args:
        parent: The process id that the parent has, or had.
        number: The signal.
    """
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it has ended before the kernel knew
        os.kill(os.getpid(), number)


class _Supervisor:
    """Waits for signals, of the user and of the kernel, and for nothing else."""

    def __init__(
        self, application: int, shared: Shared, watched: set[signal.Signals], strangers: frozenset[int]
    ) -> None:
        self._application = application
        self._shared = shared
        self._watched = watched
        # Children of what was this process before its exec, like a shell's: not the application's.
        self._strangers = strangers
        self._asked = 0  # the signal that asked for the end last
        self._asked_at = 0.0
        self._kill_at = math.inf
        self._killed = False
        self._status: int | None = None

    def run(self) -> int:
        """Return the exit code of the application, when nothing of it is left."""
        while self._status is None:
            self._next_signal()
        self._sweep()
        code = os.waitstatus_to_exitcode(self._status)
        if code >= 0:
            return code
        if not self._killed:
            _say(f"the application was ended by {signal.Signals(-code).name}")
        return 128 + (self._asked if self._killed else -code)

    def _next_signal(self) -> None:
        # Not `sigtimedwait`: where SIGSTOP and SIGCONT interrupt it beyond its time, Python gives what is not set.
        left = self._kill_at - time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 0 if math.isinf(left) else max(left, 0.001))
        info = signal.sigwaitinfo(self._watched)
        if info.si_signo == signal.SIGALRM:
            self._kill_if_late()
        elif info.si_signo == signal.SIGCHLD:
            self._reap()
        elif info.si_signo in _PASSED_ON:
            os.kill(self._application, info.si_signo)
        else:
            self._ask(info.si_signo)

    def _ask(self, number: int) -> None:
        """Pass a signal on that asks for the end, and set the time for it."""
        now = time.monotonic()
        if not self._asked:
            self._kill_at = now + self._shared.budget + KILL_AFTER
        elif now - self._asked_at <= SAME_MOMENT:
            return
        else:
            self._kill_at = min(self._kill_at, now + SECOND_SIGNAL_TIME)
        self._asked, self._asked_at = number, now
        self._shared.forwarded += 1
        os.kill(self._application, number)

    def _kill_if_late(self) -> None:
        if time.monotonic() >= self._kill_at:
            _say(f"killed the application: {signal.Signals(self._asked).name} has not ended it")
            self._killed, self._kill_at = True, math.inf
            os.kill(self._application, signal.SIGKILL)

    def _reap(self) -> None:
        """Take the exit codes of all that has ended, adopted ones too."""
        pid = -1
        while pid:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == self._application:
                self._status = status

    def _sweep(self) -> None:
        """Kill what has outlived the application."""
        # Given up only after a first try, however late that is.
        linger_until, give_up_at = time.monotonic() + LINGER_TIME, math.inf
        killed: set[int] = set()
        while (left := self._left()) and (now := time.monotonic()) < give_up_at:
            if now >= linger_until:
                give_up_at = min(give_up_at, now + SWEEP_TIME)
                for pid in left - killed:
                    _say(f"killed process {pid}, which the application has left: {_command(pid)}")
                    os.kill(pid, signal.SIGKILL)  # ours to reap, so the number is still its own
                    killed.add(pid)
            signal.sigtimedwait({signal.SIGCHLD}, 0.02)

    def _left(self) -> set[int]:
        self._reap()
        return set(_children()) - self._strangers


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl failed")


def _children() -> Iterator[int]:
    """The processes whose parent is this one."""
    for name in os.listdir("/proc"):
        if name.isdecimal() and _parent(name) == os.getpid():
            yield int(name)


def _parent(pid: str) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name, in parentheses, may hold anything; state and parent come after it.
            return int(file.read().rpartition(b")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def _command(pid: int) -> str:
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().replace(b"\0", b" ").decode(errors="replace").strip() or "(ended already)"


def _say(line: str) -> None:
    os.write(2, f"specter run: {line}\n".encode())
