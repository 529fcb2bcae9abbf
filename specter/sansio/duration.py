"""What is a duration."""

from __future__ import annotations

import math

_NUMBERS = (int, float)


def require_seconds(seconds: float, what: str, least: float | None = None) -> None:
    """
    Refuse what is no duration.

    Raises:
        TypeError: *seconds* is no number.
        ValueError: It is less than *least*, or not more than 0 if that is not given; or it is not finite.
    """
    if not isinstance(seconds, _NUMBERS) or isinstance(seconds, bool):
        raise TypeError(f"{what} must be a number of seconds, got {seconds!r}")
    if not math.isfinite(seconds):
        raise ValueError(f"{what} must be finite, got {seconds!r}")
    if least is None and seconds <= 0:
        raise ValueError(f"{what} must be more than 0 seconds, got {seconds!r}")
    if least is not None and seconds < least:
        raise ValueError(f"{what} must be {least} seconds or more, got {seconds!r}")


def limit(timeout: float | None) -> float:
    """
    How long something may be waited for.

    Args:
        timeout: Seconds; `None` for no limit. Less than 0 is a moment that has passed, and fine.

    Raises:
        TypeError: *timeout* is no number.
        ValueError: It is not a number at all (NaN).
    """
    if timeout is None:
        return math.inf
    if not isinstance(timeout, _NUMBERS) or isinstance(timeout, bool):
        raise TypeError(f"timeout must be a number of seconds or None, got {timeout!r}")
    if math.isnan(timeout):
        raise ValueError(f"timeout must be a number of seconds or None, got {timeout!r}")
    return timeout
