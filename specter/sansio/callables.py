"""What kind of function a hook or callback is, and what it is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

_COROUTINE = inspect.CO_COROUTINE
_ASYNC = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR

# From Python 3.12 on a plain function can be marked as one that gives a coroutine.
_MARKS = hasattr(inspect, "markcoroutinefunction")


def is_coroutine_function(fn: Callable[..., Any]) -> bool:
    """Tell if calling *fn* gives a coroutine: partials, bound methods and objects with an async `__call__` included."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    function: Any = fn.__func__ if isinstance(fn, MethodType) else fn
    if type(function) is FunctionType and not (_MARKS and hasattr(function, "_is_coroutine_marker")):
        # A tenth of what `inspect` takes.
        return bool(function.__code__.co_flags & _COROUTINE)
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(getattr(fn, "__call__", None))  # noqa: B004


def name_of(fn: Callable[..., Any]) -> str:
    """The name by which a function is known in logs."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    return getattr(fn, "__qualname__", None) or type(fn).__qualname__


def require_plain(fn: Callable[..., Any], what: str) -> None:
    """
    Refuse a coroutine function, or an asynchronous generator, where nothing awaits, as on gevent.

    Args:
        fn: The function.
        what: Its role, ``a listener``.

    Raises:
        TypeError: *fn* is one; names it, and the switch.
    """
    # Nearly all are plain functions or methods: told without a further call.
    function: Any = fn
    if type(function) is MethodType:
        function = function.__func__
    if type(function) is FunctionType and not (function.__code__.co_flags & _ASYNC or _MARKS and function.__dict__):
        return
    kind = _asynchronous(fn)
    if kind is not None:
        raise TypeError(
            f"{what} must be a plain function on gevent, got the {kind} {name_of(fn)}, which nothing would "
            "await: write it without async and await, or call specter.use_backend('asyncio') before the first import"
        )


def require_answer(answer: object, fn: Callable[..., Any], what: str) -> None:
    """
    Refuse what a coroutine function has returned: `require_plain`, for a function that is called at once.

    Args:
        answer: What the function returned. Closed if it is a coroutine that is refused.
        fn: The function.
        what: Its role, ``a reader``.

    Raises:
        TypeError: *fn* is a coroutine function.
    """
    if inspect.iscoroutine(answer) and is_coroutine_function(fn):
        answer.close()
        require_plain(fn, what)


def _asynchronous(fn: Callable[..., Any]) -> str | None:
    """What kind of function it is; None for a plain one."""
    if is_coroutine_function(fn):
        return "coroutine function"
    return "asynchronous generator" if inspect.isasyncgenfunction(fn) else None
