"""How long to wait before the next try, when what is tried fails again and again."""

from __future__ import annotations

FIRST = 1.0

# The part of a wait that chance takes away, so that what failed together does not come back together.
JITTER = 0.25


class Backoff:
    """
    Waits that double from *first* to *longest*, each shortened by up to a quarter by chance.

    What had worked for longer than the last wait begins at *first* again.

    Args:
        longest: No wait is longer. Seconds, more than 0.
        first: The first wait. Seconds, more than 0; not used beyond *longest*.
    """

    def __init__(self, longest: float, first: float = FIRST) -> None:
        self._first = min(first, longest)
        self._longest = longest
        self._next = self._first
        self._last = 0.0

    def next_wait(self, worked_for: float, chance: float) -> float:
        """
        Give the seconds to wait after a failure.

        Args:
            worked_for: Seconds that the try which failed had worked.
            chance: A random number, at least 0 and less than 1.
        """
        if worked_for > self._last:
            self._next = self._first
        wait = self._next * (1 - JITTER * chance)
        self._next = min(self._next * 2, self._longest)
        self._last = wait
        return wait
