"""Queue services."""

import gevent
from gevent.queue import Empty, JoinableQueue
from observing import differs, owned, raised, soon, turns

from specter import QueueService


class _Work(QueueService):
    """Writes down what it is given; the item "fails" fails, "slow" takes long."""

    def __init__(self, name="work", **options):
        super().__init__(name, **options)
        self.log = []

    def handle_item(self, item):
        if item == "fails":
            raise ValueError("no")
        if item == "slow":
            gevent.sleep(60)
        self.log.append(item)

    def on_workers_started(self):
        self.log.append(f"{len(self._greenlets)} started")

    def on_workers_stopping(self):
        self.log.append(f"{len(self._greenlets)} stopping")


def a_new_queue_service():
    work = QueueService("work", maxsize=5)

    return (
        work.name,
        work.get_state(),
        work.worker_count,
        work.poll_interval,
        type(work.queue) is JoinableQueue,
        work.queue.maxsize,
    )


def numbers_are_bent_into_shape():
    works = [
        _Work(worker_count=count, poll_interval=poll) for count, poll in ((0, 0), (-3, 0.01), ("2", "1"), (None, None))
    ]

    return [(work.worker_count, work.poll_interval) for work in works], raised(_Work, worker_count="many")[0]


@differs(
    "The state of a queue tells the number of workers that was asked for, 0 or -3, while one runs.",
    ours=[1, 1, 2],
)
def the_state_tells_how_many_workers_there_are():
    return [_Work(worker_count=count).get_state()["worker_count"] for count in (0, -3, 2)]


def an_initial_state_goes_over_the_queues_own():
    return _Work(initial_state={"queue_size": 7, "mine": 1}).get_state()


def items_are_handled_in_order():
    work = _Work().start()
    accepted = [work.enqueue(number) for number in range(5)]
    soon(lambda: len(work.log) == 6)

    return accepted, work.log, work.get_state(), work.pending_count()


def hooks_see_the_workers():
    work = _Work(worker_count=3).start()
    work.stop()

    return work.log, owned(work)


def workers_work_at_once():
    running, most = [], []

    class Slow(QueueService):
        def handle_item(self, item):
            running.append(item)
            most.append(len(running))
            gevent.sleep(0.005)
            running.remove(item)

    work = Slow("slow", worker_count=3).start()
    for number in range(6):
        work.enqueue(number)
    work.queue.join(timeout=5)

    return max(most)


def a_failing_item_is_one_item():
    work = _Work().start()
    for item in ("a", "fails", "b"):
        work.enqueue(item)
    soon(lambda: "b" in work.log)

    return work.log, work.queue.join(timeout=5), work.get_state()


def a_class_without_handle_item():
    work = QueueService("work").start()
    work.enqueue("a")
    done = work.queue.join(timeout=5)

    return done, work.running, raised(work.handle_item, "a")


def a_full_queue_refuses():
    work = _Work(maxsize=2)

    return [work.enqueue(number) for number in range(3)], work.pending_count(), work.get_state()


def enqueue_may_wait_for_room():
    work = _Work(maxsize=1)
    work.enqueue("a")
    in_vain = work.enqueue("b", block=True, timeout=0.01)
    waiting = gevent.spawn(work.enqueue, "c", block=True, timeout=5)
    turns()
    work.start()

    return in_vain, waiting.get(timeout=5), soon(lambda: "c" in work.log), work.log


def items_from_before_the_start_are_kept():
    work = _Work()
    work.enqueue("early")
    pending = work.pending_count()
    work.start()
    soon(lambda: len(work.log) == 2)

    return pending, work.log


def items_from_after_the_stop_are_kept():
    work = _Work().start()
    work.stop()
    accepted = work.enqueue("late")
    pending = work.pending_count()
    work.start()
    soon(lambda: "late" in work.log)

    return accepted, pending, work.log


def stop_cuts_the_item_that_is_handled():
    work = _Work(poll_interval=0.05).start()
    for item in ("slow", "next"):
        work.enqueue(item)
    turns()
    work.stop()
    turns()

    return work.log, work.pending_count(), owned(work)["greenlets"]


def a_restart_goes_on_with_what_is_left():
    work = _Work().start()
    for item in ("slow", "next"):
        work.enqueue(item)
    turns()
    work.stop()
    work.start()
    soon(lambda: "next" in work.log)

    return work.log


def the_state_follows_the_queue():
    states = []
    work = _Work()
    work.subscribe(lambda state, of: states.append(state["queue_size"]))
    work.enqueue("a")
    work.enqueue("b")
    work.start()
    work.queue.join(timeout=5)
    turns()

    return states


def a_worker_loop_of_ones_own():
    log = []

    class Own(QueueService):
        def _worker_loop(self):
            while self.running:
                try:
                    item = self.queue.get(timeout=self.poll_interval)
                except Empty:
                    log.append("empty")
                    continue
                log.append(item)
                self.queue.task_done()

    work = Own("own", poll_interval=0.01).start()
    work.enqueue("a")
    soon(lambda: "a" in log)
    work.queue.join(timeout=5)
    work.stop()

    return log[0], work.poll_interval, owned(work)["greenlets"]


def a_subclass_without_super_in_on_start():
    log = []

    class Own(QueueService):
        def on_start(self):
            log.append("own on_start")

    work = Own("own").start()
    work.enqueue("a")

    return log, owned(work)["greenlets"], work.pending_count()


def names_of_the_workers_functions():
    work = _Work(worker_count=2).start()
    loops = []
    for greenlet in work._greenlets:
        cells = [cell.cell_contents for cell in greenlet._run.__closure__]
        loops.append(next(value.__name__ for value in cells if callable(value)))

    return loops


def other_work_of_the_service_is_not_in_the_way():
    ticks = []
    work = _Work().start()
    work.interval(lambda: ticks.append(1), 0.005)
    work.enqueue("a")

    return soon(lambda: ticks and "a" in work.log), work.stop() is work
