"""Queues that start and stop: what is kept, drained or dropped."""

import logging

import anyio
import pytest
from anyio.lowlevel import checkpoint
from children import at_most
from queues import Collecting

from specter import QueueService
from specter.testing import eventually


async def test_items_from_before_the_start_are_kept_for_it():
    service = Collecting()
    for item in "abc":
        service.enqueue_nowait(item)

    async with service:
        await service.join()

        assert service.done == ["a", "b", "c"]


async def test_after_a_stop_items_are_refused_until_the_next_start(runtime):
    service = await Collecting().start()
    await service.stop()

    for attempt in (service.enqueue("a"), service.enqueue("a", block=True)):
        with pytest.raises(RuntimeError, match="'collecting' was stopped and takes no items"):
            await attempt
    with pytest.raises(RuntimeError, match="takes no items"):
        service.enqueue_nowait("a")

    await service.start()
    service.enqueue_nowait("b")
    await service.join()
    assert service.done == ["b"]
    await service.stop()


async def test_a_stop_sends_away_who_waits_for_room(runtime):
    gate = anyio.Event()
    service = await Collecting(gate=gate, maxsize=1).start()
    service.enqueue_nowait("worked on")
    await eventually(lambda: service.begun)
    service.enqueue_nowait("waiting")

    async def wait_for_room():
        with pytest.raises(RuntimeError, match="takes no items"):
            await service.enqueue("late", block=True)

    async with anyio.create_task_group() as group:
        group.start_soon(wait_for_room)
        await eventually(lambda: service.queue._putters)
        await service.stop()


async def test_a_stop_drops_what_waits_and_says_how_much(runtime, caplog):
    service = await Collecting(gate=anyio.Event()).start()
    for item in range(5):
        service.enqueue_nowait(item)
    await eventually(lambda: service.begun)

    with at_most(10):
        await service.stop()
        await service.join()

    assert "4 items of 'collecting' were dropped by its stop" in caplog.text
    assert "an item of 'collecting' was interrupted" in caplog.text
    assert (service.pending_count(), service.get_state()["queue_size"]) == (0, 0)


async def test_a_stop_with_nothing_left_says_nothing(runtime, caplog):
    service = await Collecting().start()
    service.enqueue_nowait("a")
    await service.join()
    await service.stop()

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_drain_finishes_what_was_accepted_before_on_stop(runtime):
    class Draining(Collecting):
        drain_timeout = 10.0

        async def handle_item(self, item):
            await anyio.sleep(0.01)
            log.append(item)

        def on_workers_stopping(self):
            log.append("stopping")

        async def on_stop(self):
            log.append("stop")

    log = []
    service = await Draining().start()
    for item in range(3):
        service.enqueue_nowait(item)

    async with anyio.create_task_group() as group:
        group.start_soon(service.stop)
        await eventually(lambda: service._was_stopped)
        with pytest.raises(RuntimeError, match="takes no items any more: it is being stopped"):
            service.enqueue_nowait("late")

    assert log == [0, 1, 2, "stopping", "stop"]


async def test_a_drain_is_bounded(runtime, caplog):
    service = Collecting(gate=anyio.Event())
    service.drain_timeout = 0.05
    await service.start()
    service.enqueue_nowait("stuck")
    service.enqueue_nowait("behind")

    with at_most(10):
        await service.stop()

    assert "1 items of 'collecting' were dropped" in caplog.text


async def test_a_drain_leaves_time_to_the_rest_of_the_stop(virtual_clock, caplog):
    service = Collecting(gate=anyio.Event())
    service.drain_timeout, service.stop_timeout = 60.0, 0.5
    async with service:
        service.enqueue_nowait("stuck")
        service.enqueue_nowait("behind")
        await checkpoint()
        await service.stop()

    assert virtual_clock.now < 0.5
    assert "1 items of 'collecting' were dropped" in caplog.text
    assert "did not end" not in caplog.text


@pytest.mark.parametrize("drain_timeout", [0.0, 10.0])
async def test_a_handler_may_stop_its_service(runtime, drain_timeout):
    class Poisoned(QueueService):
        async def handle_item(self, item):
            await self.stop()
            done.append(item)

    done = []
    service = Poisoned("poisoned")
    service.drain_timeout = drain_timeout
    await service.start()
    service.enqueue_nowait("poison")
    service.enqueue_nowait("behind")

    with at_most(10):
        await eventually(lambda: not service.running)


async def test_workers_run_whatever_a_subclass_does_in_its_hooks():
    class Own(Collecting):
        def on_start(self):
            log.append("start")

        def on_stop(self):
            log.append("stop")

        async def on_workers_started(self):
            log.append("workers started")

        async def on_workers_stopping(self):
            log.append("workers stopping")

    log = []
    async with Own() as service:
        service.enqueue_nowait("a")
        await service.join()
        assert service.done == ["a"]

    assert log == ["start", "workers started", "workers stopping", "stop"]


async def test_a_hook_that_fails_undoes_the_start(runtime):
    class Failing(Collecting):
        async def on_workers_started(self):
            raise ValueError("no workers")

    service = Failing()
    with pytest.raises(ValueError, match="no workers"):
        await service.start()

    assert not service.running
    assert runtime.tasks() == []
    assert service.enqueue_nowait("kept for the next start")


async def test_items_may_be_put_in_while_it_starts_again(runtime):
    class Seeded(Collecting):
        async def on_start(self):
            await self.enqueue("seed")

    service = Seeded()
    for _ in range(2):
        await service.start()
        await service.join()
        await service.stop()

    assert service.done == ["seed", "seed"]
