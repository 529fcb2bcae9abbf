"""What the tests of child processes start, and look at: who lives, what is open, and waiting for it."""

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 10.0
# Says "ready" when its trap is set, and ends only by SIGKILL.
STUBBORN = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"]
# A child and a grandchild; prints the process id of the grandchild.
FAMILY = ["sh", "-c", "sleep 60 & echo $!; wait"]
# The same; the grandchild is in a session of its own when it prints that.
FLED = ["sh", "-c", "setsid sh -c 'echo $$; exec sleep 60' & wait"]


def alive(pid: int) -> bool:
    """Whether process *pid* runs: a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def exists(pid: int) -> bool:
    """Whether there is a process *pid*, be it a zombie."""
    return Path(f"/proc/{pid}").exists()


def children() -> set[int]:
    """The children of this process, zombies included."""
    found: set[int] = set()
    for thread in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # one that has ended meanwhile
            found.update(map(int, (thread / "children").read_text().split()))
    return found


def open_files() -> dict[str, str]:
    """The file descriptors of this process and what they are."""
    found = {}
    for fd in os.listdir("/proc/self/fd"):
        try:
            found[fd] = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:  # that of the listing itself
            continue
    return found


@contextmanager
def nothing_left() -> Iterator[Callable[[], object]]:
    """
    Fail if the block leaves a child or an open file behind. What others close meanwhile is their affair.

    Gives what says whether there is something left by now.
    """
    files, before = open_files().items(), children()

    def started() -> set[int]:
        return children() - before

    def opened() -> set[tuple[str, str]]:
        return open_files().items() - files

    yield lambda: started() or opened()
    if opened():
        gc.collect()  # what only waits to be collected is not left open
    assert not started()
    assert not (left := opened()), f"left open: {dict(left)}"


def soon(condition: Callable[[], object], patience: float = PATIENCE) -> bool:
    """Wait, blocking, until *condition* holds. False if it does not within a bounded time."""
    until = time.monotonic() + patience
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fail if the block takes longer. A scope with a deadline does not see what is shielded from it."""
    before = time.monotonic()
    yield
    took = time.monotonic() - before
    assert took < seconds, f"took {took:.2f} s"
