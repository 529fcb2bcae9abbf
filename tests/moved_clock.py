"""
A clock that jumps: time passes only when nothing can run, and then at once to the next thing that is due.

    @pytest.fixture(params=BACKENDS, ids=str)
    def anyio_backend(request):
        return request.param()

An hour of waiting takes a millisecond, and moments are exact.
"""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

from trio.testing import MockClock


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for files as always, but where the loop would wait for a moment, it is that moment."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            return super().select()
        ready = super().select(0)
        if not ready and timeout > 0:
            self.now += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """asyncio's event loop with a clock that jumps."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def jumping_asyncio() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": JumpingLoop}


def jumping_trio() -> tuple[str, dict[str, Any]]:
    return "trio", {"clock": MockClock(autojump_threshold=0)}


BACKENDS: list[Callable[[], tuple[str, dict[str, Any]]]] = [jumping_asyncio, jumping_trio]
"""Each makes a value of the fixture ``anyio_backend``."""
