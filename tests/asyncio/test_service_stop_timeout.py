"""Stopping a service: in time, whatever hangs in it."""

import anyio
import pytest
from logged import errors
from parts import Part

from specter import Service

pytestmark = pytest.mark.virtual_clock


async def test_a_hook_that_hangs_is_cancelled_and_the_rest_goes_on(runtime, caplog):
    log = []

    async def hang():
        try:
            await anyio.sleep_forever()
        finally:
            log.append("hook cancelled")

    part = Part("a", log=log, stop=hang)
    part.stop_timeout = 4
    await part.start()
    await anyio.wait_all_tasks_blocked()
    began = anyio.current_time()
    await part.stop()

    assert log == ["a starts", "a stops", "hook cancelled", "a task ends", "a cleans up"]
    assert anyio.current_time() - began <= 2
    assert part.is_clean()
    assert "did not end in time, waits at test_service_stop_timeout.py" in errors(caplog)[0]
    assert "in hang: cancelled" in errors(caplog)[0]
    assert runtime.abandoned == []


async def test_each_of_many_cleanups_that_hang_gets_its_time(runtime):
    begun = []

    async def hang(number):
        begun.append(number)
        await anyio.sleep_forever()

    service = await Service("a").start()
    service.stop_timeout = 4
    for number in range(10):
        service.add_cleanup(lambda number=number: hang(number))
    began = anyio.current_time()
    await service.stop()

    assert begun == list(range(9, -1, -1))
    assert anyio.current_time() - began <= 4.2


async def test_the_deadline_is_handed_down_to_children(runtime):
    parent = Part("parent")
    parent.stop_timeout = 4
    await parent.start()
    child = Part("child", stop=anyio.sleep_forever)
    grandchild = Part("grandchild", stop=anyio.sleep_forever)
    await parent.adopt(child)
    await child.adopt(grandchild)
    began = anyio.current_time()
    await parent.stop()

    assert anyio.current_time() - began <= 4
    assert parent.is_clean()
    assert child.is_clean()
    assert grandchild.is_clean()


async def test_the_deadline_is_handed_down_to_stops_that_a_hook_asks_for(runtime):
    slow = await Part("slow", stop=anyio.sleep_forever).start()
    part = Part("a", stop=slow.stop)
    part.stop_timeout = 4
    await part.start()
    began = anyio.current_time()
    await part.stop()

    assert anyio.current_time() - began <= 4
    assert part.is_clean()


async def test_a_service_s_own_timeout_holds_below_a_longer_one(runtime):
    parent = await Part("parent").start()
    child = Part("child", stop=anyio.sleep_forever)
    child.stop_timeout = 2
    await parent.adopt(child)
    began = anyio.current_time()
    await parent.stop()

    assert anyio.current_time() - began <= 2


async def test_a_task_spawned_by_a_hook_of_a_stop_has_its_own_time(runtime):
    seen = []
    other = Part("other")

    async def stop_other():
        began = anyio.current_time()
        await other.stop()
        seen.append(anyio.current_time() - began)

    part = Part("a", stop=lambda: keeper.spawn(stop_other) and None)
    part.stop_timeout = 0.1
    keeper = await Service("keeper").start()
    await part.start()
    other.stop_hook = lambda: anyio.sleep(10)
    await other.start()
    await part.stop()
    await anyio.sleep(20)

    assert seen == [10]


async def test_a_hook_that_swallows_its_cancellation_is_left_behind_by_name(runtime, caplog):
    enough = anyio.Event()

    async def stubborn():
        while not enough.is_set():
            with anyio.CancelScope(shield=True):
                await enough.wait()

    part = Part("a", stop=stubborn)
    part.stop_timeout = 4
    await part.start()
    await part.stop()

    assert part.is_clean()
    assert len(runtime.abandoned) == 1
    assert "stubborn" in runtime.abandoned[0]
    assert "of 'a' did not end, waits at test_service_stop_timeout.py" in runtime.abandoned[0]
    assert runtime.abandoned[0] in caplog.text
    enough.set()


async def test_the_runtime_tells_which_step_of_a_stop_waits(runtime):
    seen = []

    async def hook():
        await anyio.sleep(2)

    async def look():
        await anyio.sleep(1)
        seen.extend((task.owner, task.label, task.where.partition(" ")[2]) for task in runtime.tasks())
        await anyio.sleep(2)
        seen.extend((task.owner, task.label, task.where.partition(" ")[2]) for task in runtime.tasks())

    parent = await Service("parent").start()
    child = Service("child")
    child.on_stop = hook
    await parent.adopt(child)
    parent.add_cleanup(hook)
    async with anyio.create_task_group() as group:
        group.start_soon(look)
        await parent.stop()

    label = hook.__qualname__
    assert seen == [("child", label, "in hook"), ("parent", label, "in hook")]
