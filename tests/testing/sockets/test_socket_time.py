"""The Socket.IO client in memory: many at once, and waits in virtual time."""

from __future__ import annotations

import asyncio

import anyio
import pytest
import socketio
from lifespans import Part
from talking import application, in_virtual_time

from specter import registry
from specter.testing import socket, virtual_time


async def test_a_hundred_clients_at_once() -> None:
    manager = application(part := Part())
    heard: list[int] = []
    all_there = anyio.Event()

    async def visit(number: int) -> None:
        async with socket(manager) as sio:
            assert await sio.call("echo", number) == number
            heard.append(number)
            if len(heard) == 100:
                await manager.socketio.emit("all", "there")
                all_there.set()
            assert await sio.receive("all", timeout=30) == "there"
            await all_there.wait()

    before = asyncio.all_tasks()
    async with anyio.create_task_group() as group:
        for number in range(100):
            group.start_soon(visit, number)

    assert sorted(heard) == list(range(100))
    assert part.log == ["start", "stop"]
    assert asyncio.all_tasks() == before


@in_virtual_time
async def test_an_hour_of_pings_is_answered() -> None:
    with virtual_time() as clock:
        async with socket(application(Part())) as sio:
            await clock.advance(3600)
            assert sio.connected
            assert await sio.call("echo", 1) == 1
            assert clock.now == 3600


@in_virtual_time
async def test_waits_are_exact() -> None:
    with virtual_time() as clock:
        async with socket(application(Part())) as sio:
            assert await sio.call("slow", 3.5) == "done"
            assert clock.now == 3.5
            with pytest.raises(TimeoutError, match="the acknowledgement of 'slow' has not come within 2 s"):
                await sio.call("slow", 3, timeout=2)
            assert clock.now == 5.5
            with pytest.raises(TimeoutError, match="'nothing' has not come within 1.5 s; not taken yet: nothing"):
                await sio.receive("nothing", timeout=1.5)
            assert clock.now == 7.0


@in_virtual_time
async def test_without_a_timeout_it_waits_for_as_long_as_it_takes() -> None:
    manager = application(Part())

    with virtual_time() as clock:
        async with socket(manager) as sio:
            registry.require("part").spawn_later(7200, manager.socketio.emit, "late", "but here")
            assert await sio.receive("late", timeout=None) == "but here"
            assert clock.now == 7200


async def test_what_is_there_needs_no_time() -> None:
    manager = application(Part())

    async with socket(manager) as sio:
        await manager.socketio.emit("told", 1, to=sio.sid)
        await sio.call("echo")
        assert await sio.receive("told", timeout=0) == 1
        with pytest.raises(TimeoutError):
            await sio.receive("told", timeout=0)
        with pytest.raises(TypeError, match="seconds"):
            await sio.receive("told", timeout="5")  # type: ignore[arg-type]


@in_virtual_time
async def test_an_application_that_does_not_let_go_is_named() -> None:
    sio = socketio.AsyncServer(async_mode="asgi")
    before = asyncio.all_tasks()

    async def never(sid: str, reason: str) -> None:
        await anyio.sleep(3600)

    sio.on("disconnect", never)
    with virtual_time() as clock:
        with pytest.raises(
            RuntimeError, match=r"within 5.0 s of the disconnect .*, waits at test_socket_time.py:\d+ in never"
        ):
            async with socket(socketio.ASGIApp(sio)):
                pass
        assert clock.now < 10
    assert asyncio.all_tasks() == before
