"""Connections of Quart's test client that boot the application first, and leave no task when they are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any

import anyio

from specter._shield import wait_regardless

from ._target import Target

# Seconds that a view may take to end when its client has gone.
_GOODBYE_TIME = 5.0


def begun(connection_class: Any, target: Target, boot: Callable[[], Awaitable[None]]) -> Any:
    """
    Derive a class of connections.

    Args:
        connection_class: The client's own, for requests or for websockets.
        target: The application.
        boot: Awaited before each connection.
    """

    class Begun(connection_class):  # type: ignore[misc]
        async def __aenter__(self) -> Any:
            await boot()
            with target.as_served():
                return await super().__aenter__()

        async def __aexit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            # Quart's own leaves the view behind if it is cancelled here. A client that goes tells the application.
            ending = asyncio.create_task(super().__aexit__(kind, error, trace))
            ended = anyio.Event()
            ending.add_done_callback(lambda _: ended.set())
            try:
                await ended.wait()
            except BaseException:
                await self.disconnect()
                await _end(ending, ended)
                raise
            ending.result()

    return Begun


async def _end(ending: asyncio.Task[None], ended: anyio.Event) -> None:
    try:
        await wait_regardless(ended, anyio.current_time() + _GOODBYE_TIME)
    finally:
        if not ending.cancel() and not ending.cancelled():
            ending.exception()  # the application has logged it; the cancellation goes on
