"""A coroutine in a context of its own, though it runs in the caller's task."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Self


class InContext:
    """
    ``await InContext(coroutine, context)``: what the coroutine sets in *context* the caller does not see.

    It stays in one task from its beginning to its end, so cancel scopes and timeouts in it work as everywhere.

    Args:
        coroutine: Not begun.
        context: Entered by nobody else.
        on_wait: Called when the coroutine waits for the first time; never if it does not wait.

    Attributes:
        cr_frame, cr_await: As those of a coroutine, for whoever looks where a task waits.
    """

    __slots__ = ("_coroutine", "_on_wait", "_run", "_send")

    def __init__(
        self, coroutine: Coroutine[Any, Any, Any], context: Context, on_wait: Callable[[], None] | None = None
    ) -> None:
        self._coroutine = coroutine
        self._send = coroutine.send
        self._run = context.run
        self._on_wait = on_wait

    cr_frame = None

    @property
    def cr_await(self) -> Coroutine[Any, Any, Any]:
        return self._coroutine

    def __await__(self) -> Self:
        return self

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        waited_for = self._run(self._send, None)
        if self._on_wait is not None:
            on_wait, self._on_wait = self._on_wait, None
            on_wait()
        return waited_for

    def send(self, value: Any) -> Any:
        return self._run(self._send, value)

    def throw(self, *error: Any) -> Any:
        return self._run(self._coroutine.throw, *error)

    def close(self) -> None:
        self._run(self._coroutine.close)
