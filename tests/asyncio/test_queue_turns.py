"""Queues and the other tasks of the event loop: who has a turn when, and who is woken."""

import asyncio
import threading

import anyio
import pytest
from anyio.lowlevel import checkpoint
from children import at_most

from specter import QueueService, Runtime, _item_queue, queue_service
from specter.testing import eventually


class Ticking(QueueService):
    """Its plain handler takes so long as the item says."""

    def __init__(self, clock, **options):
        super().__init__("ticking", **options)
        self.clock = clock
        self.done = []

    def handle_item(self, seconds):
        self.clock.now += seconds
        self.done.append(self.clock.now)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """Stands still but for what a handler takes."""
    clock = Clock()
    monkeypatch.setattr(queue_service, "clock", clock)
    return clock


@pytest.fixture
def turns(anyio_backend_name):
    """Turns that others may have before the caller has his next one: on trio their order is random."""
    return 2 if anyio_backend_name == "trio" else 1


async def longest_wait_for_a_turn(service, count):
    """How long another task waits for its turn at most, until so many items are done."""
    longest = 0.0
    while len(service.done) < count:
        before = service.clock.now
        await checkpoint()
        longest = max(longest, service.clock.now - before)
    return longest


@pytest.mark.parametrize("workers", [1, 4])
async def test_plain_handlers_keep_others_waiting_for_a_millisecond_and_an_item_each(clock, turns, workers):
    async with Ticking(clock, worker_count=workers) as service:
        for _ in range(200):
            service.enqueue_nowait(0.0001)

        assert await longest_wait_for_a_turn(service, 200) <= turns * (0.001 + workers * 0.0001)


@pytest.mark.parametrize("waits", [False, True], ids=["plain", "async"])
async def test_a_slow_handler_gives_others_a_turn_after_each_item(clock, turns, waits):
    class Waiting(Ticking):
        async def handle_item(self, item):
            super().handle_item(item)

    async with (Waiting if waits else Ticking)(clock) as service:
        for _ in range(5):
            service.enqueue_nowait(0.5)

        assert await longest_wait_for_a_turn(service, 5) <= turns * 0.5


async def test_quick_items_are_worked_on_in_one_turn(clock):
    async with Ticking(clock) as service:
        await checkpoint()
        for _ in range(100):
            service.enqueue_nowait(0)
        while not service.done:
            await checkpoint()

        assert len(service.done) == 100


async def test_items_are_put_in_together_where_there_is_room(clock):
    async with Ticking(clock) as service:
        await service.enqueue(0)
        await service.join()
        for _ in range(100):
            await service.enqueue(0)

        assert service.pending_count() == 100
        for _ in range(5):
            clock.now += 0.001
            await service.enqueue(0)
        assert len(service.done) >= 101


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_workers_have_a_turn_before_a_full_queue_refuses(anyio_backend, clock):
    async with Ticking(clock, maxsize=2) as service:
        await eventually(lambda: len(service.queue._getters) == 1)

        assert all([await service.enqueue(0) for _ in range(100)])


async def test_a_cancelled_caller_puts_nothing_in(clock):
    service = Ticking(clock)
    await service.enqueue(0)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await service.enqueue(0)

    assert service.pending_count() == 1


async def test_a_worker_that_was_cancelled_takes_no_other_item(clock):
    class Failing(QueueService):
        async def on_workers_started(self):
            self.enqueue_nowait("shielded")
            self.enqueue_nowait("kept")
            await begun.wait()
            raise ValueError("no start")

        async def handle_item(self, item):
            handled.append(item)
            begun.set()
            with anyio.CancelScope(shield=True):
                await go_on.wait()

    begun, go_on, handled = anyio.Event(), anyio.Event(), []
    service = Failing("failing")

    async def start():
        with pytest.raises(ValueError, match="no start"):
            await service.start()

    async with Runtime(), anyio.create_task_group() as group:
        group.start_soon(start)
        await begun.wait()
        await eventually(lambda: all(worker._cancelled for worker in service._workers))
        go_on.set()

    assert handled == ["shielded"]
    assert service.pending_count() == 1


# Between a look that finds nothing and a place in line, another thread may do what is waited for.


@pytest.fixture
def meanwhile(monkeypatch):
    """Have something done once, as if by another thread, when somebody is about to line up."""
    acts = []

    class Waiter(_item_queue.Waiter):
        __slots__ = ()

        def __init__(self):
            super().__init__()
            while acts:
                acts.pop()()

    monkeypatch.setattr(_item_queue, "Waiter", Waiter)
    return acts.append


async def test_an_item_that_comes_while_somebody_lines_up_is_taken(meanwhile):
    items = QueueService("queue").queue
    meanwhile(lambda: items.put_nowait("a"))

    with anyio.fail_after(5):
        assert await items.get() == "a"


@pytest.mark.parametrize("make_room", ["get_nowait", "exchange", "drop"])
async def test_room_that_comes_while_somebody_lines_up_is_his(meanwhile, make_room):
    items = QueueService("queue", maxsize=1).queue
    items.put_nowait("a")
    meanwhile(getattr(items, make_room))

    with anyio.fail_after(5):
        await items.put("b")
    assert items.get_nowait() == "b"


async def test_room_that_comes_later_is_his_who_is_in_line():
    items = QueueService("queue", maxsize=1).queue
    items.put_nowait("a")
    async with anyio.create_task_group() as group:
        group.start_soon(items.put, "b")
        await eventually(lambda: items._putters)
        items.drop()

        assert items.get_nowait() == "b"


async def test_what_is_done_while_somebody_joins_is_seen(meanwhile):
    items = QueueService("queue").queue
    for item in "abc":
        items.put_nowait(item)
    items.get_nowait()
    meanwhile(items.exchange)

    with anyio.fail_after(5):
        await items.join(2)


async def test_who_joins_is_woken_when_as_few_are_left_as_he_waits_for():
    items = QueueService("queue").queue
    ended = []

    async def join(unfinished):
        await items.join(unfinished)
        ended.append(unfinished)

    for item in "abc":
        items.put_nowait(item)
    items.get_nowait()
    async with anyio.create_task_group() as group:
        for unfinished in (0, 1, 2):
            group.start_soon(join, unfinished)
        await eventually(lambda: len(items._joiners) == 3)
        for step, left in ((items.exchange, [2]), (items.exchange, [2, 1]), (items.task_done, [2, 1, 0])):
            step()
            await eventually(lambda: len(ended) == len(left))  # noqa: B023
            assert ended == left


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_two_event_loops_and_a_thread_share_a_small_queue(anyio_backend):
    class Adding(QueueService):
        total = 0

        def handle_item(self, item):
            self.total += item

    def put_in(first):
        async def produce():
            for item in range(first, 500, 4):
                await service.enqueue(item, block=True)

        async def produce_in_two_tasks():
            async with anyio.create_task_group() as group:
                group.start_soon(produce)
                group.start_soon(produce)

        asyncio.run(produce_in_two_tasks())

    async with Adding("adding", worker_count=2, maxsize=3) as service:
        threads = [threading.Thread(target=put_in, args=(first,)) for first in range(4)]
        with at_most(20):
            for thread in threads:
                thread.start()
            await eventually(lambda: not any(thread.is_alive() for thread in threads))
            await service.join()

    assert service.total == 2 * sum(range(500))
