"""Methods that a subclass of an application, or a test of it, has put in the place of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def is_ours(method: Any, ours: Callable[..., Any]) -> bool:
    """
    Whether a method is the one that this package has.

    Where one of our methods takes a shorter way than to call another one, as 0.1.x does, it asks before.

    Args:
        method: As found by the name of it, at an object.
        ours: The function that it is made of, unless there is another one in its place.
    """
    return getattr(method, "__func__", None) is ours
