"""What a test may leave behind, and how that is told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

# The kinds of leaks, in the order in which they are told: an owner before what it owns.
KINDS = {
    "services": "a service that was not stopped",
    "tasks": "a task or greenlet that was neither awaited nor cancelled, or a runtime that was not closed",
    "timers": "an interval or a timeout of a service",
    "subscriptions": "a listener of the bus",
    "registry": "an entry of the registry",
    "processes": "a child process",
    "threads": "a thread, or a worker thread that is still busy",
    "sockets": "an open socket",
    "files": "another open file descriptor: a file, a pipe",
}

# What a report ends with: how the kinds in it are excepted.
OF_A_TEST = "end what the test has started, or mark the test with @pytest.mark.allow_leaks({})"
OF_A_BLOCK = "end what was started, or except it by allow=[{}]"


@dataclass(frozen=True)
class Leak:
    """
    One thing that was left behind.

    Attributes:
        kind: One of `KINDS`.
        what: What it is: ``task 'sweep'``.
        owner: The name of the service or runtime that owns it; ``None`` if none does, or it is not known.
        created: The line that created it, like ``app.py:31 in sweep``; ``None`` if it is not known.
        waits: The line at which it waits; ``None`` if it does not, or it is not known.
    """

    kind: str
    what: str
    owner: str | None = None
    created: str | None = None
    waits: str | None = None

    def __str__(self) -> str:
        parts = [self.what if self.owner is None else f"{self.what} of {self.owner!r}"]
        if self.created is not None:
            parts.append(f"created at {self.created}")
        if self.waits is not None:
            parts.append(f"waits at {self.waits}")
        return f"{self.kind}: {', '.join(parts)}"


def checked_kinds(kinds: str | Iterable[object]) -> frozenset[str]:
    """
    Give the kinds of leaks that somebody excepts.

    Args:
        kinds: A text is one kind.

    Raises:
        ValueError: One of them is no kind; lists those that there are.
    """
    found = []
    for kind in (kinds,) if isinstance(kinds, str) else kinds:
        if not (isinstance(kind, str) and kind in KINDS):
            raise ValueError(f"{kind!r} is no kind of leak; there are: {', '.join(KINDS)}")
        found.append(kind)
    return frozenset(found)


def in_order(leaks: Iterable[Leak], allowed: Collection[str] = ()) -> list[Leak]:
    """Give the leaks without those of a kind that is *allowed*, owners before what they own."""
    kinds = list(KINDS)
    return sorted((leak for leak in leaks if leak.kind not in allowed), key=lambda leak: kinds.index(leak.kind))


def report(leaks: Sequence[Leak], advice: str) -> str:
    """
    Tell what was left behind, one line for each.

    Args:
        leaks: Not empty.
        advice: `OF_A_TEST` or `OF_A_BLOCK`.
    """
    count = "1 thing was" if len(leaks) == 1 else f"{len(leaks)} things were"
    kinds = ", ".join(f'"{kind}"' for kind in KINDS if any(leak.kind == kind for leak in leaks))
    return "\n".join(
        [
            f"{count} left behind:",
            *(f"  {leak}" for leak in leaks),
            advice.format(kinds),
        ]
    )
