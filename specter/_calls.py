"""Calling what may be a plain or a coroutine function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any


async def call(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a plain or a coroutine function; what it gives is awaited if it can be."""
    result = fn(*args, **kwargs)
    if inspect.isawaitable(result):
        return await result
    return result


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


def forget(value: object) -> None:
    """Close what will never be awaited, if it is a coroutine, so that Python does not warn of it."""
    if inspect.iscoroutine(value):
        value.close()
