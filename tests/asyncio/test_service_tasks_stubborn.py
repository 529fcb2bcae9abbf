"""Tasks of a service that do not end when they are cancelled."""

import re
import time

import anyio
import pytest
from logged import errors
from loops import asyncio_only

from specter import Runtime, Service


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
    assert re.fullmatch(
        r"task 'deaf' of 'svc' did not end, waits at test_service_tasks_stubborn\.py:\d+ in swallow", text
    )
    assert text in errors(caplog)
    enough.set()
    await task.wait()


@asyncio_only
@pytest.mark.virtual_clock
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
    before = time.thread_time()
    await anyio.sleep(0.2)
    assert time.thread_time() - before < 0.1
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
    before = time.thread_time()
    await anyio.sleep(0.2)
    assert time.thread_time() - before < 0.1
    enough.set()
    await task.wait()
