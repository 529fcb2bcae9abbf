"""Where a task waits: the line of the application, not of the libraries below it."""

from __future__ import annotations

import gc
import os
import types
from collections.abc import Iterator
from pathlib import PurePath
from traceback import walk_tb
from typing import Any

# Frames of these packages say how a task waits; a reader wants to know for what.
_LIBRARIES = (
    *("specter", "anyio", "trio", "asyncio", "uvloop", "sniffio", "outcome"),
    *("specter_gevent", "gevent", "greenlet"),
)


def where(waiting: Any) -> str:
    """
    Name the innermost line of the application at which a task waits.

    Args:
        waiting: A coroutine, an async generator, or a task of asyncio or trio.

    Returns:
        Like ``app.py:31 in sweep``; the innermost line of all if none is the application's; ``nowhere`` if it has
        ended.
    """
    return innermost(list(frames(waiting)))


def where_raised(error: BaseException) -> str:
    """The same of what an error has come through: of a cancellation, where that was waited which it cancelled."""
    return innermost(list(walk_tb(error.__traceback__)))


def innermost(found: list[tuple[types.FrameType, int]]) -> str:
    """
    Name the innermost line of the application.

    Args:
        found: Frames and their lines, outermost first.

    Returns:
        As `where` does.
    """
    if not found:
        return "nowhere"
    own = [at for at in found if not is_library(at[0])]
    frame, line = (own or found)[-1]
    code = frame.f_code
    return f"{os.path.basename(code.co_filename)}:{line} in {code.co_name}"


def frames(waiting: Any) -> Iterator[tuple[types.FrameType, int]]:
    """
    Walk down what a task waits for, outermost first.

    Args:
        waiting: A coroutine, an async generator, or a task of asyncio or trio.

    Returns:
        Each frame, with the line at which it stands.
    """
    return _frames(_coroutine_of(waiting))


def _coroutine_of(waiting: Any) -> Any:
    get_coro = getattr(waiting, "get_coro", None)  # a task of asyncio
    return get_coro() if get_coro else getattr(waiting, "coro", waiting)  # a task of trio


def _frames(awaitable: Any) -> Iterator[tuple[types.FrameType, int]]:
    """Walk down what awaits what, outermost first."""
    for _ in range(1000):
        frame, inner = _step(awaitable)
        if frame is not None:
            yield frame, frame.f_lineno
        if inner is None:
            return
        awaitable = inner


def _step(awaitable: Any) -> tuple[types.FrameType | None, Any]:
    for prefix, awaited in (("cr", "cr_await"), ("gi", "gi_yieldfrom"), ("ag", "ag_await")):
        if hasattr(awaitable, f"{prefix}_frame"):
            return getattr(awaitable, f"{prefix}_frame"), getattr(awaitable, awaited)
    if type(awaitable).__name__ in ("async_generator_asend", "async_generator_athrow", "coroutine_wrapper"):
        # These show nothing of what they drive, but the garbage collector knows it.
        for referent in gc.get_referents(awaitable):
            if hasattr(referent, "ag_frame") or hasattr(referent, "cr_frame"):
                return None, referent
    return None, None


def is_library(frame: types.FrameType) -> bool:
    """Whether a frame is of Specter or of a library below it, and not of the application."""
    module = frame.f_globals.get("__name__", "")
    if module.partition(".")[0] not in _LIBRARIES:
        return False
    # The demo is an application although it lives in the package.
    return not (module.startswith("specter.demo") and "demo" in PurePath(frame.f_code.co_filename).parts)
