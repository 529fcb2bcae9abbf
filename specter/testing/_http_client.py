"""Quart's test client, with the lifespan of the application around its requests."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from quart.testing import QuartClient

from specter._testing.blocks import AsyncBlock
from specter._testing.given import told

from ._http_connection import begun
from ._serving import Serving
from ._target import Target


def http(app: Any) -> HTTPClient:
    """
    Give a client for the requests of a test, with no port.

    Args:
        app: A Quart application, a manager that has one, or ``manager.asgi``.

    Returns:
        Quart's own test client. The application is booted by its first request, or by ``async with http(app) as
        client:``; it is shut down by the end of that block, or by ``await client.aclose()``.

    Raises:
        TypeError: There is no Quart application in *app*.
    """
    target = Target.of(app)
    if target.quart is None:
        raise TypeError(f"http() needs a Quart application or a manager with one, got {told(app)}")
    own: Any = target.quart.test_client_class
    client_class: Any = HTTPClient if own is QuartClient else type("HTTPClient", (HTTPClient, own), {})
    client: HTTPClient = client_class(target)
    return client


class HTTPClient(AsyncBlock, QuartClient):
    """
    A `quart.testing.QuartClient`, or one of the application's own ``test_client_class``, that boots the application.

    Unlike in Quart, a block round it does not keep the context of a request after that: set ``preserve_context``.
    """

    _made = "http(...)"

    def __init__(self, target: Target) -> None:
        super().__init__(target.quart)
        self._target = target
        self._serving: Serving | None = None
        # The client opens all of its connections by these two.
        self.http_connection_class = begun(self.http_connection_class, target, self._boot)
        self.websocket_connection_class = begun(self.websocket_connection_class, target, self._boot)

    async def __aenter__(self) -> Self:
        """
        Boot the application.

        Raises:
            Exception: That has failed, by this error.
        """
        await self._boot()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Shut it down."""
        await self.aclose()

    async def aclose(self) -> None:
        """
        Shut the application down, if this client has booted it and no other one needs it. May be called again.

        Raises:
            Exception: That has failed, by this error.
        """
        serving, self._serving = self._serving, None
        if serving is not None:
            await serving.leave()

    async def _boot(self) -> None:
        if self._serving is None:
            serving = await Serving.join(self._target)
            if self._serving is None:
                self._serving = serving
            else:
                await serving.leave()  # of two requests at once
