"""Starting a service: once, and in whose task and context."""

from contextvars import ContextVar

import anyio
import pytest
from anyio.lowlevel import checkpoint
from parts import Part

from specter import Runtime, Service


async def test_start_gives_the_service_itself(runtime):
    service = Service("a")

    assert await service.start() is service
    assert service.running


async def test_a_plain_hook_is_called(runtime):
    called = []

    class Plain(Service):
        def on_start(self):
            called.append(self.running)

    await Plain("a").start()

    assert called == [True]


async def test_an_async_hook_is_awaited(runtime):
    called = []

    class Slow(Service):
        async def on_start(self):
            await checkpoint()
            called.append(self.running)

    await Slow("a").start()

    assert called == [True]


async def test_the_hooks_of_the_base_class_need_no_await(runtime):
    class Careful(Service):
        async def on_start(self):
            assert super().on_start() is None

        async def on_stop(self):
            assert super().on_stop() is None

    async with Careful("a"):
        pass


async def test_a_second_start_does_nothing(runtime):
    part = Part("a")
    await part.start()
    await part.start()

    assert part.log == ["a starts"]


async def test_two_starts_at_once_run_the_hook_once_and_both_wait_for_it(runtime):
    gate = anyio.Event()
    part = Part("a", start=gate.wait)
    started = []

    async def start():
        await part.start()
        started.append(part.log[-1])

    async with anyio.create_task_group() as group:
        group.start_soon(start)
        group.start_soon(start)
        await anyio.wait_all_tasks_blocked()
        assert started == []
        gate.set()

    assert started == ["a starts", "a starts"]
    assert part.log == ["a starts"]


async def test_a_start_from_its_own_hook_returns_at_once(runtime):
    part = Part("a", start=lambda: part.start())

    await part.start()

    assert part.log == ["a starts"]


async def test_a_task_that_the_hook_starts_waits_for_the_end_of_the_start(runtime):
    log = []

    class Impatient(Service):
        async def on_start(self):
            self.spawn(self.work)
            await anyio.wait_all_tasks_blocked()
            log.append("hook ends")

        async def work(self):
            await self.start()
            log.append("started")

    async with Impatient("a"):
        await anyio.wait_all_tasks_blocked()

    assert log == ["hook ends", "started"]


async def test_two_services_that_start_each_other_do_not_wait_for_ever(runtime):
    class Friend(Service):
        other: Service

        async def on_start(self):
            await checkpoint()
            await self.other.start()

    one, two = Friend("one"), Friend("two")
    one.other, two.other = two, one
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(one.start)
            group.start_soon(two.start)

    assert one.running
    assert two.running


async def test_without_a_runtime_the_error_says_how_to_get_one():
    with pytest.raises(RuntimeError) as found:
        await Service("alone").start()

    message = str(found.value)
    assert "'alone'" in message
    assert "owner.adopt(service)" in message
    assert "async with service" in message
    assert "async with Runtime()" in message


async def test_a_service_that_could_not_start_for_want_of_a_runtime_can_start_later():
    service = Service("a")
    with pytest.raises(RuntimeError):
        await service.start()

    assert not service.running
    async with Runtime():
        await service.start()


async def test_a_service_that_could_not_be_stopped_is_not_started(runtime):
    service = Part("clock", log := [])
    service.stop_timeout = None
    with pytest.raises(TypeError, match="stop_timeout of service 'clock' must be a number of seconds, got None"):
        await service.start()

    assert (service.running, log) == (False, [])
    service.stop_timeout = 1
    await service.start()


async def test_a_subclass_that_overrides_start_is_asked_by_adopt(runtime):
    called = []

    class Own(Service):
        async def start(self):
            called.append("own")
            return await super().start()

    await (await Service("parent").start()).adopt(Own("child"))

    assert called == ["own"]


async def test_what_on_start_sets_in_the_context_is_seen_by_tasks(runtime):
    colour = ContextVar("colour", default="none")
    seen = []

    class Painter(Service):
        async def on_start(self):
            colour.set("red")

    painter = await Painter("a").start()
    await painter.spawn(lambda: seen.append(colour.get())).wait()

    assert seen == ["red"]
