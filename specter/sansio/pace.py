"""
Rule of virtual time: it moves only when all wait, and not while somebody outside is at work for them.

    nobody outside is at work          jump     to the next moment for which somebody waits
    somebody is: a thread, a child     stand    until it has ended, or nothing was heard of it for as long as patience
                                                lasts: it is given up
    whoever is at work was given up    flow     with the real time

A child that ignores SIGTERM would otherwise hold for ever the seconds after which it is killed.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum
from typing import Any

# What lies between two looks counts as silence no longer than that, in seconds: if it is more, this process itself was
# not running, and could not hear.
MOST_BETWEEN_LOOKS = 0.1


class Move(Enum):
    """What virtual time does next."""

    JUMP = "jump"
    STAND = "stand"
    FLOW = "flow"


class Pace:
    """
    Whether virtual time may jump.

    Args:
        patience: How long somebody at work is waited for in silence. Seconds, real.

    Raises:
        TypeError: *patience* is no number.
        ValueError: It is less than 0.
    """

    def __init__(self, patience: float) -> None:
        if isinstance(patience, bool) or not isinstance(patience, int | float):
            raise TypeError(f"patience must be a number of seconds, got {patience!r}")
        if not patience >= 0:
            raise ValueError(f"patience must be 0 seconds or more, got {patience!r}")
        self.patience = patience
        # For how long nothing was heard, in real seconds; `None` while nobody is waited for.
        self._silence: float | None = None
        # When that was looked at, or something was heard.
        self._looked = 0.0
        self._given_up: set[Any] = set()

    def next_move(self, at_work: Collection[Any], now: float) -> tuple[Move, list[Any]]:
        """
        Decide what time does, now that all wait.

        Args:
            at_work: Who is, outside; by identity or whatever else tells one from the other.
            now: The real time, in seconds. Monotonic.

        Returns:
            The move, and those who are given up with it.
        """
        if not at_work:
            self._silence = None
            self._given_up.clear()
            return Move.JUMP, []
        self._given_up.intersection_update(at_work)
        waited_for = [who for who in at_work if who not in self._given_up]
        if not waited_for:
            self._silence = None
            return Move.FLOW, []
        if self._silence is None:
            self._silence = 0.0
        else:
            self._silence += min(now - self._looked, MOST_BETWEEN_LOOKS)
        self._looked = now
        if self._silence < self.patience:
            return Move.STAND, []
        self._silence = None
        self._given_up.update(waited_for)
        return Move.FLOW, waited_for

    def hear(self, now: float) -> None:
        """Something was heard from outside: patience begins anew."""
        if self._silence is not None:
            self._silence, self._looked = 0.0, now
