"""Tasks of a service: how they run, end and are waited for."""

import asyncio
import functools
import logging
import re
import sys
import threading
import time
from contextvars import ContextVar

import anyio
import pytest
from anyio import to_thread
from anyio.lowlevel import checkpoint
from logged import errors
from loops import asyncio_only
from parts import forever

from specter import Runtime, Service, bus
from specter._loop import Loop
from specter.task import Task

# Spawning.


async def test_a_task_runs_from_the_next_switch_on(service):
    ran = []
    task = service.spawn(ran.append, 1)
    assert ran == []
    await task.wait()

    assert ran == [1]


async def test_a_task_gets_its_arguments(service):
    got = []

    async def work(*args, **kwargs):
        got.append((args, kwargs))

    await service.spawn(work, 1, 2, label="x", key="word").wait()

    assert got == [((1, 2), {"key": "word"})]


async def test_wait_gives_the_result(service):
    async def work():
        await checkpoint()
        return 42

    task = service.spawn(work)

    assert await task.wait() == 42
    assert task.done
    assert await task.wait() == 42


async def test_a_plain_function_can_be_a_task(service):
    assert await service.spawn(lambda: 42).wait() == 42


async def test_plain_and_coroutine_functions_begin_in_the_order_in_which_they_were_spawned(service):
    order = []

    async def work(name):
        order.append(name)

    tasks = [
        service.spawn(fn, name)
        for fn, name in [(order.append, 1), (work, 2), (order.append, 3), (order.append, 4), (work, 5)]
    ]
    for task in tasks:
        await task.wait()

    # Of what trio starts in one turn it shuffles the order.
    assert (sorted(order) if Loop.is_trio() else order) == [1, 2, 3, 4, 5]


async def test_what_a_plain_function_gives_is_awaited_in_a_task(service):
    began, go = anyio.Event(), anyio.Event()

    async def work():
        began.set()
        await go.wait()
        return Task.current()

    task = service.spawn(lambda: work())
    await began.wait()
    assert not task.done and "in work" in task.where()
    go.set()

    assert await task.wait() is task


async def test_what_a_plain_function_gives_can_be_cancelled(service):
    ended = []

    async def work():
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await checkpoint()
            ended.append(True)

    task = service.spawn(lambda: work())
    await checkpoint()
    await checkpoint()
    task.cancel()
    await task.wait()

    assert ended == [True] and task not in service._ledger.tasks


async def test_a_plain_task_that_cancels_itself_does_not_await_what_it_gives(service):
    async def never():
        raise AssertionError

    def work():
        Task.current().cancel()
        return never()

    task = service.spawn(work)

    assert await task.wait() is None and task.done


async def test_a_plain_task_knows_its_event_loop(service):
    threads, subscribed = [], anyio.Event()

    def work():
        service.listen("event", lambda data: threads.append(threading.get_ident()))
        service.interval(int, 60)
        subscribed.set()
        return anyio.Event(), anyio.current_time(), Runtime.current()

    _, _, runtime = await service.spawn(work).wait()
    await to_thread.run_sync(bus.emit_nowait, "event")

    assert runtime is Runtime.current() and subscribed.is_set()
    assert threads == [threading.get_ident()]


def test_a_plain_task_knows_the_loop_of_asyncio_itself():
    async def main():
        async with Runtime() as runtime, Service("svc") as service:
            return runtime, await service.spawn(lambda: (Runtime.current(), anyio.Event(), anyio.current_time())).wait()

    runtime, found = asyncio.run(main())

    assert found[0] is runtime


async def test_stop_waits_for_a_plain_task_that_has_not_begun(service):
    ran = []
    task = service.spawn(ran.append, 1)
    await service.stop()

    assert task.done and ran == []


@asyncio_only
@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python has no eager tasks")
async def test_an_eager_task_factory_does_not_begin_a_task_within_spawn(service):
    ran = []

    async def work(name):
        ran.append(name)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    try:
        tasks = [service.spawn(work, 1), service.spawn(ran.append, 2), service.spawn(lambda: work(3))]
        cancelled = service.spawn(work, 4)
        cancelled.cancel()
        assert ran == []
        for task in [*tasks, cancelled]:
            await task.wait()
    finally:
        loop.set_task_factory(None)

    assert sorted(ran) == [1, 2, 3]


async def test_the_label_is_the_function_s_name_unless_given(service):
    assert service.spawn(forever).label == "forever"
    assert service.spawn(functools.partial(forever)).label == "forever"
    assert service.spawn(forever, label="mine").label == "mine"


async def test_a_task_knows_its_owner_and_shows_itself(service):
    task = service.spawn(checkpoint)

    assert task.owner is service
    assert repr(task) == "<Task 'checkpoint' of 'svc'>"
    await task.wait()
    assert repr(task) == "<Task 'checkpoint' of 'svc' done>"


async def test_before_start_nothing_can_be_spawned(runtime):
    with pytest.raises(RuntimeError, match=r"'svc' cannot spawn a task before start\(\)"):
        Service("svc").spawn(forever)


async def test_after_stop_nothing_can_be_spawned(service):
    await service.stop()
    with pytest.raises(RuntimeError, match=r"cannot spawn a task before start\(\)"):
        service.spawn(forever)


async def test_what_cannot_be_called_cannot_be_spawned(service):
    with pytest.raises(TypeError, match="a task must be callable, got int"):
        service.spawn(1)
    with pytest.raises(TypeError, match="a task must be callable, got coroutine"):
        service.spawn(coroutine := forever())
    coroutine.close()


