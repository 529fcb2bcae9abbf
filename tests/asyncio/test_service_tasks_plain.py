"""Plain functions as tasks of a service."""

import asyncio
import threading

import anyio
from anyio import to_thread
from anyio.lowlevel import checkpoint

from specter import Runtime, Service, bus
from specter._loop import Loop
from specter.task import Task


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
