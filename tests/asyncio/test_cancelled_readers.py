"""Cancelled at every checkpoint: what comes just when its reader is cancelled is there for the next one."""

import subprocess

import anyio
import pytest
from anyio.lowlevel import checkpoint

from specter import ManagedProcess, QueueService, Service, bus, registry
from specter.testing import cancel_everywhere, eventually, record


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    assert bus.listener_count() == 0
    assert registry.list() == []


async def test_an_event_of_a_stream_is_read_once_and_by_somebody():
    read, streams = [], []

    async def emit():
        for number in range(3):
            await checkpoint()
            bus.emit_nowait("event", number)

    async def scenario():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(emit)
            async for number in streams[-1]:
                read.append(number)
                if number == 2:
                    return

    async def run():
        with bus.stream("event") as events:
            streams.append(events)
            read.clear()
            emitted = []
            unsubscribe = bus.on("event", emitted.append)
            try:
                await scenario()
            finally:
                unsubscribe()
                while events._unread:
                    read.append(await anext(events))
                assert read == emitted

    assert await cancel_everywhere(run, lambda: check_empty(range(bus.listener_count()))) > 3


async def test_a_wait_for_an_event_that_comes_hears_it_or_is_cancelled():
    got = []

    async def scenario():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(bus.emit, "event", 1)
            got.append(await bus.wait_for("event", predicate=bool))

    assert await cancel_everywhere(scenario, lambda: check_empty(range(bus.listener_count()))) > 1
    assert set(got) == {1}


async def test_a_wait_for_a_key_that_is_provided_gets_it_or_is_cancelled():
    got = []

    async def provide():
        registry.provide("key", 1, replace=True)

    async def scenario():
        registry.unregister("key")
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(registry.wait_for, "key")
            tasks.start_soon(provide)
            got.append(await registry.wait_for("key"))
        assert registry.require("key") == 1
        with anyio.move_on_after(0.001):
            await registry.wait_for("never")

    def check():
        registry.unregister("key")
        assert registry._waiters == {}

    assert await cancel_everywhere(scenario, check) > 1
    assert set(got) == {1}


async def test_an_item_of_a_queue_is_taken_once_and_by_somebody():
    queues, taken = [], []

    async def put(queue):
        await checkpoint()
        queue.put_nowait("item")

    async def scenario():
        queues.append(queue := QueueService("work", maxsize=1).queue)
        taken.clear()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(put, queue)
            taken.append(await queue.get())

    def check():
        queue = queues[-1]
        queue.empty() and not taken and queue.put_nowait("item")
        assert queue.qsize() + len(taken) == 1
        assert not (queue._getters or queue._putters)

    assert await cancel_everywhere(scenario, check) > 1


async def test_an_item_goes_to_another_who_waits_when_the_first_is_cancelled():
    queues, got = [], []

    async def take():
        got.append(await queues[-1].get())

    async with Service("owner") as owner:

        async def put():
            owner.spawn(take)
            for _ in range(3):
                await checkpoint()
            queues[-1].put_nowait("item")

        async def scenario():
            queues.append(QueueService("work").queue)
            got.clear()
            owner.spawn(put)
            await take()

        async def check():
            assert got == ["item"]
            queues[-1].put_nowait("last")
            await checkpoint()

        assert await cancel_everywhere(scenario, check) > 0


async def test_who_is_cancelled_while_it_waits_for_room_takes_none():
    class Slow(QueueService):
        async def handle_item(self, item):
            await checkpoint()
            handled.append(item)

    handled, given = [], []

    async with Slow("slow", maxsize=1) as slow:

        async def scenario():
            for item in range(4):
                if await slow.enqueue((len(given), item), block=True):
                    given.append(item)

        async def check():
            await slow.join()
            assert slow.queue.unfinished == 0
            assert not slow.queue._putters
            assert slow.enqueue_nowait("there is room")
            await slow.join()

        assert await cancel_everywhere(scenario, check, prepare=given.clear) > 4


async def test_a_join_that_is_cancelled_leaves_the_queue_at_work():
    class Slow(QueueService):
        async def handle_item(self, item):
            await checkpoint()
            handled.append(item)

    handled = []

    async with Slow("slow") as slow:

        async def scenario():
            handled.clear()
            for item in range(3):
                slow.enqueue_nowait(item)
            await slow.join()

        async def check():
            await slow.join()
            assert handled == [0, 1, 2]
            assert not slow.queue._joiners

        assert await cancel_everywhere(scenario, check) > 1


async def test_a_line_of_a_process_is_read_once_and_by_somebody():
    read, processes = [], []
    hear = read.append

    async def scenario():
        read.clear()
        processes.append(process := ManagedProcess("lines"))
        await process.start(["sh", "-c", "echo a; sleep 0.005; echo b; sleep 0.005; echo c"], stdout=subprocess.PIPE)
        async for line in process.lines():
            hear(line)

    async def check():
        process = processes[-1]
        if process.process is not None:
            read.extend([line async for line in process.lines()])
            assert read == [b"a", b"b", b"c"]
            await process.wait()
        await process.stop()
        assert not process.running

    async with Service("owner"):
        assert await cancel_everywhere(scenario, check) > 3


async def test_several_who_wait_for_a_process_are_told_whoever_is_cancelled():
    codes, processes = [], []

    async def wait():
        codes.append(await processes[-1].wait())

    async def end_it():
        await anyio.wait_all_tasks_blocked()
        processes[-1].process.stdin.close()

    async with Service("owner") as owner:

        async def prepare():
            codes.clear()
            processes.append(await owner.start_process(["sh", "-c", "read line; exit 3"], stdin=subprocess.PIPE))
            owner.spawn(wait)
            owner.spawn(end_it)

        async def check():
            assert await processes[-1].wait() == 3
            await eventually(lambda: 3 in codes)

        assert await cancel_everywhere(wait, check, prepare=prepare) > 0


async def test_a_recorder_that_is_waited_for_hears_on():
    async def scenario():
        with record(bus) as recorder:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(bus.emit, "event", 1)
                await recorder.wait_for("event")
                assert recorder._waiting == []

    def check():
        assert not bus._listeners.hearing("event").entries

    assert await cancel_everywhere(scenario, check) > 1


def check_empty(found):
    assert list(found) == []
