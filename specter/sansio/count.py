"""What is a number of things."""

from __future__ import annotations


def require_count(count: int, what: str, least: int) -> None:
    """
    Refuse what is no number of things.

    Raises:
        TypeError: *count* is no whole number.
        ValueError: It is less than *least*.
    """
    if not isinstance(count, int) or isinstance(count, bool):
        raise TypeError(f"{what} must be a whole number, got {count!r}")
    if count < least:
        raise ValueError(f"{what} must be {least} or more, got {count!r}")
