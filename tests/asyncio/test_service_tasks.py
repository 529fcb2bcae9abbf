"""Tasks of a service: how they begin, run, and are waited for."""

import asyncio
import functools
import logging
import sys
from contextvars import ContextVar

import anyio
import pytest
from anyio import to_thread
from anyio.lowlevel import checkpoint
from loops import asyncio_only
from parts import forever

from specter import Runtime, Service
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
