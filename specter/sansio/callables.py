"""What kind of function a hook or callback is, and what it is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any


def is_coroutine_function(fn: Callable[..., Any]) -> bool:
    """Tell if calling *fn* gives a coroutine: partials, bound methods and objects with an async `__call__` included."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(getattr(fn, "__call__", None))  # noqa: B004


def name_of(fn: Callable[..., Any]) -> str:
    """The name by which a function is known in logs."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    return getattr(fn, "__qualname__", None) or type(fn).__qualname__


def require_plain(fn: Callable[..., Any], what: str) -> None:
    """
    Refuse a coroutine function where nothing awaits, as on gevent.

    Args:
        fn: The function.
        what: Its role, ``a listener``.

    Raises:
        TypeError: *fn* is a coroutine function; names it, and the switch.
    """
    if is_coroutine_function(fn):
        raise TypeError(
            f"{what} must be a plain function on gevent, got the coroutine function {name_of(fn)}, which nothing would "
            "await: write it without async and await, or call specter.use_backend('asyncio') before the first import"
        )
