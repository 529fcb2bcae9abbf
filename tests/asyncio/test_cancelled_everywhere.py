"""
Cancelled at every checkpoint: what tells others, what only waits, and everything at once.

The primitives with a life of their own (service, runtime, queue, watcher, process, cache, handler, manager) have such a
test in their own files.
"""

import subprocess

import anyio
import pytest
from anyio.lowlevel import checkpoint
from children import alive

from specter import (
    Cache,
    Controller,
    ManagedProcess,
    Model,
    Operation,
    Outcome,
    QueueService,
    Service,
    SocketIngress,
    Store,
    Watcher,
    bus,
    registry,
)
from specter.testing import cancel_everywhere, record


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    assert bus.listener_count() == 0
    assert registry.list() == []


@pytest.mark.parametrize("make", [Store, Model], ids=["store", "model"])
async def test_a_delivery_that_is_cut_leaves_a_state_that_still_tells(make):
    running, sources = [], []

    async def hear(state, source):
        running.append(state)
        try:
            await checkpoint()
            await checkpoint()
        finally:
            running.remove(state)

    async def scenario():
        sources.append(source := make("s", emit_events=True))
        async with Service("owner") as owner:
            source.subscribe(hear, owner=owner)
            source.subscribe(hear)
            owner.listen("s:changed", lambda data: None)
            for number in range(3):
                source.update(lambda draft, number=number: draft.update(n=number))
                await checkpoint()

    def check():
        assert running == []
        heard = []
        sources[-1].subscribe(lambda state, source: heard.append(state["n"]))
        sources[-1].update(lambda draft: draft.update(n="after"))
        assert heard == ["after"]
        sources[-1].destroy()
        assert not list(sources[-1]._subscribers)

    assert await cancel_everywhere(scenario, check) > 5


async def test_a_state_of_a_service_likewise():
    running = []

    async def hear(state, service):
        running.append(state)
        try:
            await checkpoint()
        finally:
            running.remove(state)

    async def scenario():
        async with Service("owner") as owner:
            owner.watch(hear)
            owner.subscribe(hear)
            for number in range(3):
                owner.set_state({"n": number})
                await checkpoint()

    assert await cancel_everywhere(scenario, lambda: check_empty(running)) > 5


async def test_waiting_for_a_task_leaves_the_task_alone():
    async with Service("owner") as service:
        go_on = anyio.Event()
        task = service.spawn(go_on.wait)

        async def scenario():
            with anyio.move_on_after(0.01):
                await task.wait()

        assert await cancel_everywhere(scenario, lambda: check_empty([task] if task.done else [])) > 0
        go_on.set()
        with anyio.fail_after(5):
            await task.wait()


async def test_a_stream_that_is_left_early_hears_no_more():
    async def scenario():
        with bus.stream("event") as events, anyio.move_on_after(0.01):
            bus.emit_nowait("event", 1)
            async for _ in events:
                await checkpoint()

    assert await cancel_everywhere(scenario, lambda: check_empty(range(bus.listener_count()))) > 1


async def test_an_operation_is_cut_and_gives_no_outcome():
    begun, outcomes = [], []

    class Slow(Operation):
        async def validate(self):
            await checkpoint()

        async def perform(self):
            begun.append(1)
            try:
                await checkpoint()
            finally:
                begun.pop()

    async def scenario():
        outcomes.clear()
        outcomes.append(await Slow().run())

    def check():
        assert begun == []
        assert outcomes in ([], [Outcome.success()])

    assert await cancel_everywhere(scenario, check) > 1


async def test_a_dispatch_to_socket_subscribers_ends_with_the_one_that_is_cut():
    ingress, running = SocketIngress(), []

    async def work(data):
        running.append(data)
        try:
            await checkpoint()
        finally:
            running.pop()
        raise ValueError("on purpose")

    async def told(error):
        running.append(error)
        try:
            await checkpoint()
        finally:
            running.pop()

    ingress.subscribe("event", work)
    ingress.subscribe("event", lambda data: data)
    ingress.subscribe_error_default(told)
    answers = []

    async def scenario():
        answers.clear()
        answers.append(await ingress.dispatch("event", 1))

    def check():
        assert running == []
        assert answers in ([], [1])

    assert await cancel_everywhere(scenario, check) > 1


# What comes just when its reader is cancelled is there for the next one.


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

    async with Service("owner") as owner:

        async def prepare():
            codes.clear()
            processes.append(await owner.start_process(["sh", "-c", "sleep 0.005; exit 3"]))
            owner.spawn(wait)

        async def check():
            assert await processes[-1].wait() == 3
            await checkpoint()
            assert 3 in codes

        assert await cancel_everywhere(wait, check, prepare=prepare) > 0


