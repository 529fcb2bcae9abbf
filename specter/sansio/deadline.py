"""How the time of a stop is divided among its steps."""

from __future__ import annotations

# A step that begins late still gets half of this: a cleanup that never began is worse than a deadline missed by a
# little.
LEAST_SECONDS = 0.02


def half_way(now: float, until: float) -> float:
    """
    The moment by which the next step must have ended.

    It leaves half of the time, so that no step uses up that of those after it.

    Args:
        now: The clock, in seconds.
        until: The moment by which all must have ended; infinite for never.
    """
    return now + max(until - now, LEAST_SECONDS) / 2
