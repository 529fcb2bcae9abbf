"""The Socket.IO client in memory, and the application that it boots round itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import socketio
from flask import Flask
from lifespans import Part
from quart import Quart
from talking import application

from specter import Runtime, Service, ServiceManager, boot
from specter.sansio.errors import ServiceError
from specter.testing import SocketClient, http, running, socket

# The application round it.


async def test_a_block_is_all_that_a_test_needs() -> None:
    manager = application(part := Part())

    async with socket(manager) as sio:
        assert isinstance(sio, SocketClient)
        assert repr(sio) == "<SocketClient connected to />"
        assert part.log == ["start"]
        assert await sio.call("running") is True
        assert await sio.call("echo", {"bytes": [b"1"]}) == {"bytes": [b"1"]}

    assert part.log == ["start", "stop"]
    assert not manager.running
    assert repr(sio) == "<SocketClient disconnected: the client has disconnected>"


async def test_a_manager_its_application_and_its_asgi_are_the_same() -> None:
    manager = application(part := Part())

    async with socket(manager) as first, socket(manager.app) as second, socket(manager.asgi) as third:
        for sio in (first, second, third):
            assert await sio.call("running") is True
        assert len({first.sid, second.sid, third.sid}) == 3
        assert part.log == ["start"]
    assert part.log == ["start", "stop"]


async def test_requests_and_sockets_share_a_boot() -> None:
    manager = application(part := Part())

    async with http(manager) as client, socket(manager) as sio:
        assert (await client.get("/")).status_code == 404
        assert await sio.call("running") is True
        assert part.log == ["start"]
    assert part.log == ["start", "stop"]


async def test_a_client_leaves_the_boot_of_others_as_it_is() -> None:
    manager = application(part := Part())

    async with running(manager):
        for _ in range(2):
            async with socket(manager) as sio:
                assert await sio.call("running") is True
        assert part.log == ["start"]


async def test_nothing_is_left_when_the_block_is_left() -> None:
    manager = application(Part())

    before = asyncio.all_tasks()
    async with socket(manager):
        pass
    assert asyncio.all_tasks() == before


async def test_a_client_leaves_nothing_in_an_application_that_goes_on() -> None:
    manager = application(Part())

    async with running(manager), socket(manager):
        before = asyncio.all_tasks()
        async with socket(manager):
            pass
        assert asyncio.all_tasks() == before


async def test_nothing_is_left_of_a_server_without_a_manager() -> None:
    sio = socketio.AsyncServer(async_mode="asgi")
    sio.on("echo", lambda sid, data: data)
    before = asyncio.all_tasks()

    async with socket(socketio.ASGIApp(sio)) as client:
        assert await client.call("echo", 1) == 1

    assert asyncio.all_tasks() == before


async def test_handlers_know_the_runtime_of_the_manager_and_none_of_the_test() -> None:
    async with Runtime("of the test"), socket(application(Part())) as sio:
        assert await sio.call("runtime") == "service_manager"


async def test_a_boot_that_fails_comes_out_as_itself() -> None:
    class Broken(Service):
        async def on_start(self) -> None:
            raise OSError("port in use")

    manager = application(Broken("broken"))
    with pytest.raises(ServiceError, match="'broken' did not start: port in use"):
        async with socket(manager):
            pytest.fail("entered")
    assert not manager.running


# What has no Socket.IO.


@pytest.mark.parametrize(
    "given",
    [lambda: Quart(__name__), lambda: ServiceManager(), lambda: boot(Quart(__name__), None)],
    ids=["Quart", "services alone", "no server"],
)
async def test_an_application_without_socketio_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"socket\(\) needs an application with Socket.IO"):
        socket(given())


async def test_a_flask_application_is_told_of_the_backend_switch() -> None:
    with pytest.raises(TypeError, match=r"specter\.use_backend\('gevent'\)"):
        socket(Flask(__name__))


@pytest.mark.parametrize("namespaces", ["admin", [], ["/", "b"]], ids=["no slash", "none", "one of two"])
async def test_what_is_no_namespace_is_refused(namespaces: Any) -> None:
    with pytest.raises(ValueError, match="must be one or more that begin with '/'"):
        socket(application(Part()), namespaces=namespaces)


async def test_a_namespace_of_no_connection_is_refused() -> None:
    async with socket(application(Part())) as sio:
        with pytest.raises(ValueError, match="namespace '/admin' is none of those of this client: /"):
            await sio.emit("echo", namespace="/admin")


@pytest.fixture
async def sio() -> AsyncIterator[SocketClient]:
    async with socket(application(Part())) as sio:
        yield sio


async def test_a_fixture_gives_a_client(sio: SocketClient) -> None:
    assert await sio.call("running") is True
