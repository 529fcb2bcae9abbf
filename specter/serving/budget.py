"""How long a step of the end may take."""

from __future__ import annotations

from specter._deadline import time_left


def share(seconds: float) -> float:
    """Give *seconds*, or half of the time left if that is less: what hangs never uses the time of those after it."""
    return min(seconds, time_left() / 2)
