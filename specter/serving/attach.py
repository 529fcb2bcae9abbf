"""What a manager does as its lifespan begins: it joins the exit of `specter run`, or that of another server."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from .chain import chain_signals
from .drain import Drained

# `specter run` sets it in the task of the lifespan: the sequence that ends the process takes every manager that boots.
host: ContextVar[Callable[[Drained], None] | None] = ContextVar("specter_host", default=None)


def attach(manager: Drained) -> Callable[[], None]:
    """
    Have the end of the process drain *manager* before the lifespan is told to shut down.

    Args:
        manager: About to boot in the lifespan of an ASGI server.

    Returns:
        What undoes it; to be called when the manager has shut down, or has failed to boot.
    """
    hand_over = host.get()
    if hand_over is None:
        return chain_signals(manager)
    hand_over(manager)
    return _nothing


def _nothing() -> None:
    """`specter run` forgets its managers by itself."""
