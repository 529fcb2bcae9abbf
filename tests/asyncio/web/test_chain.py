"""A manager's part in the exit of a server that owns the signals."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from specter.serving.attach import attach, host
from specter.serving.gate import Gate
from specter.testing import eventually


class Manager:
    """What a chain needs of one; its application answers when it is told to."""

    def __init__(self) -> None:
        self.asgi = Gate(self.app)
        self.socketio = None
        self.running_handlers = None
        self.graceful_timeout = 5.0
        self.shutdown_timeout = 10.0
        self.ready = True
        self.abandoned: list[str] = []
        self.go_on = asyncio.Event()

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        await self.go_on.wait()

    def call(self) -> asyncio.Task[None]:
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b""}
        return asyncio.ensure_future(self.asgi(scope, asyncio.Queue().get, asyncio.Queue().put))


class Server:
    """Owns SIGTERM and SIGINT."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, bool]] = []
        self.told = asyncio.Event()

    def hear(self, number: int, frame: object) -> None:
        self.heard.append((number, frame is None))
        self.told.set()


@pytest.fixture
def server() -> Iterator[Server]:
    """Its handlers, put back afterwards."""
    server = Server()
    before = {number: signal.signal(number, server.hear) for number in (signal.SIGTERM, signal.SIGINT)}
    yield server
    for number, handler in before.items():
        signal.signal(number, handler)


async def test_the_server_hears_of_the_signal_when_the_drain_is_done(server: Server) -> None:
    manager = Manager()
    detach = attach(manager)
    call = manager.call()
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGTERM)
    await eventually(lambda: manager.asgi.closed)
    assert not manager.ready
    assert server.heard == []

    manager.go_on.set()
    await call
    await server.told.wait()
    detach()

    assert server.heard == [(signal.SIGTERM, True)]


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT], ids=["the same", "another"])
async def test_a_second_signal_goes_to_the_server_at_once(server: Server, second: signal.Signals) -> None:
    manager = Manager()
    detach = attach(manager)
    call = manager.call()
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0.01)
    os.kill(os.getpid(), second)
    await server.told.wait()

    assert server.heard == [(second, False)]

    manager.go_on.set()
    await call
    await manager.asgi.drained
    detach()


async def test_the_handlers_are_put_back(server: Server) -> None:
    attach(Manager())()

    assert signal.getsignal(signal.SIGTERM) == server.hear
    assert signal.getsignal(signal.SIGINT) == server.hear


async def test_a_handler_that_came_after_ours_stays(server: Server) -> None:
    detach = attach(Manager())
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    detach()

    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


@pytest.mark.parametrize(
    "handler", [signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler], ids=["default", "ignored", "Python's"]
)
async def test_where_no_server_hears_them_signals_are_left_alone(server: Server, handler: Any) -> None:
    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGINT, handler)
    detach = attach(Manager())

    assert signal.getsignal(signal.SIGTERM) is handler
    assert signal.getsignal(signal.SIGINT) is handler
    detach()


async def test_outside_of_the_main_thread_signals_are_left_alone(server: Server) -> None:
    manager = Manager()
    elsewhere = threading.Thread(target=lambda: attach(manager)())
    elsewhere.start()
    elsewhere.join()

    assert signal.getsignal(signal.SIGTERM) == server.hear


async def test_specter_run_takes_the_manager_and_the_signals_are_its_own(server: Server) -> None:
    taken: list[Any] = []
    token = host.set(taken.append)
    manager = Manager()
    attach(manager)()
    host.reset(token)

    assert taken == [manager]
    assert signal.getsignal(signal.SIGTERM) == server.hear
