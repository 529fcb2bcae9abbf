"""What must be undone at the end, last first: for owners that are no services; and what need not be any more."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from ._calls import call, name_of
from .sansio.ownership import require_callable, stop_method

log = logging.getLogger(__name__)
T = TypeVar("T")


class Cleanups:
    """
    Cleanups of one owner.

    Args:
        owner: The owner's name, for logs.
    """

    def __init__(self, owner: str = "") -> None:
        self.owner = owner
        self.pending: list[Callable[[], Any]] = []

    def add(self, fn: Callable[[], Any]) -> None:
        """Add a plain or coroutine function without parameters."""
        require_callable(fn, "a cleanup")
        self.pending.append(fn)

    def forget(self, fn: Callable[[], Any]) -> None:
        """Own *fn* no more: what it would have ended has ended by itself. Unknown ones are ignored."""
        if fn in self.pending:
            self.pending.remove(fn)

    def own(self, resource: T, method: str | None = None) -> T:
        """Add the ending of a resource; see `stop_method`. `None` is ignored."""
        if resource is not None:
            self.add(stop_method(resource, method))
        return resource

    async def run(self) -> None:
        """Run and forget all, last first. An error is logged with its traceback and the rest goes on."""
        while self.pending:
            fn = self.pending.pop()
            try:
                await call(fn)
            except Exception:
                log.exception("cleanup %s of %r failed", name_of(fn), self.owner)


def forget_cleanup(owner: Any, cleanup: Callable[[], Any]) -> None:
    """Take back a cleanup from an owner that can do so: a subscription may end long before its owner."""
    forget = getattr(owner, "_forget_cleanup", None)
    if forget is not None:
        forget(cleanup)
