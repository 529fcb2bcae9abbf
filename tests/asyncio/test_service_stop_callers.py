"""Stopping a service: whoever asks, and whatever happens to who asks."""

import asyncio

import anyio
import pytest
from anyio.lowlevel import checkpoint
from loops import asyncio_only
from parts import Part

from specter.testing import cancel_everywhere

pytestmark = pytest.mark.virtual_clock


# Who asks.


async def test_a_hook_that_stops_the_service_does_not_wait_for_itself(runtime):
    part = await Part("a", stop=lambda: part.stop()).start()
    began = anyio.current_time()
    await part.stop()

    assert part.is_clean()
    assert anyio.current_time() == began


async def test_a_cleanup_that_stops_the_service_does_not_wait_for_itself(runtime):
    part = await Part("a").start()
    part.add_cleanup(part.stop)
    began = anyio.current_time()
    await part.stop()

    assert part.is_clean()
    assert anyio.current_time() == began


async def test_a_task_that_stops_its_own_service_is_cancelled_last_and_not_waited_for(runtime):
    log = []
    service = Part("a", log=log)

    async def suicide():
        await service.stop()
        log.append("stopped")
        try:
            await checkpoint()
            log.append("never")
        finally:
            log.append("suicide ends")

    await service.start()
    task = service.spawn(suicide)
    with anyio.fail_after(1):
        await task.wait()

    assert service.is_clean()
    assert log == ["a starts", "a stops", "a task ends", "a cleans up", "stopped", "suicide ends"]


async def test_a_task_below_a_task_of_the_service_can_stop_it(runtime):
    service = await Part("a").start()

    async def nested():
        async with anyio.create_task_group() as group:
            group.start_soon(service.stop)

    with anyio.fail_after(1):
        await service.spawn(nested).wait()

    assert service.is_clean()


async def test_a_task_of_a_child_can_stop_the_parent(runtime):
    parent, child = await Part("parent").start(), Part("child")
    await parent.adopt(child)
    with anyio.fail_after(1):
        await child.spawn(parent.stop).wait()

    assert parent.is_clean()
    assert child.is_clean()


async def test_a_task_of_a_child_can_stop_a_parent_whose_child_is_being_stopped(runtime):
    parent = await Part("parent").start()
    child = Part("child", stop=lambda: anyio.sleep(1))
    await parent.adopt(child)
    async with anyio.create_task_group() as group:
        with anyio.fail_after(5):
            group.start_soon(child.stop)
            await anyio.wait_all_tasks_blocked()
            await child.spawn(parent.stop).wait()

    assert parent.is_clean()
    assert child.is_clean()


async def test_a_task_that_ends_by_stopping_its_service_does_not_wait_for_it(runtime):
    service = await Part("a").start()
    ended = []

    async def work():
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await service.stop()
            ended.append(service.running)

    service.spawn(work)
    await anyio.wait_all_tasks_blocked()
    began = anyio.current_time()
    await service.stop()

    assert ended == [True]
    assert anyio.current_time() == began


async def test_a_hook_may_wait_for_a_task_that_stops_the_service(runtime):
    service = Part("a", stop=lambda: service.spawn(service.stop).wait())
    await service.start()
    began = anyio.current_time()
    await service.stop()

    assert service.is_clean()
    assert anyio.current_time() == began


async def test_a_hook_may_wait_for_the_task_that_has_asked_for_the_stop(runtime):
    tasks = []
    service = Part("a", stop=lambda: tasks[0].wait())
    await service.start()
    began = anyio.current_time()
    tasks.append(service.spawn(service.stop))
    await tasks[0].wait()

    assert service.is_clean()
    assert anyio.current_time() == began


async def test_stops_that_cross_do_not_wait_for_each_other(runtime):
    one, two = Part("one"), Part("two")
    one.stop_hook, two.stop_hook = two.stop, one.stop
    await one.start()
    await two.start()
    began = anyio.current_time()
    async with anyio.create_task_group() as group:
        group.start_soon(one.stop)
        group.start_soon(two.stop)

    assert one.is_clean()
    assert two.is_clean()
    assert anyio.current_time() == began


async def test_a_circle_of_three_stops_does_not_wait_for_itself(runtime):
    ring = [Part("one"), Part("two"), Part("three")]
    for part, other in zip(ring, ring[1:] + ring[:1], strict=True):
        part.stop_hook = lambda part=part, other=other: part.spawn(other.stop).wait()
        await part.start()
    began = anyio.current_time()
    async with anyio.create_task_group() as group:
        for part in ring:
            group.start_soon(part.stop)

    assert all(part.is_clean() for part in ring)
    assert anyio.current_time() == began


async def test_a_tick_and_a_listener_can_stop_their_service(runtime):
    ticking, listening = await Part("ticking").start(), await Part("listening").start()
    ticking.interval(ticking.stop, 1)
    listening.listen("enough", lambda data: listening.stop())
    await anyio.sleep(1.5)
    with anyio.fail_after(1):
        await ticking.emit("enough")

    assert ticking.is_clean()
    assert listening.is_clean()


async def test_a_listener_can_stop_the_service_whose_task_emits(runtime):
    service = await Part("a").start()
    service.listen("enough", lambda data: service.stop())
    with anyio.fail_after(1):
        await service.spawn(service.emit, "enough").wait()

    assert service.is_clean()


# What happens to who asks.


async def test_a_caller_that_is_cancelled_hears_of_it_when_the_stop_is_done(runtime):
    part = await Part("a", stop=lambda: anyio.sleep(1)).start()
    with anyio.move_on_after(0.1) as scope:
        await part.stop()
        await checkpoint()
        raise AssertionError

    assert scope.cancelled_caught
    assert part.is_clean()


async def test_a_stop_within_a_cancelled_scope_is_whole(runtime):
    stopped = []

    async def on_stop():
        await anyio.sleep(1)
        stopped.append(True)

    part = await Part("a", stop=on_stop).start()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await part.stop()

    assert stopped == [True]
    assert part.is_clean()


async def test_a_stop_cancelled_at_any_wait_is_whole(runtime):
    part = Part("a", stop=checkpoint)

    async def prepare():
        part.log.clear()
        part.add_cleanup(checkpoint)
        await part.start()

    def check():
        assert part.is_clean()
        assert part.log[-1] == "a cleans up"

    assert await cancel_everywhere(part.stop, check, prepare=prepare) > 5


@asyncio_only
async def test_a_native_cancellation_reaches_neither_hook_nor_cleanup(runtime):
    log = []

    async def slow(name):
        await anyio.sleep(1)
        log.append(name)

    part = await Part("a", stop=lambda: slow("hook")).start()
    part.add_cleanup(lambda: slow("cleanup"))
    caller = asyncio.create_task(part.stop())
    for _ in range(2):
        await anyio.sleep(0.1)
        caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller

    assert log == ["hook", "cleanup"]
    assert caller.cancelling() == 2
    assert part.is_clean()


@asyncio_only
async def test_a_native_timeout_round_a_stop_hits_after_it(runtime):
    part = await Part("a", stop=lambda: anyio.sleep(1)).start()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await part.stop()

    assert part.is_clean()


@asyncio_only
async def test_wait_for_round_a_stop_hits_after_it(runtime):
    part = await Part("a", stop=lambda: anyio.sleep(1)).start()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(part.stop(), 0.5)

    assert part.is_clean()
