"""
What the areas share. It runs in the yardstick's environment too, so it imports nothing of ours.

A script of an area prints its figure and nothing else.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import process_time


@dataclass(frozen=True)
class Goal:
    """
    What is to be reached.

    Attributes:
        ratio: At most this part of the yardstick's figure; `None` if it does not matter.
        figure: At most this, in the unit of the area; `None` if it does not matter.
    """

    ratio: float | None = None
    figure: float | None = None

    def met(self, ours: float, theirs: float | None) -> bool | None:
        """Whether the goal is reached; `None` if there is no yardstick to tell by."""
        if self.figure is not None:
            return ours <= self.figure
        if theirs is None or self.ratio is None:
            return None
        return ours <= theirs * self.ratio

    def __str__(self) -> str:
        return f"ratio {self.ratio:g}" if self.figure is None else f"{self.figure:g}"


def microseconds(fn: Callable[[], object], calls: int, rounds: int = 5) -> float:
    """Processor time of a call in microseconds, the best of some rounds."""

    def once() -> float:
        start = process_time()
        for _ in range(calls):
            fn()
        return process_time() - start

    return min(once() for _ in range(rounds)) / calls * 1e6


def main(ours: Callable[[], float], theirs: Callable[[], float]) -> None:
    """Run as the script of an area: with the argument ``ours`` or ``theirs``."""
    side = {"ours": ours, "theirs": theirs}[sys.argv[1]]
    sys.stdout.write(f"{side()!r}\n")
