"""Cancelled at every checkpoint: services that several start, stop, adopt and are adopted by, with what they own."""

import anyio
import pytest
from anyio.lowlevel import checkpoint

from specter import Cache, Controller, Runtime, Service, SocketIngress, Watcher, bus, registry
from specter.testing import cancel_everywhere


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    assert bus.listener_count() == 0
    assert registry.list() == []


class Part(Service):
    """Has one of each, and waits in its hooks and in its cleanup."""

    def __init__(self, name="part", *, child=None, fails=False):
        super().__init__(name)
        self.child = child
        self.fails = fails

    async def on_start(self):
        await checkpoint()
        self.add_cleanup(checkpoint)
        await self.adopt(self.child)
        self.spawn(anyio.sleep_forever)
        self.listen("event", print)
        self.interval(checkpoint, 60)
        await checkpoint()
        if self.fails:
            raise LookupError("on purpose")

    async def on_stop(self):
        await checkpoint()


def check_clean(*services):
    assert not any(service.running or service._ledger for service in services)


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


async def test_a_service_that_is_started_again_is_clean_after_each_stop():
    parts = []

    async def scenario():
        parts[:] = [part := Part(child=Part("child")), part.child]
        async with Runtime():
            for _ in range(2):
                await part.start()
                await part.stop()

    assert await cancel_everywhere(scenario, lambda: check_clean(*parts)) > 20


async def test_a_start_that_fails_leaves_neither_it_nor_its_child():
    parts = []

    async def scenario():
        parts[:] = [part := Part(child=Part("child"), fails=True), part.child]
        async with Runtime():
            with pytest.raises(LookupError):
                await part.start()

    assert await cancel_everywhere(scenario, lambda: check_clean(*parts)) > 10


async def test_a_child_is_adopted_by_another_while_its_owner_stops():
    parts = []

    async def scenario():
        parts[:] = first, second, child = Part("first"), Part("second"), Part("child")
        async with Runtime():
            await first.start()
            await second.start()
            await first.adopt(child)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(second.adopt, child)
                tasks.start_soon(first.stop)
            await second.stop()

    assert await cancel_everywhere(scenario, lambda: check_clean(*parts)) > 20


async def test_a_task_that_stops_its_own_service():
    parts = []

    async def scenario():
        parts[:] = [part := Part()]

        async def stop():
            await checkpoint()
            await part.stop()

        async with part:
            await part.spawn(stop).wait()

    assert await cancel_everywhere(scenario, lambda: check_clean(*parts)) > 10


async def test_a_watcher_with_a_thread_is_restarted():
    watchers = []

    async def scenario():
        watchers[:] = [watcher := Watcher("w", poll=lambda: 1, interval=0.1, threaded=True)]
        async with Service("owner") as owner:
            owner.own(watcher)
            told = anyio.Event()
            watcher.subscribe(lambda value, of: told.set())
            await watcher.start()
            await told.wait()
            await watcher.stop()
            await watcher.start()

    def check():
        assert not watchers[0].running

    assert await cancel_everywhere(scenario, check) > 10


async def test_a_cache_that_asks_another_and_is_invalidated_by_it():
    caches, running = [], []

    async def factory():
        running.append(1)
        try:
            await checkpoint()
            await anyio.sleep(0.001)
        finally:
            running.pop()
        return 1

    async def scenario():
        caches[:] = first, second = Cache("first"), Cache("second", depends_on=["first:invalidated"])

        async def ask():
            return 1 + await first.get_or_compute(factory)

        async with Runtime():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(second.get_or_compute, ask)
                tasks.start_soon(first.get_or_compute, factory)
                await checkpoint()
                first.invalidate()
            assert await second.get_or_compute(ask) == 2

    async def check():
        assert running == []
        for cache in caches:
            assert cache._slot.computation is None
            cache.destroy()

    assert await cancel_everywhere(scenario, check) > 10
