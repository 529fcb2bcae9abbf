"""Calling what may be a plain or a coroutine function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .sansio.callables import is_coroutine_function as is_coroutine_function
from .sansio.callables import name_of as name_of


async def call(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a plain or a coroutine function; what it gives is awaited if it can be."""
    result = fn(*args, **kwargs)
    if result is not None and inspect.isawaitable(result):
        return await result
    return result


def forget(value: object) -> None:
    """Close what will never be awaited, if it is a coroutine, so that Python does not warn of it."""
    if inspect.iscoroutine(value):
        value.close()
