"""
Cancelled at every checkpoint: what tells others, what only waits, and everything at once.

The primitives with a life of their own (service, runtime, queue, watcher, process, cache, handler, manager) have such
tests in their own files, and beside this one.
"""

import subprocess

import anyio
import pytest
from anyio.lowlevel import checkpoint
from children import alive

from specter import (
    Cache,
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
from specter.testing import cancel_everywhere


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
