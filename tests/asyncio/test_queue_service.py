"""Queues with workers: accepting, working, waiting for room and for the end of the work."""

import asyncio
import queue
import threading

import anyio
import pytest
from children import at_most
from queues import Collecting

from specter import QueueService, Service
from specter.testing import cancel_everywhere, eventually


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"worker_count": 0}, ValueError, "worker_count must be 1 or more, got 0"),
        ({"worker_count": 1.5}, TypeError, "worker_count must be a whole number, got 1.5"),
        ({"maxsize": -1}, ValueError, "maxsize must be 0 or more, got -1"),
        ({"maxsize": None}, TypeError, "maxsize must be a whole number, got None"),
    ],
)
def test_wrong_numbers_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        QueueService("wrong", **options)


async def test_items_are_worked_on_in_order():
    async with Collecting() as service:
        for item in range(100):
            assert await service.enqueue(item)
        await service.join()

        assert service.done == list(range(100))
        assert service.pending_count() == 0


async def test_plain_handlers_work_as_well():
    class Plain(QueueService):
        def handle_item(self, item):
            done.append(item)

    done = []
    async with Plain("plain") as service:
        assert service.enqueue_nowait("a")
        await service.join()

    assert done == ["a"]


async def test_as_many_items_are_worked_on_as_there_are_workers():
    gate = anyio.Event()
    async with Collecting(gate=gate, worker_count=3) as service:
        for item in range(5):
            service.enqueue_nowait(item)
        await eventually(lambda: len(service.begun) == 3)
        assert service.pending_count() == 2

        gate.set()
        await service.join()

        assert sorted(service.done) == [0, 1, 2, 3, 4]


async def test_the_state_tells_how_many_items_wait():
    service = Collecting(worker_count=2, initial_state={"more": 1})
    sizes = []
    assert service.get_state() == {"queue_size": 0, "worker_count": 2, "more": 1}
    service.subscribe(lambda state, _: sizes.append(state["queue_size"]))

    service.enqueue_nowait("a")
    service.enqueue_nowait("b")
    assert sizes == [1, 2]

    async with service:
        await service.join()
        assert service.get_state()["queue_size"] == 0


async def test_an_error_is_logged_and_counted_and_the_next_item_follows(caplog):
    async with Collecting() as service:
        service.enqueue_nowait(ValueError("bad item"))
        service.enqueue_nowait("good")
        await service.join()

        assert service.done == ["good"]
        assert service.health() == {
            "status": "ok",
            "name": "collecting",
            "queue_size": 0,
            "worker_count": 1,
            "error_count": 1,
        }
    assert "an item of 'collecting' failed" in caplog.text
    assert "ValueError: bad item" in caplog.text


async def test_a_class_without_a_handler_is_named(caplog):
    class Forgetful(QueueService):
        pass

    async with Forgetful("forgetful") as service:
        service.enqueue_nowait("a")
        await service.join()

    assert "NotImplementedError: Forgetful must override handle_item(item)" in caplog.text


async def test_a_full_queue_accepts_no_more():
    service = Collecting(maxsize=2)

    assert [await service.enqueue(item) for item in "abc"] == [True, True, False]
    assert service.enqueue_nowait("d") is False
    assert service.queue.full()
    assert await service.enqueue("e", block=True, timeout=0.02) is False
    assert service.pending_count() == 2


async def test_who_waits_for_room_gets_it_in_order():
    gate = anyio.Event()
    async with Collecting(gate=gate, maxsize=1) as service, anyio.create_task_group() as group:
        service.enqueue_nowait("worked on")
        await eventually(lambda: service.begun)
        service.enqueue_nowait("waiting")
        for item in range(5):
            group.start_soon(lambda item=item: service.enqueue(item, block=True))
            await eventually(lambda: len(service.queue._putters) == item + 1)  # noqa: B023

        gate.set()
        await eventually(lambda: len(service.done) == 7)

        assert service.done == ["worked on", "waiting", 0, 1, 2, 3, 4]


async def test_who_was_cancelled_while_he_waited_puts_nothing_in():
    service = Collecting(maxsize=1)
    service.enqueue_nowait("a")

    with anyio.move_on_after(0.02):
        await service.enqueue("b", block=True)

    async with service:
        await service.join()
        assert service.done == ["a"]


async def test_worker_threads_may_put_items_in():
    def produce(first):
        for item in range(first, first + 200):
            assert service.enqueue_nowait(item)

    async with Collecting(worker_count=2) as service, anyio.create_task_group() as group:
        for first in range(0, 1000, 200):
            group.start_soon(anyio.to_thread.run_sync, produce, first)
        await eventually(lambda: len(service.done) == 1000)
        await service.join()

        assert sorted(service.done) == list(range(1000))
        assert service.get_state()["queue_size"] == 0


