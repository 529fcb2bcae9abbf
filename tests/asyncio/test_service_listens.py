"""What a service listens to: for as long as it runs, alone or with others."""

import anyio
import pytest
from anyio.lowlevel import checkpoint

from specter import Service, bus


async def test_a_listener_is_gone_when_the_service_stops(service):
    heard = []
    assert service.listen("event", heard.append) is service
    bus.emit_nowait("event", 1)
    await service.stop()
    bus.emit_nowait("event", 2)

    assert heard == [1]
    assert bus.listener_count("event") == 0


async def test_emit_and_emit_nowait_are_the_bus_s(service):
    heard = []
    service.listen("event", heard.append)

    assert await service.emit("event", 1) is service
    assert service.emit_nowait("event", 2) is service
    assert await service.emit("event") is service
    assert heard == [1, 2, None]


@pytest.mark.parametrize("slow", [False, True], ids=["plain", "async"])
async def test_one_function_of_two_services_is_called_once_and_gone_with_the_last(runtime, slow):
    one, two = await Service("one").start(), await Service("two").start()
    heard = []

    async def hear_later(data):
        await checkpoint()
        heard.append(data)

    hear = hear_later if slow else heard.append
    one.listen("event", hear)
    two.listen("event", hear)
    for step in (lambda: None, one.stop, two.stop):
        if (waiting := step()) is not None:
            await waiting
        bus.emit_nowait("event", len(heard))
        await anyio.wait_all_tasks_blocked()
        await bus.emit("event", len(heard))

    assert heard == [0, 1, 2, 3]


async def test_what_waits_for_a_listener_of_two_services_is_not_lost_with_the_first(runtime):
    one, two = await Service("one").start(), await Service("two").start()
    heard = []

    async def hear(data):
        if data == 0:
            await anyio.sleep_forever()
        heard.append(data)

    one.listen("event", hear)
    two.listen("event", hear)
    for number in range(3):
        bus.emit_nowait("event", number)
    await anyio.wait_all_tasks_blocked()
    await one.stop()
    await anyio.wait_all_tasks_blocked()

    assert heard == [1, 2]


async def test_a_listener_that_runs_ends_with_its_service(service):
    log = []

    async def hear(data):
        try:
            await anyio.sleep_forever()
        finally:
            log.append(data)

    service.listen("event", hear)
    bus.emit_nowait("event", "nowait")
    async with anyio.create_task_group() as group:
        group.start_soon(bus.emit, "event", "emit")
        await anyio.wait_all_tasks_blocked()
        await service.stop()

    assert sorted(log) == ["emit", "nowait"]
