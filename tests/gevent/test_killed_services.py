"""A greenlet killed at any switch of starting, stopping or running leaves nothing half done that cannot be finished."""

import gevent
import pytest
from flask import Flask
from flask_socketio import SocketIO
from greenlets import ended, held, kill_everywhere, patched, turns
from pausing import Chat, Part, Site, owned, pause

from specter_gevent import ManagedProcess, Operation, QueueService, Service, ServiceManager, Watcher, registry
from specter_gevent.testing import eventually


def test_starting_a_service():
    def scenario():
        part, started = Part(), []
        yield lambda: started.append(part.start())
        assert started or part.is_clean()
        ended(gevent.spawn(lambda: part.start().stop()))

        assert part.is_clean()
        assert not held(part)

    assert kill_everywhere(scenario) >= 3


def test_waiting_for_another_start():
    def scenario():
        part = Part()
        first = gevent.spawn(part.start)
        yield part.start
        ended(first)

        assert part.running
        ended(gevent.spawn(part.stop))
        assert part.is_clean()

    assert kill_everywhere(scenario) >= 1


def test_a_start_that_is_killed_lets_another_try():
    def scenario():
        part = Part()
        behind = gevent.spawn(lambda: (pause(), part.start()))
        yield part.start
        ended(behind)

        assert part.running
        ended(gevent.spawn(part.stop))
        assert part.is_clean()

    assert kill_everywhere(scenario) >= 3


def test_stopping_a_service():
    def scenario():
        part = Part()
        part.start()
        yield part.stop
        ended(gevent.spawn(part.stop))

        assert part.is_clean()
        assert ended(gevent.spawn(lambda: part.start().running))
        ended(gevent.spawn(part.stop))
        assert part.is_clean()

    assert kill_everywhere(scenario) >= 3


def test_waiting_for_another_stop():
    def scenario():
        part = Part()
        part.start()
        behind = gevent.spawn(lambda: (pause(), part.stop()))
        yield part.stop
        ended(behind)

        assert part.is_clean()

    assert kill_everywhere(scenario) >= 3


def test_adopting_a_child():
    def scenario():
        owner, child = Service("owner").start(), Part("child")
        yield lambda: owner.adopt(child)
        ended(gevent.spawn(owner.stop))

        assert child.is_clean()
        assert not owned(owner)

    assert kill_everywhere(scenario) >= 3


def test_telling_a_state():
    def scenario():
        told = []
        service = Service("a")
        service.subscribe(lambda state, of: pause())
        service.subscribe(lambda state, of: told.append(state["n"]))
        yield lambda: service.set_state({"n": 1})
        service.set_state({"n": 2})

        assert told[-1] == 2
        assert not held(service)

    assert kill_everywhere(scenario) >= 1


def test_a_spawned_task_is_owned_no_longer():
    def scenario():
        service = Service("a").start()
        target = []

        def act():
            target.append(service.spawn(pause))
            target[0].join()

        yield act
        turns()
        assert not service._greenlets
        service.stop()

    assert kill_everywhere(scenario) >= 1


def test_enqueueing_where_there_is_no_room():
    class Work(QueueService):
        def handle_item(self, item):
            handled.append(item)

    handled = []

    def scenario():
        handled.clear()
        work = Work("work", maxsize=1)
        work.enqueue("first")
        gevent.spawn_later(0.002, work.start)
        yield lambda: work.enqueue("second", block=True, timeout=5)
        eventually(lambda: work.running)
        assert work.enqueue("last", block=True, timeout=5)
        assert ended(gevent.spawn(work.queue.join, 5))

        assert handled[0] == "first"
        assert handled[-1] == "last"
        work.stop()
        assert not held(work)

    assert kill_everywhere(scenario) >= 1


def test_a_worker_is_killed_with_its_item():
    class Work(QueueService):
        def handle_item(self, item):
            pause()
            handled.append(item)

    handled = []

    def scenario():
        handled.clear()
        work = Work("work", worker_count=1)
        work._running = True
        for item in range(3):
            work.enqueue(item)
        gevent.spawn_later(0.002, setattr, work, "_running", False)
        yield work._worker_loop
        work._running = False
        work.start()
        assert ended(gevent.spawn(work.queue.join, 5))

        assert len(handled) >= 2
        assert work.pending_count() == 0
        work.stop()

    assert kill_everywhere(scenario) >= 3


def test_stopping_a_queue_that_drains():
    class Work(QueueService):
        drain_timeout = 5.0

        def handle_item(self, item):
            pause()

    def scenario():
        work = Work("work").start()
        for item in range(3):
            work.enqueue(item)
        yield work.stop
        ended(gevent.spawn(work.stop))

        assert not work.running
        assert not owned(work)

    assert kill_everywhere(scenario) >= 1


@pytest.mark.parametrize("call", ["wait", "stop"])
def test_a_process(call):
    def scenario():
        process = ManagedProcess("p", terminate_timeout=5).start(["sleep", "0.05" if call == "wait" else "60"])
        child = process.process
        yield getattr(process, call)
        ended(gevent.spawn(process.stop))

        assert child.returncode is not None
        assert not process.running
        assert not held(process)
        assert ended(gevent.spawn(lambda: process.start(["true"]).wait())) == 0

    assert kill_everywhere(scenario) >= 1


def test_starting_a_process_where_that_waits():
    code = """
from greenlets import held, kill_everywhere
from specter import ManagedProcess
import gevent

def scenario():
    process = ManagedProcess("p")
    yield lambda: process.start(["sleep", "60"])
    assert not held(process)
    gevent.spawn(process.stop).join(5)
    assert not process.running
    assert gevent.spawn(lambda: process.start(["true"]).wait()).get(timeout=5) == 0

print(kill_everywhere(scenario) >= 1)
"""
    assert patched(code, folders=("tests",)) == "True"


@pytest.mark.parametrize("poll", [lambda: 1, pause], ids=["at once", "waits"])
def test_stopping_a_watcher(poll):
    def scenario():
        watcher = Watcher("w", poll=poll, interval=0.1).start()
        greenlet = watcher._greenlet
        turns(1)
        yield watcher.stop
        ended(gevent.spawn(watcher.stop))

        assert not watcher.running
        eventually(lambda: greenlet.dead)
        watcher.start()
        ended(gevent.spawn(watcher.stop))
        assert not watcher.running

    kill_everywhere(scenario)


@pytest.mark.parametrize("call", ["boot", "shutdown"])
def test_a_manager(call):
    def scenario():
        app = Flask("app")
        part, chat, site = Part(), Chat([]), Site("site")
        manager = ServiceManager(app, SocketIO(app, async_mode="threading"))
        manager.register_service(part).register_handler(chat).register_controller(site)
        if call == "shutdown":
            manager.boot()
        yield getattr(manager, call)
        ended(gevent.spawn(manager.boot))
        ended(gevent.spawn(manager.shutdown))
        ended(gevent.spawn(manager.stop))

        assert not (manager.booted or manager.running)
        assert not held(manager, registry)
        for service in (part, site):
            ended(gevent.spawn(service.stop))
        assert part.is_clean()
        assert registry.list() == []

    assert kill_everywhere(scenario) >= 5


def test_an_operation_is_not_an_outcome_when_it_is_killed():
    class Slow(Operation):
        def perform(self):
            pause()
            return "value"

    ends = []

    def scenario():
        outcomes = []
        yield lambda: outcomes.append(Slow().run())
        ends.append([outcome.value for outcome in outcomes])

    assert kill_everywhere(scenario) == 1
    assert [end for end in ends if end != ["value"]] == [[]]