def test_threads_without_an_event_loop_may_put_items_in():
    service = Collecting()
    threads = [threading.Thread(target=lambda: [service.enqueue_nowait(n) for n in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert service.get_state()["queue_size"] == service.pending_count() == 800


def test_the_last_to_tell_the_size_says_the_truth():
    class Overtaken(Collecting):
        overtaken = False

        def set_state(self, partial):
            if not self.overtaken:
                self.overtaken = True
                thread = threading.Thread(target=self.enqueue_nowait, args=("b",))
                thread.start()
                thread.join()
            super().set_state(partial)

    service = Overtaken()
    service.enqueue_nowait("a")

    assert service.get_state()["queue_size"] == 2


async def test_a_bus_event_may_put_items_in():
    from specter import bus

    class Listening(Collecting):
        def on_start(self):
            self.listen("queue-test:added", self.enqueue_nowait)

    async with Listening() as service:
        await bus.emit("queue-test:added", "a")
        await service.join()

        assert service.done == ["a"]


async def test_join_waits_for_items_that_are_being_worked_on():
    gate = anyio.Event()
    async with Collecting(gate=gate) as service:
        service.enqueue_nowait("a")
        await eventually(lambda: service.begun)
        with anyio.move_on_after(0.02) as scope:
            await service.join()
        assert scope.cancelled_caught
        assert not service.queue._joiners

        gate.set()
        await service.join()
        assert service.done == ["a"]


async def test_the_queue_is_there_to_be_used():
    service = Collecting(maxsize=2)
    items = service.queue
    items.put_nowait("a")
    await items.put("b")
    with pytest.raises(queue.Full):
        items.put_nowait("c")

    assert (items.maxsize, items.qsize(), items.full(), items.empty(), items.unfinished) == (2, 2, True, False, 2)
    assert (await items.get(), items.get_nowait()) == ("a", "b")
    with pytest.raises(queue.Empty):
        items.get_nowait()
    items.task_done()
    items.task_done()
    await items.join()
    with pytest.raises(ValueError, match="more often"):
        items.task_done()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_worker_that_was_woken_and_cancelled_wakes_another(anyio_backend):
    items = Collecting().queue
    first, second = asyncio.create_task(items.get()), asyncio.create_task(items.get())
    await eventually(lambda: len(items._getters) == 2)

    items.put_nowait("a")  # wakes the first
    first.cancel()

    assert await asyncio.wait_for(second, 5) == "a"


async def test_what_gets_room_is_taken_by_another_worker():
    items = Collecting(maxsize=1).queue
    got = []

    async def get():
        got.append(await items.get())

    async with anyio.create_task_group() as group:
        group.start_soon(get)
        group.start_soon(get)
        await eventually(lambda: len(items._getters) == 2)
        items.put_nowait("a")  # wakes one of them
        items._line_up_to_put("b")
        await eventually(lambda: len(got) == 2)

    assert sorted(got) == ["a", "b"]


async def test_workers_keep_the_event_loop_turning():
    class Plain(QueueService):
        def handle_item(self, item):
            self.enqueue_nowait(item)

    async with Plain("endless") as service:
        service.enqueue_nowait("a")
        with at_most(5):
            for _ in range(100):
                await anyio.lowlevel.checkpoint()


async def test_nothing_is_left_wherever_it_is_cancelled():
    async def live():
        services.append(service := Collecting(worker_count=2, maxsize=1))
        service.drain_timeout = 1.0
        async with service:
            for item in "abcd":
                await service.enqueue(item, block=True)
            await service.join()

    def check():
        service = services[-1]
        assert not service.running
        assert service.queue.unfinished == service.pending_count() == 0
        assert not (service.queue._getters or service.queue._putters or service.queue._joiners)
        assert set(service.begun) == set(service.done)

    services = []
    assert await cancel_everywhere(live, check) > 10


async def test_a_queue_is_a_child_like_any_other():
    async with Service("owner") as owner:
        service = Collecting()
        await owner.adopt(service)
        service.enqueue_nowait("a")
        await service.join()

    assert not service.running


async def test_a_timeout_that_is_no_number_is_refused_and_nothing_is_taken_in():
    service = QueueService("queue")
    with pytest.raises(TypeError, match="timeout must be a number of seconds or None, got '1'"):
        await service.enqueue("a", block=True, timeout="1")

    assert service.pending_count() == 0
