"""What worker threads may do: feed the bus, change state, spawn, start and end timers."""

import sys
import threading

import anyio
import pytest
from anyio import to_thread
from anyio.lowlevel import checkpoint

from specter import EventBus, Runtime, Service, bus
from specter._delivery import Subscriber


@pytest.fixture
async def service():
    async with Service("svc") as service:
        yield service


@pytest.fixture
def hurry():
    """Threads take turns after a twentieth of a millisecond, not after five: more interleavings in less time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-5)
    yield
    sys.setswitchinterval(before)


async def test_a_plain_listener_is_called_on_its_event_loop_and_the_thread_waits(service):
    log = []

    def hear(data):
        log.append((threading.get_ident(), data))

    def work():
        bus.emit_nowait("event", 1)
        log.append("emitted")

    service.listen("event", hear)
    await to_thread.run_sync(work)

    assert log == [(threading.get_ident(), 1), "emitted"]


async def test_a_coroutine_listener_runs_as_a_task_of_its_service(service):
    log = []

    async def hear(data):
        log.append((threading.get_ident(), data, Runtime.current()))

    service.listen("event", hear)
    await to_thread.run_sync(bus.emit_nowait, "event", 1)
    await anyio.wait_all_tasks_blocked()

    assert log == [(threading.get_ident(), 1, Runtime.current())]


async def test_a_coroutine_listener_that_nobody_owns_finds_the_runtime_of_the_thread(service):
    log = []

    async def hear(data):
        log.append(Runtime.current())

    bus.on("event", hear)
    await to_thread.run_sync(bus.emit_nowait, "event", 1)
    await anyio.wait_all_tasks_blocked()

    assert log == [Runtime.current()]


async def test_a_change_of_state_is_heard_on_the_loop_before_set_state_returns(service):
    log = []
    service.subscribe(lambda state, of: log.append((threading.get_ident(), state["a"])))

    def work():
        service.set_state({"a": 1})
        log.append(service.get_state())

    await to_thread.run_sync(work)

    assert log == [(threading.get_ident(), 1), {"a": 1}]


async def test_changes_by_many_threads_are_heard_in_the_order_in_which_they_were_made(service):
    class Numbered(dict):
        def update(self, partial):
            super().update(partial, n=self.get("n", -1) + 1)

    heard, service.state = [], Numbered()
    service.subscribe(lambda state, of: heard.append(state["n"]))

    def work():
        for _ in range(50):
            service.set_state({})

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(to_thread.run_sync, work)

    assert heard == list(range(200))


async def test_every_change_by_many_threads_is_heard(service):
    heard = []
    service.subscribe(lambda state, of: heard.append(dict(state)))

    def work(name):
        for number in range(50):
            service.set_state({name: number})

    async with anyio.create_task_group() as group:
        for name in "abcd":
            group.start_soon(to_thread.run_sync, work, name)

    assert len(heard) == 200
    assert heard[-1] == {"a": 49, "b": 49, "c": 49, "d": 49}
    for name in "abcd":
        seen = [state[name] for state in heard if name in state]
        assert seen == sorted(seen)


@pytest.mark.usefixtures("hurry")
async def test_the_first_calls_of_a_subscriber_that_come_at_once_are_all_made():
    for _ in range(100):
        heard, barrier = [], threading.Barrier(4)
        subscriber = Subscriber(heard.append)

        def work(number, barrier=barrier, subscriber=subscriber):
            barrier.wait(5)
            subscriber.notify(number)

        async with anyio.create_task_group() as group:
            for number in range(4):
                group.start_soon(to_thread.run_sync, work, number)

        assert sorted(heard) == [0, 1, 2, 3]


async def test_a_thread_can_spawn_and_gets_a_handle(service):
    log = []

    async def work(data):
        log.append(threading.get_ident())
        return data

    task = await to_thread.run_sync(service.spawn, work, 42)

    assert await task.wait() == 42
    assert log == [threading.get_ident()]


async def test_a_thread_hears_why_it_cannot_spawn(service):
    with pytest.raises(RuntimeError, match="'other' cannot spawn a task before start()"):
        await to_thread.run_sync(Service("other").spawn, checkpoint)


async def test_a_thread_can_cancel_a_task(service):
    task = service.spawn(anyio.sleep_forever)
    await anyio.wait_all_tasks_blocked()
    await to_thread.run_sync(task.cancel)
    with anyio.fail_after(5):
        await task.wait()


async def test_a_thread_can_start_and_end_timers(service):
    ticks, ticked = [], anyio.Event()

    def tick():
        ticks.append(threading.get_ident())
        ticked.set()

    key = await to_thread.run_sync(service.interval, tick, 0.005)
    with anyio.fail_after(5):
        await ticked.wait()
    await to_thread.run_sync(service.cancel_interval, key)
    count = len(ticks)
    await anyio.sleep(0.03)

    assert ticks == [threading.get_ident()] * count
    assert not service._ledger.intervals
    later = await to_thread.run_sync(service.timeout, tick, 0)
    await to_thread.run_sync(service.cancel_timeout, later)


async def test_a_thread_can_subscribe_and_add_cleanups(service):
    heard = []
    await to_thread.run_sync(service.listen, "event", heard.append)
    await to_thread.run_sync(service.add_cleanup, lambda: heard.append("cleanup"))
    bus.emit_nowait("event", 1)
    await service.stop()

    assert heard == [1, "cleanup"]


async def test_a_listener_that_a_thread_subscribed_is_called_where_the_event_is_emitted(service):
    heard = []
    await to_thread.run_sync(bus.on, "event", lambda data: heard.append(threading.get_ident()))
    bus.emit_nowait("event", 1)

    assert heard == [threading.get_ident()]


async def test_an_error_in_a_listener_does_not_reach_the_thread(service, caplog):
    def fail(data):
        raise ValueError("no good")

    service.listen("event", fail)
    await to_thread.run_sync(bus.emit_nowait, "event", 1)

    assert "no good" in caplog.text


async def test_once_is_heard_once_however_many_threads_emit(service):
    events, heard = EventBus(), []
    barrier = threading.Barrier(4)

    def work():
        barrier.wait(5)
        for _ in range(20):
            events.emit_nowait("event", 1)

    for _ in range(10):
        events.once("event", heard.append)
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(to_thread.run_sync, work)

    assert heard == [1] * 10


@pytest.mark.usefixtures("hurry")
async def test_subscribing_while_others_emit_is_safe():
    events, heard, stop = EventBus(), [], threading.Event()
    failed = []

    def emit():
        try:
            while not stop.is_set():
                events.emit_nowait("a:b", 1)
        except BaseException as error:
            failed.append(error)

    def subscribe():
        try:
            for number in range(300):
                ends = [events.on(event, heard.append) for event in ("a:b", "a:*", f"a:{number}:*", f"x{number}")]
                events.listener_count()
                events.has_listeners("a:c")
                for end in ends:
                    end()
        except BaseException as error:
            failed.append(error)

    emitter = threading.Thread(target=emit)
    emitter.start()
    threads = [threading.Thread(target=subscribe) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await to_thread.run_sync(thread.join)
    stop.set()
    await to_thread.run_sync(emitter.join)

    assert failed == []
    assert events.listener_count() == 0


async def test_a_thread_whose_waiter_was_cancelled_still_delivers(service):
    heard, begun, go = [], threading.Event(), threading.Event()
    service.listen("event", heard.append)

    def work():
        begun.set()
        go.wait(5)
        bus.emit_nowait("event", 1)

    async with anyio.create_task_group() as group:
        group.start_soon(lambda: to_thread.run_sync(work, abandon_on_cancel=True))
        await to_thread.run_sync(begun.wait)
        group.cancel_scope.cancel()
    go.set()
    with anyio.fail_after(5):
        while not heard:  # noqa: ASYNC110
            await anyio.sleep(0.005)


async def test_a_subscriber_of_another_loop_is_called_on_that_loop(service):
    heard, ready, done = [], threading.Event(), threading.Event()

    async def elsewhere():
        bus.on("event", lambda data: heard.append((threading.get_ident(), data)))
        heard.append(threading.get_ident())
        ready.set()
        while not done.is_set():  # noqa: ASYNC110
            await anyio.sleep(0.001)

    async with anyio.create_task_group() as group:
        group.start_soon(to_thread.run_sync, anyio.run, elsewhere)
        await to_thread.run_sync(ready.wait)
        await to_thread.run_sync(bus.emit_nowait, "event", 1)
        done.set()

    assert heard[1] == (heard[0], 1)
    assert heard[0] != threading.get_ident()
