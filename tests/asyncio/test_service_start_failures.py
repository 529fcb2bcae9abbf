"""Starts of a service that fail, are cancelled or stopped: nothing is left, and it can be started again."""

import logging

import anyio
import pytest
from anyio.lowlevel import checkpoint
from parts import Part

from specter import Service
from specter.testing import cancel_everywhere


def errors(caplog):
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


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
