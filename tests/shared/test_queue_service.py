"""Queue services, on both runtimes."""

import pytest


@pytest.fixture
def work(twin):
    """The class of a service that writes down what it handles."""

    class Work(twin.QueueService):
        def __init__(self, **options):
            super().__init__("work", **options)
            self.log = []

        @twin.waits
        async def handle_item(self, item):
            await twin.turns(1)
            if item == "fails":
                raise ZeroDivisionError("no")
            self.log.append(item)

        def on_workers_started(self):
            self.log.append("started")

        def on_workers_stopping(self):
            self.log.append("stopping")

    return Work


async def test_items_are_handled_in_order(twin, work, caplog):
    service = work()
    await twin(service.start())
    for item in (1, "fails", 2, 3):
        assert await twin(service.enqueue(item))
    await twin(service.join())
    await twin(service.stop())

    assert service.log == ["started", 1, 2, 3, "stopping"]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]


async def test_a_full_queue_refuses_or_lets_wait(twin, work):
    service = work(maxsize=2)
    assert [service.enqueue_nowait(item) for item in (1, 2, 3)] == [True, True, False]
    assert not await twin(service.enqueue(3))
    assert not await twin(service.enqueue(3, block=True, timeout=0.01))
    assert service.pending_count() == 2

    async def wait_for_room():
        return await twin(service.enqueue(3, block=True, timeout=5))

    async def start():
        await twin(service.start())

    assert (await twin.together(wait_for_room, start))[0]
    await twin(service.join())
    await twin(service.stop())
    assert service.log == ["started", 1, 2, 3, "stopping"]


async def test_what_is_enqueued_before_the_start_is_kept(twin, work):
    service = work()
    await twin(service.enqueue("early"))
    await twin(service.start())
    await twin(service.join())

    assert service.log == ["started", "early"]
    await twin(service.stop())


async def test_workers_work_at_once(twin):
    running, most = [], []

    class Slow(twin.QueueService):
        @twin.waits
        async def handle_item(self, item):
            running.append(item)
            most.append(len(running))
            await twin.sleep(0.005)
            running.remove(item)

    service = Slow("slow", worker_count=3)
    assert service.get_state()["worker_count"] == 3
    await twin(service.start())
    for item in range(6):
        service.enqueue_nowait(item)
    await twin(service.join())
    await twin(service.stop())

    assert max(most) == 3


async def test_the_state_tells_the_size_of_the_queue(twin, work):
    service = work()
    for item in range(3):
        await twin(service.enqueue(item))
    assert service.get_state()["queue_size"] == 3
    await twin(service.start())
    await twin(service.join())
    await twin.until(lambda: service.get_state()["queue_size"] == 0)
    await twin(service.stop())


async def test_a_class_without_handle_item_says_so(twin, caplog):
    class Idle(twin.QueueService):
        pass

    service = Idle("idle")
    await twin(service.start())
    await twin(service.enqueue(1))
    await twin(service.join())
    await twin(service.stop())

    assert [
        (record.exc_info[0], "Idle" in str(record.exc_info[1])) for record in caplog.records if record.exc_info
    ] == [(NotImplementedError, True)]


async def test_a_stop_may_wait_for_what_is_accepted(twin, work):
    class Patient(work):
        drain_timeout = 5.0

    service = Patient()
    await twin(service.start())
    for item in range(5):
        service.enqueue_nowait(item)
    await twin(service.stop())

    assert service.log == ["started", 0, 1, 2, 3, 4, "stopping"]