# Timers, tasks and those who start and stop at once.


async def test_timers_and_their_calls_end_with_their_service():
    running, services = [], []

    async def work():
        running.append(1)
        try:
            await checkpoint()
            await anyio.sleep(0.001)
        finally:
            running.pop()

    async def scenario():
        services.append(service := Service("timers"))
        async with service:
            called = anyio.Event()
            service.interval(work, 0.001)
            service.timeout(work, 0)
            service.timeout(called.set, 0.003)
            cancelled = service.interval(work, 0.001)
            await called.wait()
            service.cancel_interval(cancelled)
            await checkpoint()

    def check():
        assert running == []
        assert not services[-1]._ledger

    assert await cancel_everywhere(scenario, check) > 5


async def test_tasks_end_with_their_service_or_go_on_without_who_waits_for_them():
    running, services = [], []

    async def work():
        running.append(1)
        try:
            await checkpoint()
        finally:
            running.pop()

    async def scenario():
        services.append(service := Service("tasks"))
        async with service:
            first, later = service.spawn(work), service.spawn_later(0.001, work)
            service.cancel_task(service.spawn(work))
            await first.wait()
            await later.wait()

    def check():
        assert running == []
        assert not services[-1]._ledger

    assert await cancel_everywhere(scenario, check) > 5


async def test_two_who_start_and_two_who_stop_at_once_leave_it_stopped():
    services = []

    class Slow(Service):
        async def on_start(self):
            self.add_cleanup(checkpoint)
            await checkpoint()

        async def on_stop(self):
            await checkpoint()

    async def scenario():
        services.append(service := Slow("slow"))
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(service.start)
                tasks.start_soon(service.start)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(service.stop)
                tasks.start_soon(service.stop)
        finally:
            await service.stop()

    def check():
        assert not services[-1].running
        assert not services[-1]._ledger

    async with Service("runtime"):
        assert await cancel_everywhere(scenario, check) > 5


async def test_a_controller_and_its_handler_are_there_or_gone():
    class Site(Controller):
        def build_events(self, handler):
            handler.on("said", print)
            handler.on_setup = handler.on_teardown = checkpoint

        async def on_start(self):
            await checkpoint()

        async def on_stop(self):
            await checkpoint()

    made = []

    async def scenario():
        registry.provide("socket_ingress", ingress := SocketIngress(), replace=True)
        made[:] = [ingress, site := Site("site")]
        async with site:
            await site.build_handler(None)
            await checkpoint()

    def check():
        registry.unregister("socket_ingress")
        ingress, site = made
        assert not site.running
        assert not ingress._subscribers.of("said")
        assert site._handler_instance is None

    assert await cancel_everywhere(scenario, check) > 5


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


class Everything(Service):
    """Owns one of everything."""

    async def on_start(self):
        self.model, self.cache = self.own(Model("m")), self.own(Cache("c", depends_on=["changed"]))
        self.store = self.own(Store("s", emit_events=True))
        registry.provide("everything", self, owner=self)
        self.queue = Squares("squares")
        await self.adopt(self.queue)
        self.queue.add_cleanup(checkpoint)
        self.watcher = self.own(Watcher("w", poll=self.look, interval=0.1))
        await self.watcher.start()
        self.process = await self.start_process(["sh", "-c", "echo a; exec sleep 60"], stdout=subprocess.PIPE)
        self.told = anyio.Event()
        self.process.watch_stream("stdout", self.hear)
        self.model.subscribe(self.note, selector="line", owner=self)
        self.interval(self.look, 0.01)
        await self.enter(anyio.create_task_group())

    async def look(self):
        return await self.cache.get_or_compute(checkpoint_and_one)

    async def hear(self, line):
        await self.queue.enqueue(line, block=True)
        self.model.set("line", line)

    async def note(self, line, model):
        await self.emit("changed", line)
        self.told.set()

    async def on_stop(self):
        await checkpoint()


class Squares(QueueService):
    async def handle_item(self, item):
        await checkpoint()


async def checkpoint_and_one():
    await checkpoint()
    return 1


async def test_everything_at_once_leaves_nothing():
    live = []

    async def scenario():
        live.append(service := Everything("everything"))
        async with service:
            await service.told.wait()
            await service.queue.join()

    def check():
        service = live[-1]
        assert not service.running and not service._ledger
        assert registry.list() == [] and bus.listener_count() == 0
        if hasattr(service, "process"):
            assert not alive(service.process.pid)
            assert not service.watcher.running and not service.queue.running
            assert service.cache._slot.computation is None
            assert service.queue.queue.unfinished == 0

    assert await cancel_everywhere(scenario, check) > 30


def check_empty(found):
    assert list(found) == []
