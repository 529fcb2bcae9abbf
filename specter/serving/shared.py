"""What the supervisor and the application tell each other, in memory that both see."""

from __future__ import annotations

import mmap
import struct

# The shutdown timeout in seconds, as the application knows it once it is imported; how many signals were passed on.
_BUDGET, _FORWARDED = struct.Struct("d"), struct.Struct("Q")


class Shared:
    """
    Two numbers that outlive a fork, each written by one side alone.

    Args:
        budget: Seconds from the first signal to the end, until the application says otherwise.
    """

    def __init__(self, budget: float) -> None:
        self._memory = mmap.mmap(-1, _BUDGET.size + _FORWARDED.size)
        self.budget = budget

    @property
    def budget(self) -> float:
        """Seconds that the application has from the first signal to its end. Written by the application."""
        return float(_BUDGET.unpack_from(self._memory)[0])

    @budget.setter
    def budget(self, seconds: float) -> None:
        _BUDGET.pack_into(self._memory, 0, seconds)

    @property
    def forwarded(self) -> int:
        """How many signals the supervisor has passed on, counted before it sends each. Written by the supervisor."""
        return int(_FORWARDED.unpack_from(self._memory, _BUDGET.size)[0])

    @forwarded.setter
    def forwarded(self, count: int) -> None:
        _FORWARDED.pack_into(self._memory, _BUDGET.size, count)
