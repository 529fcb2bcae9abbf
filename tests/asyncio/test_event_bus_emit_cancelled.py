"""Emits and listeners of the bus that are cancelled."""

import asyncio
import gc

import anyio
import pytest
from anyio.lowlevel import checkpoint
from loops import asyncio_only

from specter import Service, bus
from specter.testing import cancel_everywhere


@asyncio_only
async def test_a_listener_that_is_cancelled_natively_ends_alone(events):
    ended = []

    async def cancelled(data):
        asyncio.current_task().cancel()
        await anyio.sleep_forever()

    async def hear(data):
        await anyio.sleep(0.01)
        ended.append(data)

    events.on("a", cancelled)
    events.on("a", hear)
    await events.emit("a", 1)

    assert ended == [1]


@asyncio_only
async def test_a_natively_cancelled_emit_waits_for_the_end_of_its_listeners(events):
    ended, begun = [], anyio.Event()

    def listener():
        async def hear(data):
            begun.set()
            try:
                await anyio.sleep_forever()
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.sleep(0.02)
                ended.append(data)

        return hear

    for _ in range(3):
        events.on("a", listener())
    emit = asyncio.create_task(events.emit("a", 1))
    await begun.wait()
    for _ in range(2):
        emit.cancel()
        await anyio.sleep(0.001)
    with pytest.raises(asyncio.CancelledError):
        await emit

    assert ended == [1, 1, 1]


@asyncio_only
async def test_a_native_cancellation_that_a_listener_leaves_behind_is_its_own(events):
    heard = []

    def listener(number):
        async def hear(data):
            await checkpoint()
            heard.append(number)
            if number % 2:
                asyncio.current_task().cancel()

        return hear

    for number in range(6):
        events.on("a", listener(number))
    await events.emit("a")

    assert sorted(heard) == [0, 1, 2, 3, 4, 5]


@asyncio_only
async def test_a_task_of_an_emit_that_is_cancelled_natively_before_it_begins_keeps_no_listener_from_hearing(events):
    heard = []

    def listener(number):
        async def hear(data):
            await anyio.sleep(0.001)
            heard.append(number)

        return hear

    for number in range(3):
        events.on("a", listener(number))
    before = asyncio.all_tasks()
    emit = asyncio.create_task(events.emit("a"))
    await checkpoint()
    (native,) = asyncio.all_tasks() - before - {emit}
    native.cancel()
    await emit

    assert sorted(heard) == [0, 1, 2]


async def test_listeners_that_have_not_begun_when_the_emit_is_cancelled_never_do(events):
    begun = []

    def listener(number):
        async def hear(data):
            begun.append(number)
            await anyio.sleep_forever()

        return hear

    for number in range(100):
        events.on("a", listener(number))
    async with anyio.create_task_group() as group:
        group.start_soon(events.emit, "a")
        await checkpoint()
        await checkpoint()
        group.cancel_scope.cancel()

    assert len(begun) <= 100
    gc.collect()  # says so if a coroutine was never awaited


async def test_a_deadline_of_the_emit_holds_for_its_listeners(events):
    cancelled = []

    def listener():
        async def hear(data):
            try:
                await anyio.sleep_forever()
            finally:
                cancelled.append(data)

        return hear

    for _ in range(3):
        events.on("a", listener())
    with anyio.move_on_after(0.02) as scope:
        await events.emit("a", 1)

    assert scope.cancelled_caught
    assert cancelled == [1, 1, 1]


@pytest.mark.parametrize("listeners", [1, 3])
async def test_a_cancelled_emit_cancels_its_listeners(events, listeners):
    log = []

    def make():
        async def hear(data):
            log.append("begun")
            if len(log) == listeners:
                scope.cancel()
            try:
                await anyio.sleep_forever()
            finally:
                log.append("ended")

        return hear

    for _ in range(listeners):
        events.on("event", make())
    with anyio.CancelScope() as scope:
        await events.emit("event")

    assert scope.cancelled_caught
    assert log == ["begun"] * listeners + ["ended"] * listeners


async def test_a_cancelled_emit_ends_what_a_service_does_in_it_but_not_the_service():
    async with Service("svc") as service:
        service.listen("event", lambda data: anyio.sleep_forever())
        with anyio.move_on_after(0.01):
            await bus.emit("event")

        assert service.running
        assert not service._ledger.tasks


async def test_an_emit_whose_listener_s_service_stops_goes_on_with_the_others(events):
    log = []

    async def hear(data):
        await anyio.wait_all_tasks_blocked()
        log.append("other")

    async with Service("svc") as service:
        service.listen("event", lambda data: anyio.sleep_forever())
        bus.on("event", hear)
        async with anyio.create_task_group() as group:
            group.start_soon(bus.emit, "event")
            await checkpoint()
            await service.stop()

    assert log == ["other"]


async def test_an_emit_cancelled_at_any_wait_leaves_no_listener_running(events):
    running = []

    async def hear(data):
        running.append(data)
        try:
            await checkpoint()
        finally:
            running.remove(data)

    async def hear_too(data):
        await hear(data)

    events.on("event", hear)
    events.on("event", hear_too)

    def check():
        assert running == []

    assert await cancel_everywhere(lambda: events.emit("event", 1), check) > 2
