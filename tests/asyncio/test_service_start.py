"""Starting a service: once, whole, or not at all."""

import logging
from contextvars import ContextVar

import anyio
import pytest
from anyio.lowlevel import checkpoint
from parts import Part

from specter import Runtime, Service
from specter.testing import cancel_everywhere


def errors(caplog):
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


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


@pytest.mark.parametrize("slow", [False, True], ids=["plain", "async"])
async def test_a_failing_hook_releases_what_was_acquired(runtime, caplog, slow):
    async def fail_later():
        await anyio.wait_all_tasks_blocked()
        raise ValueError("no good")

    def fail():
        raise ValueError("no good")

    part = Part("a", start=fail_later if slow else fail)
    with pytest.raises(ValueError, match="no good"):
        await part.start()

    assert part.is_clean()
    assert part.log == ["a starts", "a task ends", "a cleans up"] if slow else ["a starts", "a cleans up"]
    assert [record.message for record in errors(caplog)] == ["service 'a' failed to start"]
    assert errors(caplog)[0].exc_info is not None


async def test_on_stop_is_not_called_after_a_start_that_failed(runtime):
    class Failing(Service):
        def on_start(self):
            raise ValueError

        def on_stop(self):
            raise AssertionError

    with pytest.raises(ValueError):
        await Failing("a").start()


async def test_a_failed_service_can_be_started_again(runtime):
    outcomes = [ValueError("first"), None]

    def fail_once():
        if error := outcomes.pop(0):
            raise error

    part = Part("a", start=fail_once)
    with pytest.raises(ValueError):
        await part.start()
    await part.start()

    assert part.running
    await part.stop()
    assert part.is_clean()


async def test_the_error_of_a_start_is_the_hook_s_own(runtime):
    error = ValueError("no good")

    def fail():
        raise error

    with pytest.raises(ValueError) as found:
        await Part("a", start=fail).start()

    assert found.value is error
    assert error.__context__ is None
    assert error.__cause__ is None


async def test_the_traceback_of_a_nested_failure_is_logged_once(runtime, caplog):
    def fail():
        raise ValueError("no good")

    inner = Part("inner", start=fail)
    outer = Part("outer", start=lambda: outer.adopt(inner))
    with pytest.raises(ValueError):
        await outer.start()

    assert [(record.message, bool(record.exc_info)) for record in errors(caplog)] == [
        ("service 'inner' failed to start", True),
        ("service 'outer' failed to start: no good", False),
    ]


async def test_a_second_starter_starts_anew_when_the_first_is_cancelled(runtime):
    gates = [anyio.Event(), anyio.Event()]
    runs = []

    class Slow(Service):
        async def on_start(self):
            runs.append(len(runs))
            await gates[runs[-1]].wait()

    service = Slow("a")
    scope = anyio.CancelScope()

    async def cancelled():
        with scope:
            await service.start()

    async with anyio.create_task_group() as group:
        group.start_soon(cancelled)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(service.start)
        await anyio.wait_all_tasks_blocked()
        scope.cancel()
        await anyio.wait_all_tasks_blocked()
        gates[1].set()

    assert runs == [0, 1]
    assert service.running


async def test_a_start_cancelled_at_any_wait_leaves_nothing(runtime):
    parts = []

    async def scenario():
        part = Part("a", start=checkpoint)
        parts.append(part)
        await part.start()
        await part.stop()

    def check():
        assert parts[-1].is_clean()

    assert await cancel_everywhere(scenario, check) > 5


async def test_a_cancelled_start_is_no_error(runtime, caplog):
    part = Part("a", start=anyio.sleep_forever)
    with anyio.move_on_after(0.01):
        await part.start()

    assert part.is_clean()
    assert errors(caplog) == []


async def test_a_cancelled_start_awaits_its_cleanups(runtime):
    done = []

    async def clean_up():
        await anyio.sleep(0.01)
        done.append(True)

    part = Part("a", start=anyio.sleep_forever)
    part.add_cleanup(clean_up)
    with anyio.move_on_after(0.01):
        await part.start()

    assert done == [True]


async def test_a_stop_ends_a_start(runtime):
    part = Part("a", start=anyio.sleep_forever)
    raised = []

    async def start():
        with pytest.raises(RuntimeError, match="'a' was stopped while it started") as found:
            await part.start()
        raised.append(found.value)

    async with anyio.create_task_group() as group:
        group.start_soon(start)
        await anyio.wait_all_tasks_blocked()
        await part.stop()
        assert part.is_clean()

    assert len(raised) == 1


async def test_a_stop_of_a_start_that_swallows_it_still_ends_it(runtime):
    class Stubborn(Part):
        async def on_start(self):
            await super().on_start()
            try:
                await anyio.sleep_forever()
            except BaseException:  # noqa: B036 - the slip that this is about
                self.note("swallowed")

    part = Stubborn("a")
    async with anyio.create_task_group() as group:

        async def start():
            with pytest.raises(RuntimeError, match="was stopped while it started"):
                await part.start()

        group.start_soon(start)
        await anyio.wait_all_tasks_blocked()
        await part.stop()

    assert part.is_clean()
    assert "a swallowed" in part.log


async def test_a_stop_from_the_start_hook_itself_ends_the_start(runtime):
    part = Part("a", start=lambda: part.stop())

    with anyio.fail_after(5), pytest.raises(RuntimeError, match="was stopped while it started"):
        await part.start()

    assert part.is_clean()


async def test_a_stop_from_a_task_that_the_start_hook_waits_for_ends_the_start(runtime):
    part = Part("a", start=lambda: part.spawn(part.stop).wait())

    with anyio.fail_after(5), pytest.raises(RuntimeError, match="was stopped while it started"):
        await part.start()

    assert part.is_clean()


async def test_a_service_cannot_be_started_by_its_own_stop(runtime, caplog):
    part = Part("a", stop=lambda: part.start())
    await part.start()
    await part.stop()

    assert "cannot be started by its own stop" in caplog.text
    assert part.is_clean()


async def test_a_start_during_a_stop_waits_for_it_and_starts_again(runtime):
    gate = anyio.Event()
    part = Part("a", stop=gate.wait)
    await part.start()
    async with anyio.create_task_group() as group:
        group.start_soon(part.stop)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(part.start)
        await anyio.wait_all_tasks_blocked()
        assert part.log == ["a starts", "a stops"]
        gate.set()

    assert part.running
    assert part.log == ["a starts", "a stops", "a task ends", "a cleans up", "a starts"]


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
