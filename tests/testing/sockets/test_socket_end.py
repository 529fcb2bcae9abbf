"""The Socket.IO client in memory: how a connection ends, by the client, by the server, or cancelled at any wait."""

from __future__ import annotations

import anyio
import pytest
from lifespans import Part
from talking import application, in_virtual_time

from specter import ServiceManager, registry
from specter.testing import Disconnected, cancel_everywhere, no_leaks, running, socket, virtual_time

# The end.


async def test_who_has_left_cannot_send() -> None:
    async with socket(application(Part())) as sio:
        sid = sio.sid
        await sio.disconnect()
        await sio.disconnect()
        assert not sio.connected
        assert sio.sid == sid
        for sending in (sio.emit("echo"), sio.call("echo"), sio.receive("echo")):
            with pytest.raises(Disconnected, match="the client has disconnected"):
                await sending


async def test_the_disconnect_handlers_have_run_when_a_client_has_left() -> None:
    manager = application(Part())

    async with running(manager):
        async with socket(manager) as sio:
            await sio.disconnect()
            assert registry.require("talk").seen == ["client disconnect"]
        async with socket(manager):
            pass
        assert registry.require("talk").seen == ["client disconnect"] * 2


async def test_a_shutdown_disconnects_the_client() -> None:
    manager = application(Part())

    async with socket(manager) as sio:
        await manager.shutdown()
        with pytest.raises(Disconnected, match="the server closed the transport"):
            await sio.receive("more")


async def test_a_client_that_is_disconnected_closes_the_connection() -> None:
    manager = application(Part())

    async with socket(manager) as sio:
        await manager.socketio.disconnect(sio.sid)
        with anyio.fail_after(5):
            while manager.asgi.calls():
                await manager.asgi.changed()


async def test_what_came_before_the_end_can_be_received_after_it() -> None:
    manager = application(Part())

    async with socket(manager) as sio:
        await manager.socketio.emit("last", "word", to=sio.sid)
        await manager.socketio.disconnect(sio.sid)
        with pytest.raises(Disconnected, match="the server disconnected the client"):
            await sio.receive("other")
        assert await sio.receive("last") == "word"


async def test_a_client_connects_once() -> None:
    sio = socket(application(Part()))

    async with sio:
        with pytest.raises(RuntimeError, match="was connected before"):
            await sio.__aenter__()
        assert await sio.call("running") is True
    with pytest.raises(RuntimeError, match="was connected before"):
        await sio.__aenter__()


async def test_before_it_connects_there_is_nothing_to_use() -> None:
    sio = socket(application(Part()))

    assert not sio.connected
    assert repr(sio) == "<SocketClient not connected yet>"
    with pytest.raises(Disconnected, match="^not connected to '/': it has not been connected yet, enter the block"):
        await sio.emit("echo")
    with pytest.raises(Disconnected, match="it has not been connected yet"):
        _ = sio.sid
    await sio.disconnect()
    await sio.aclose()


# Cancellation.


async def test_a_visit_cancelled_at_any_wait_leaves_nothing() -> None:
    made: list[tuple[Part, ServiceManager]] = []

    async def scenario() -> None:
        manager = application(part := Part())
        made.append((part, manager))
        async with socket(manager) as sio:
            await sio.emit("echo", 1)
            await sio.call("echo", b"2")
            await manager.socketio.emit("told", to=sio.sid)
            await sio.receive("told")
            await sio.disconnect()

    def check() -> None:
        part, manager = made.pop()
        assert not (part.running or manager.running)
        assert registry.list() == []

    assert await cancel_everywhere(scenario, check) > 15


async def test_a_visit_cancelled_at_any_wait_leaves_no_client_in_the_application() -> None:
    manager = application(Part())

    async def scenario() -> None:
        async with socket(manager, namespaces="/") as sio:
            await sio.call("echo", b"2")

    def check() -> None:
        assert not list(manager.socketio.manager.get_participants("/", None))

    async with running(manager), socket(manager) as first:
        await first.disconnect()
        assert await cancel_everywhere(scenario, check) > 5


@in_virtual_time
async def test_a_visit_between_two_pings_can_be_cancelled_too() -> None:
    async def scenario() -> None:
        async with socket(manager) as sio:
            await anyio.sleep(60)
            await sio.call("echo", 1)

    with virtual_time():
        async with running(manager := application(Part())):
            assert await cancel_everywhere(scenario, timeout=600) > 20


@in_virtual_time
async def test_what_the_server_does_again_and_again_is_not_left_by_who_uses_it() -> None:
    with virtual_time():
        async with socket(application(Part())) as sio:
            async with no_leaks():
                await anyio.sleep(60)
                await sio.call("echo", 1)
