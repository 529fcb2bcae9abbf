"""Tasks of a service that are cancelled: they end, alone, and what they do at their end is whole."""

import asyncio
import time

import anyio
from anyio import to_thread
from anyio.lowlevel import checkpoint
from logged import errors
from loops import asyncio_only
from parts import forever

from specter import Runtime, Service


async def test_a_cancelled_task_ends_and_gives_nothing(service, caplog):
    task = service.spawn(forever)
    await anyio.wait_all_tasks_blocked()
    task.cancel()

    assert await task.wait() is None
    assert task.done
    assert errors(caplog) == []


async def test_a_task_cancelled_before_it_begins_never_runs(service):
    ran = []
    task = service.spawn(ran.append, 1)
    task.cancel()
    await task.wait()

    assert ran == []


async def test_cancelling_what_has_ended_is_harmless(service):
    task = service.spawn(checkpoint)
    await task.wait()
    task.cancel()
    service.cancel_task(task).cancel_task(None).cancel_greenlet(task)


async def test_cancel_task_cancels(service):
    task = service.spawn(forever)
    assert service.cancel_task(task) is service
    await task.wait()


async def test_a_task_can_cancel_itself(service):
    log = []

    async def work():
        task.cancel()
        log.append("goes on")
        await checkpoint()
        log.append("never")

    task = service.spawn(work)
    await task.wait()

    assert log == ["goes on"]


async def test_one_cancelled_task_leaves_the_others_alone(runtime, service):
    tasks = [service.spawn(forever) for _ in range(3)]
    await anyio.wait_all_tasks_blocked()
    tasks[1].cancel()
    await tasks[1].wait()
    await anyio.wait_all_tasks_blocked()

    assert [task.done for task in tasks] == [False, True, False]


@asyncio_only
async def test_a_native_cancellation_ends_a_task_that_has_not_begun(service):
    before = asyncio.all_tasks()
    task = service.spawn(forever)
    (native,) = asyncio.all_tasks() - before
    native.cancel()
    await task.wait()

    assert task.done and not service._ledger.tasks


@asyncio_only
async def test_a_native_cancellation_ends_that_task_alone(runtime, service):
    natives = []

    async def work():
        natives.append(asyncio.current_task())
        await anyio.sleep_forever()

    one, two = service.spawn(work), service.spawn(work)
    await anyio.wait_all_tasks_blocked()
    natives[0].cancel()
    await one.wait()
    await anyio.wait_all_tasks_blocked()

    assert not two.done
    assert service.running
    assert Runtime.current() is runtime


def whole(log, seconds=0.01):
    async def work():
        try:
            await anyio.sleep_forever()
        finally:
            await anyio.sleep(seconds)
            log.append("finally")
            await anyio.sleep(seconds)
            log.append("whole")

    return work


@asyncio_only
class TestFinallyIsWhole:
    """On asyncio a ``finally`` may wait; on trio it must be shielded, as its users know."""

    async def test_of_a_task_that_waits(self, service):
        log = []
        service.spawn(whole(log))
        await anyio.wait_all_tasks_blocked()
        await service.stop()

        assert log == ["finally", "whole"]

    async def test_of_a_task_that_is_just_about_to_run(self, service):
        log, event = [], anyio.Event()

        async def work():
            try:
                await event.wait()
                await anyio.sleep_forever()
            finally:
                await anyio.sleep(0.01)
                log.append("whole")

        service.spawn(work)
        await anyio.wait_all_tasks_blocked()
        event.set()
        await service.stop()

        assert log == ["whole"]

    async def test_of_a_task_that_has_not_waited_yet(self, service):
        log = []
        task = service.spawn(whole(log))
        await asyncio.sleep(0)
        task.cancel()
        await task.wait()

        assert log == ["finally", "whole"]

    async def test_of_a_task_in_a_task_group_of_its_own(self, service):
        log = []

        async def work():
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(anyio.sleep_forever)
                    await anyio.sleep_forever()
            finally:
                await anyio.sleep(0.01)
                log.append("whole")

        service.spawn(work)
        await anyio.wait_all_tasks_blocked()
        await service.stop()

        assert log == ["whole"]

    async def test_of_a_task_in_an_asyncio_task_group(self, service):
        log = []

        async def work():
            async with asyncio.TaskGroup() as group:
                group.create_task(whole(log)())

        service.spawn(work)
        await anyio.wait_all_tasks_blocked()
        await service.stop()

        assert log == ["finally", "whole"]

    async def test_of_a_task_that_is_cancelled_twice_in_a_row(self, service):
        log = []
        task = service.spawn(whole(log))
        await anyio.wait_all_tasks_blocked()
        task.cancel()
        task.cancel()
        await task.wait()

        assert log in (["finally", "whole"], ["finally"], [])  # each call may be delivered
        assert task.done

    async def test_of_a_task_that_cancels_itself(self, service):
        log = []

        async def work():
            task.cancel()
            await whole(log)()

        task = service.spawn(work)
        await task.wait()

        assert log == ["finally", "whole"]

    async def test_of_a_listener_whose_service_stops_while_another_task_emits(self, service):
        log, begun = [], anyio.Event()

        async def hear(data):
            begun.set()
            await whole(log)()

        service.listen("event", hear)
        async with anyio.create_task_group() as group:
            group.start_soon(service.emit, "event")
            await begun.wait()
            await service.stop()
            log.append("stopped")

        assert log == ["finally", "whole", "stopped"]


async def test_a_user_s_shield_holds(service):
    log = []

    async def work():
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.05)
            log.append("whole")
        await checkpoint()
        log.append("never")

    service.spawn(work)
    await anyio.wait_all_tasks_blocked()
    await service.stop()

    assert log == ["whole"]


async def test_a_thread_that_a_task_waits_for_is_waited_for(service):
    log = []

    def blocking():
        time.sleep(0.05)
        log.append("thread ends")

    service.spawn(to_thread.run_sync, blocking)
    await anyio.wait_all_tasks_blocked()
    await service.stop()

    assert log == ["thread ends"]


async def test_a_task_that_shields_itself_again_and_again_hears_of_it_in_between(runtime):
    service = Service("svc")
    service.stop_timeout = 2
    await service.start()

    async def work():
        while True:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.03)
            await checkpoint()

    service.spawn(work)
    await anyio.wait_all_tasks_blocked()
    await service.stop()

    assert runtime.abandoned == []
