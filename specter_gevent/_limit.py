"""A limit to how long something is waited for."""

from __future__ import annotations

from gevent import Timeout


def within(seconds: float | None) -> Timeout:
    """
    Leave the block, without an error, when it has taken too long: ``with within(1): event.wait()``.

    Another timeout around it that comes first goes through as itself.

    Args:
        seconds: `None` for no limit.
    """
    return Timeout(seconds, False)  # type: ignore[arg-type]  # documented, and missing in the types