async def test_an_error_is_logged_with_its_traceback_and_the_rest_goes_on(service, caplog):
    async def fail():
        raise ValueError("no good")

    other = service.spawn(forever, label="other")
    assert await service.spawn(fail, label="bad").wait() is None

    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.name == "specter.task"
    assert record.message == "task 'bad' of 'svc' failed"
    assert str(record.exc_info[1]) == "no good"
    assert not other.done
    assert service.running


async def test_a_task_that_ended_is_forgotten(service):
    for _ in range(3):
        await service.spawn(checkpoint).wait()

    assert service._ledger.tasks == {}


async def test_many_can_wait_for_one_task(service):
    gate = anyio.Event()
    got = []

    async def work():
        await gate.wait()
        return 1

    task = service.spawn(work)

    async def wait():
        got.append(await task.wait())

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        gate.set()

    assert got == [1, 1, 1]


async def test_who_waits_for_a_task_can_be_cancelled_without_it(service):
    task = service.spawn(forever)
    with anyio.move_on_after(0.01):
        await task.wait()

    assert not task.done


async def test_current_is_the_task_around(service):
    seen = []
    task = service.spawn(lambda: seen.append(Task.current()))
    await task.wait()

    assert seen == [task]
    assert Task.current() is None


# spawn_later.


@pytest.mark.virtual_clock
async def test_spawn_later_waits_first(service):
    called = []
    began = anyio.current_time()

    async def work(*args, **kwargs):
        called.append((anyio.current_time() - began, args, kwargs))
        return "done"

    task = service.spawn_later(10, work, 1, key="word")
    assert task.label.endswith("work")

    assert await task.wait() == "done"
    assert called == [(10, (1,), {"key": "word"})]


@pytest.mark.virtual_clock
async def test_a_task_cancelled_before_its_time_is_never_called(service):
    called = []
    task = service.spawn_later(10, called.append, 1)
    await anyio.sleep(1)
    task.cancel()
    await task.wait()
    await anyio.sleep(20)

    assert called == []


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
async def test_spawn_later_refuses_what_is_no_duration(service, seconds):
    with pytest.raises(ValueError, match="a delay must be"):
        service.spawn_later(seconds, forever)


async def test_spawn_later_refuses_what_is_no_number(service):
    with pytest.raises(TypeError, match="a delay must be a number of seconds, got 'soon'"):
        service.spawn_later("soon", forever)


# Cancelling.


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


# Stubborn ones.


def stubborn(enough):
    async def swallow():
        while not enough.is_set():
            try:
                await enough.wait()
            except BaseException:  # noqa: B036 - the slip that this is about
                if enough.is_set():
                    raise

    return swallow


@asyncio_only
async def test_a_task_that_swallows_its_cancellation_is_named_with_its_line(runtime, caplog):
    service = Service("svc")
    service.stop_timeout = 0.2
    await service.start()
    enough = anyio.Event()
    task = service.spawn(stubborn(enough), label="deaf")
    await anyio.wait_all_tasks_blocked()
    log = []
    service.add_cleanup(lambda: log.append("cleanup"))
    await service.stop()

    assert not service.running
    assert log == ["cleanup"]
    (text,) = runtime.abandoned
    assert re.fullmatch(r"task 'deaf' of 'svc' did not end, waits at test_service_tasks\.py:\d+ in swallow", text)
    assert text in errors(caplog)
    enough.set()
    await task.wait()


@asyncio_only
async def test_a_task_that_swallows_one_cancellation_is_asked_again(runtime):
    service = Service("svc")
    service.stop_timeout = 0.4
    await service.start()

    async def swallow_once():
        try:
            await anyio.sleep_forever()
        except BaseException:  # noqa: B036
            await anyio.sleep_forever()

    service.spawn(swallow_once)
    await anyio.wait_all_tasks_blocked()
    await service.stop()

    assert runtime.abandoned == []


@asyncio_only
async def test_a_stubborn_task_keeps_neither_the_block_nor_the_processor():
    enough = anyio.Event()
    async with Runtime() as runtime:
        service = Service("svc")
        service.stop_timeout = 0.2
        await service.start()
        task = service.spawn(stubborn(enough))
        await anyio.wait_all_tasks_blocked()

    assert len(runtime.abandoned) == 1
    before = time.process_time()
    await anyio.sleep(0.2)
    assert time.process_time() - before < 0.1
    enough.set()
    await task.wait()


@asyncio_only
async def test_a_task_that_waits_in_its_shield_costs_little(service):
    enough = anyio.Event()

    async def work():
        with anyio.CancelScope(shield=True):
            await enough.wait()

    task = service.spawn(work)
    await anyio.wait_all_tasks_blocked()
    task.cancel()
    before = time.process_time()
    await anyio.sleep(0.2)
    assert time.process_time() - before < 0.1
    enough.set()
    await task.wait()


# In which context.

colour: ContextVar[str] = ContextVar("colour", default="none")


async def test_a_task_runs_in_the_context_of_the_start_and_not_of_the_caller(runtime):
    seen = []
    colour.set("start")
    service = await Service("svc").start()
    colour.set("caller")
    await service.spawn(lambda: seen.append(colour.get())).wait()

    assert seen == ["start"]
    assert colour.get() == "caller"


async def test_tasks_do_not_see_what_others_set(service):
    seen = []

    async def work(value):
        seen.append(colour.get())
        colour.set(value)
        await checkpoint()
        seen.append(colour.get())

    await service.spawn(work, "one").wait()
    await service.spawn(work, "two").wait()

    assert seen == ["none", "one", "none", "two"]


async def test_the_runtime_is_seen_in_tasks_and_worker_threads_of_theirs(runtime, service):
    seen = []

    async def work():
        seen.append(Runtime.current())
        seen.append(await to_thread.run_sync(Runtime.current))

    await service.spawn(work).wait()

    assert seen == [runtime, runtime]
