"""Queues with workers on gevent: what a stop does with items, and what subclasses may do to the workers."""

import logging

import gevent
import pytest
from gevent.event import Event
from gevent.queue import Empty, JoinableQueue, PriorityQueue
from greenlets import ended, turns

from specter_gevent import QueueService, bus
from specter_gevent.testing import eventually, virtual_time


class Collecting(QueueService):
    """Keeps what its workers did; each of them waits at the gate if it is closed."""

    def __init__(self, **options):
        super().__init__("collecting", **options)
        self.begun, self.done = [], []
        self.gate = Event()
        self.gate.set()

    def handle_item(self, item):
        self.begun.append(item)
        self.gate.wait()
        if isinstance(item, Exception):
            raise item
        self.done.append(item)


@pytest.fixture
def queue_of():
    """Makes a service; all of them are stopped at the end."""
    made = []

    def make(kind=Collecting, **options):
        made.append(kind(**options))
        return made[-1]

    yield make
    for service in made:
        service.drain_timeout = 0
        service.stop()
    turns()


@pytest.mark.parametrize(
    ("options", "workers", "poll"),
    [({}, 1, 0.5), ({"worker_count": -3, "poll_interval": 0.01}, 1, 0.05), ({"worker_count": "2"}, 2, 0.5)],
    ids=["usual", "too little", "text"],
)
def test_numbers_are_bent_into_shape_and_the_state_tells_those_that_count(options, workers, poll):
    service = Collecting(**options)

    assert (service.worker_count, service.poll_interval) == (workers, poll)
    assert service.get_state() == {"queue_size": 0, "worker_count": workers}
    assert type(service.queue) is JoinableQueue


def test_as_many_items_are_worked_on_as_there_are_workers(queue_of):
    service = queue_of(worker_count=3).start()
    service.gate.clear()
    assert all(service.enqueue_nowait(item) for item in range(5))
    turns()
    assert (service.begun, service.pending_count()) == ([0, 1, 2], 2)

    service.gate.set()
    service.join()
    assert sorted(service.done) == [0, 1, 2, 3, 4]


def test_an_error_is_logged_and_counted_and_the_next_item_follows(queue_of, caplog):
    service = queue_of().start()
    service.enqueue(ValueError("bad item"))
    service.enqueue("good")
    service.join()

    assert (service.done, service.error_count) == (["good"], 1)
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.getMessage() == "[SPECTER] Queue worker error in 'collecting': bad item"
    assert record.exc_info[0] is ValueError
    assert service.health() == {"status": "ok", "name": "collecting"}


def test_who_waits_for_room_gets_it_in_order(queue_of):
    service = queue_of(maxsize=1)
    service.enqueue("first")
    assert not service.enqueue("refused")
    assert not service.enqueue("in vain", block=True, timeout=0.001)
    waiting = [gevent.spawn(service.enqueue, item, block=True) for item in range(5)]
    turns(1)
    service.start()

    assert [ended(greenlet) for greenlet in waiting] == [True] * 5
    service.join()
    assert service.done == ["first", 0, 1, 2, 3, 4]


def test_what_a_stop_leaves_and_what_comes_after_it_is_kept_for_the_next_start(queue_of, caplog):
    service = queue_of().start()
    service.gate.clear()
    for item in ("cut", "left"):
        service.enqueue(item)
    turns()
    service.stop()
    turns()
    assert service.enqueue("late")
    assert service.pending_count() == 2

    service.gate.set()
    service.start().join()
    assert service.done == ["left", "late"]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_drain_finishes_what_was_accepted_before_on_stop(queue_of):
    class Draining(Collecting):
        drain_timeout = 10.0

        def handle_item(self, item):
            turns(1)
            self.done.append(item)

        def on_workers_stopping(self):
            self.done.append("stopping")

    service = queue_of(Draining).start()
    for item in range(3):
        service.enqueue(item)
    service.stop()

    assert service.done == [0, 1, 2, "stopping"]


def test_a_drain_is_bounded_and_drops_the_rest(queue_of, caplog):
    service = queue_of().start()
    service.drain_timeout = 0.01
    service.gate.clear()
    for item in ("stuck", "behind", "behind too"):
        service.enqueue(item)
    turns()
    service.stop()
    turns()
    service.join()

    assert "2 items of 'collecting' were dropped by its stop" in caplog.text
    assert (service.pending_count(), service.get_state()["queue_size"]) == (0, 0)
    service.gate.set()
    service.start().enqueue("next")
    service.join()
    assert service.done == ["next"]


