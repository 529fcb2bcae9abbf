"""The functions of the harness, bound to one test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from specter._calls import call
from specter._testing import names
from specter._testing.blocks import AsyncBlock
from specter.sansio.ownership import require_callable

from ._cancel_everywhere import cancel_everywhere
from ._eventually import eventually
from ._faults import Hang, fail, hang
from ._recorder import Recorder, record

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from specter._testing.points import Fault
    from specter.event_bus import EventBus

    from ._http_client import HTTPClient
    from ._socket_client import SocketClient

T = TypeVar("T")


class Harness(AsyncBlock):
    """
    The functions of `specter.testing`, bound to a test: what they have open is closed or undone at its end, last first.

    ``async with Harness() as harness: ...``; the fixture ``harness`` is one. It can be an ``owner=`` as a service can.

    Attributes:
        eventually: See `specter.testing.eventually`.
        cancel_everywhere: See `specter.testing.cancel_everywhere`.
        name: For the report of leaks.
    """

    _made = "Harness()"
    eventually = staticmethod(eventually)
    cancel_everywhere = staticmethod(cancel_everywhere)

    def __init__(self) -> None:
        self.name = "harness"
        self._ends = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._ends.__aexit__(kind, error, trace)

    async def aclose(self) -> None:
        """Close or undo all that is open, last first. May be called again."""
        await self._ends.aclose()

    def close(self) -> None:
        """
        The same where no event loop runs.

        Raises:
            RuntimeError: Something is open whose end waits.
        """
        steps = self._ends.aclose().__await__()
        try:
            next(steps)
        except StopIteration:
            return
        steps.close()
        raise RuntimeError("a harness that has opened what must be awaited is closed by `await harness.aclose()`")

    async def enter(self, context_manager: AbstractAsyncContextManager[T]) -> T:
        """
        Enter an async context manager until the end of the test: ``await harness.enter(harness.running(service))``.

        Returns:
            What it yields.
        """
        return await self._ends.enter_async_context(context_manager)

    def add_cleanup(self, fn: Callable[[], Any]) -> Self:
        """Have *fn* (plain or a coroutine function) called at the end of the test, the last added first."""
        require_callable(fn, "a cleanup")
        self._ends.push_async_callback(call, fn)
        return self

    if not TYPE_CHECKING:  # type checkers know the names

        def __getattr__(self, name: str) -> NoReturn:
            raise names.not_in_harness(name, __package__, self)

    def record(self, bus: EventBus, pattern: str = "*") -> Recorder:
        """See `specter.testing.record`; closed at the end of the test."""
        recorder = record(bus, pattern)
        self._ends.callback(recorder.close)
        return recorder

    def fail(
        self, target: Any, name: str, error: BaseException | type[BaseException], *, times: int | None = None
    ) -> Fault:
        """See `specter.testing.fail`; undone at the end of the test."""
        fault = fail(target, name, error, times=times)
        self._ends.callback(fault.undo)
        return fault

    def hang(self, target: Any, name: str, *, times: int | None = None) -> Hang:
        """See `specter.testing.hang`; undone at the end of the test."""
        fault = hang(target, name, times=times)
        self._ends.callback(fault.undo)
        return fault

    def http(self, app: Any) -> HTTPClient:
        """See `specter.testing.http`; the application is shut down at the end of the test."""
        # By the name that says what to install, if it needs that.
        from specter import testing

        return self._closed(testing.http(app))

    def socket(self, app: Any, **options: Any) -> SocketClient:
        """See `specter.testing.socket`; disconnected at the end of the test."""
        from specter import testing

        return self._closed(testing.socket(app, **options))

    def running(self, it: T) -> AbstractAsyncContextManager[T]:
        """See `specter.testing.running`; `enter` it to have it run until the end of the test."""
        from ._running import running

        return running(it)

    def _closed(self, client: T) -> T:
        aclose: Callable[[], Awaitable[None]] = client.aclose  # type: ignore[attr-defined]
        self._ends.push_async_callback(aclose)
        return client
