"""What must be undone at the end, last first: for owners that are no services."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import specter_gevent
from specter.sansio.callables import require_plain
from specter.sansio.ownership import STOP_METHODS, first_method

logger = logging.getLogger("specter.core.ownership")

# Nothing awaits here.
OWNERSHIP_STOP_METHODS = tuple(name for name in STOP_METHODS if name != "aclose")


def resolve_cleanup(resource: Any, stop_method: str | None = None) -> Callable[[], Any]:
    """
    Find the bound method that ends a resource.

    Args:
        resource: What is owned.
        stop_method: The name of the method; the first of `OWNERSHIP_STOP_METHODS` that exists if `None` or empty.

    Raises:
        TypeError: There is no such method, or *resource* is `None`.
    """
    if resource is None:
        raise TypeError("[SPECTER] Cannot resolve cleanup for None")
    tried = [stop_method] if stop_method else OWNERSHIP_STOP_METHODS
    method = first_method(resource, tried)
    if method is None:
        kind = type(resource).__name__
        raise TypeError(f"[SPECTER] Could not resolve cleanup method for {kind}. Tried: {tried}")
    return method


class Cleanups(list[Callable[[], Any]]):
    """
    Cleanups of one owner, oldest first.

    Args:
        module: The module of this package whose `logger` hears of errors.
    """

    def __init__(self, module: str = "ownership") -> None:
        super().__init__()
        self.module = module

    def add(self, fn: Callable[[], Any]) -> None:
        """Add a plain function without parameters. What cannot be called is ignored."""
        if callable(fn):
            require_plain(fn, "a cleanup")
            self.append(fn)

    def run(self, owner: str) -> None:
        """Run and forget all, last first. An error is logged, as one of *owner*, and the rest goes on."""
        while self:
            fn = self.pop()
            try:
                fn()
            except Exception as error:
                getattr(specter_gevent, self.module).logger.warning(
                    "[SPECTER] Failed to run cleanup for %s: %s", owner, error, exc_info=True
                )
