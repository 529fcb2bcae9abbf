"""The tasks that a runtime lists, and those of its own."""

import re

import anyio
import pytest
from anyio import to_thread
from anyio.lowlevel import checkpoint
from logged import errors
from parts import Part, forever

from specter import Runtime, Service

# tasks().


async def test_tasks_are_listed_oldest_first_with_owner_label_age_and_place():
    async with Runtime() as runtime:
        parent, child = await Service("parent").start(), Service("child")
        await parent.adopt(child)
        parent.spawn(forever, label="first")
        await anyio.sleep(0.01)
        child.spawn(forever)
        await anyio.sleep(0.01)
        runtime.start_task(forever, label="of the runtime")
        await anyio.wait_all_tasks_blocked()
        listed = runtime.tasks()
        assert await to_thread.run_sync(lambda: [task.label for task in runtime.tasks()]) == [
            task.label for task in listed
        ]

    assert [(task.owner, task.label) for task in listed] == [
        ("parent", "first"),
        ("child", "forever"),
        ("specter", "of the runtime"),
    ]
    assert listed[0].age >= 0.01
    assert listed[0].age > listed[1].age >= 0
    assert all(re.fullmatch(r"parts\.py:\d+ in forever", task.where) for task in listed)
    assert runtime.tasks() == []


async def test_a_task_that_has_not_begun_is_at_its_beginning():
    async with Runtime() as runtime, Service("svc") as service:
        service.spawn(forever)

        assert [task.where for task in runtime.tasks()] == ["its beginning"]


async def test_what_runs_while_a_service_stops_is_listed_too():
    listed = []
    async with Runtime() as runtime:

        async def stop():
            await checkpoint()
            listed.extend(task.owner for task in runtime.tasks())

        await (await Part("a", stop=stop).start()).stop()

    assert "a" in listed


# Tasks of the runtime itself.


async def test_a_task_of_the_runtime_is_ended_after_the_services():
    log = []

    async def work():
        try:
            await anyio.sleep_forever()
        finally:
            log.append("runtime's task ends")

    async with Runtime() as runtime:
        runtime.start_task(work)
        await Part("a", log).start()
        await anyio.wait_all_tasks_blocked()

    assert log == ["a starts", "a stops", "a task ends", "a cleans up", "runtime's task ends"]


async def test_start_task_gives_a_handle():
    async def work(number):
        await checkpoint()
        return number

    async with Runtime() as runtime:
        task = runtime.start_task(work, 42)

        assert await task.wait() == 42
        assert task.owner is runtime
        assert task.label.endswith("work")
        assert runtime._tasks == {}


async def test_an_error_in_a_task_of_the_runtime_is_logged(caplog):
    async def fail():
        raise ValueError

    async with Runtime() as runtime:
        await runtime.start_task(fail, label="bad").wait()

    assert errors(caplog) == ["task 'bad' of 'specter' failed"]


@pytest.mark.virtual_clock
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_task_of_the_runtime_that_does_not_end_is_named(caplog):
    enough = anyio.Event()

    async def deaf():
        with anyio.CancelScope(shield=True):
            await enough.wait()

    began = anyio.current_time()
    async with Runtime() as runtime:
        task = runtime.start_task(deaf)
        await anyio.wait_all_tasks_blocked()

    assert anyio.current_time() - began == 5
    assert len(runtime.abandoned) == 1
    assert re.search(
        r"deaf' of 'specter' did not end, waits at test_runtime_tasks\.py:\d+ in deaf", runtime.abandoned[0]
    )
    enough.set()
    await task.wait()