def test_a_drain_leaves_time_to_the_rest_of_the_stop(queue_of, caplog):
    with virtual_time() as clock:
        service = queue_of().start()
        service.drain_timeout, service.stop_timeout = 60.0, 0.4
        service.gate.clear()
        service.enqueue("stuck")
        turns()
        service.stop()

    assert clock.now < 0.4
    assert "did not end in time" not in caplog.text


class Poisoned(Collecting):
    """Is stopped by one of its items."""

    def handle_item(self, item):
        if item == "poison":
            self.stop()
        super().handle_item(item)


def test_an_item_may_stop_its_service_and_is_not_waited_for(queue_of, caplog):
    service = queue_of(Poisoned).start()
    service.drain_timeout = 10.0
    for item in ("before", "poison", "behind"):
        service.enqueue(item)
    with gevent.Timeout(5):
        eventually(lambda: not service.running)

    assert service.done[:1] == ["before"]
    assert "1 items of 'collecting' were dropped by its stop" in caplog.text


def test_when_an_item_stops_its_service_the_other_workers_drain(queue_of, caplog):
    service = queue_of(Poisoned, worker_count=2).start()
    service.drain_timeout = 10.0
    service.gate.clear()
    for item in ("poison", 1, 2, 3):
        service.enqueue(item)
    eventually(lambda: service._specter_item_done is not None)
    service.gate.set()
    with gevent.Timeout(5):
        eventually(lambda: not service.running)

    assert {1, 2, 3} <= set(service.done)
    assert "dropped" not in caplog.text


def test_a_subclass_may_have_a_worker_loop_of_its_own(queue_of):
    class Own(Collecting):
        drain_timeout = 5.0

        def _worker_loop(self):
            while self.running:
                try:
                    item = self.queue.get(timeout=self.poll_interval)
                except Empty:
                    continue
                self.done.append(("own", item))
                self.queue.task_done()

    service = queue_of(Own, poll_interval=0.05).start()
    service.enqueue(1)
    service.stop()

    assert service.done == [("own", 1)]


@pytest.mark.parametrize("other", [PriorityQueue, gevent.queue.Queue], ids=["priorities", "plain"])
def test_a_subclass_may_put_another_queue_in_the_place_of_ours(queue_of, other):
    service = queue_of()
    service.queue = other()
    for item in (2, 1):
        service.enqueue(item)
    service.start()
    eventually(lambda: len(service.done) == 2)

    assert service.done == ([1, 2] if other is PriorityQueue else [2, 1])
    assert service.get_state()["queue_size"] == 0


def test_a_handler_may_say_itself_that_its_item_is_done(queue_of, caplog):
    class Eager(Collecting):
        def handle_item(self, item):
            self.queue.task_done()
            super().handle_item(item)

    service = queue_of(Eager).start()
    for item in "ab":
        service.enqueue(item)
        eventually(lambda: item in service.done)  # noqa: B023

    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_worker_looks_from_time_to_time_whether_the_service_still_runs(queue_of):
    service = queue_of(poll_interval=0.05).start()
    (worker,) = service._greenlets
    service._running = False

    ended(worker)


def test_the_state_is_told_before_and_after_each_item(queue_of):
    sizes = []
    service = queue_of()
    service.subscribe(lambda state, source: sizes.append(state["queue_size"]))
    for item in "ab":
        service.enqueue(item)
    service.start().join()
    turns()

    assert sizes == [1, 2, 1, 1, 0, 0]


def test_what_is_enqueued_in_on_start_is_worked_on(queue_of):
    class Seeded(Collecting):
        def on_start(self):
            super().on_start()
            self.listen("queue-test:added", self.enqueue_nowait)
            self.enqueue("seed")

    service = queue_of(Seeded).start()
    bus.emit("queue-test:added", "sown")
    service.join()

    assert service.done == ["seed", "sown"]


@pytest.mark.parametrize("hook", ["handle_item", "on_workers_started", "on_workers_stopping", "_worker_loop"])
def test_a_coroutine_function_is_refused_by_the_name_of_the_switch(queue_of, hook):
    async def later(self, *args):
        """A coroutine function."""

    service = queue_of(type("Late", (Collecting,), {hook: later}))

    with pytest.raises(TypeError, match=f"{hook} of 'collecting' must be a plain function on gevent, .*use_backend"):
        service.start()
    assert not service.running
