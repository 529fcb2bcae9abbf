"""Quart and python-socketio run on asyncio alone."""

from collections.abc import AsyncIterator, Iterator

import pytest
from live_sockets import Live, live_server
from quart import Quart
from quart.typing import TestClientProtocol as Client

from specter import SocketIngress
from specter._running_handlers import RunningHandlers


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The event loop under an async test; under a server, which lives as long as the module."""
    return "asyncio"


@pytest.fixture
def app() -> Quart:
    """An application without a route."""
    return Quart(__name__)


@pytest.fixture
def client(app: Quart) -> Client:
    """A client of that application."""
    return app.test_client()


@pytest.fixture(scope="module")
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Live]:
    """A Socket.IO server; a module that has other namespaces than "/" says so in its ``NAMESPACES``."""
    async with live_server(namespaces=getattr(request.module, "NAMESPACES", None)) as live:
        yield live


@pytest.fixture
def ingress(server: Live) -> Iterator[SocketIngress]:
    """An ingress of that server, which leaves nothing on it."""
    ingress = SocketIngress(server.sio)
    yield ingress
    ingress.clear()
    assert server.sio.handlers == {}


@pytest.fixture
def running(server: Live, ingress: SocketIngress) -> Iterator[RunningHandlers]:
    """The handlers in flight of that server, which has none registered afterwards."""
    running = RunningHandlers(server.sio)
    yield running
    ingress.clear()
    server.sio.handlers.clear()
    server.sio.namespace_handlers.clear()
    running.reopen()
