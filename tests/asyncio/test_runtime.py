"""The runtime: who opens and closes it, and where it is seen."""

import asyncio
import contextvars
import gc
import weakref

import anyio
import pytest
from anyio import to_thread
from anyio.lowlevel import checkpoint
from logged import errors
from loops import asyncio_only
from parts import Part, forever

from specter import Runtime, Service
from specter.testing import cancel_everywhere

# Blocks.


async def test_leaving_the_block_stops_what_runs_last_started_first():
    log = []
    async with Runtime():
        for name in "abc":
            service = Service(name)
            service.on_stop = lambda name=name: log.append(name)
            await service.start()

    assert log == ["c", "b", "a"]


async def test_an_error_that_leaves_the_block_is_the_error_itself():
    error = ValueError("no good")
    with pytest.raises(ValueError) as found:
        async with Runtime(), Service("svc"):
            raise error

    assert found.value is error
    assert error.__context__ is None
    assert error.__cause__ is None


async def test_an_error_that_leaves_nested_blocks_is_the_error_itself():
    error = KeyError("no good")
    with pytest.raises(KeyError) as found:
        async with Runtime("outer"):
            async with Runtime("inner"):
                raise error

    assert found.value is error
    assert error.__context__ is None


async def test_a_cancelled_block_is_torn_down_before_the_cancellation_leaves_it():
    log = []
    with anyio.CancelScope() as scope:
        try:
            async with Runtime():
                part = Part("a", log, stop=lambda: anyio.sleep(0.01))
                await part.start()
                await anyio.wait_all_tasks_blocked()
                scope.cancel()
                await anyio.sleep_forever()
        finally:
            log.append("left")

    assert log == ["a starts", "a stops", "a task ends", "a cleans up", "left"]


async def test_a_block_cancelled_at_any_wait_leaves_nothing():
    parts = []

    async def scenario():
        async with Runtime():
            parts.append(Part("a", start=checkpoint, stop=checkpoint))
            await parts[-1].start()
            await checkpoint()

    def check():
        assert parts[-1].is_clean()
        assert Runtime.current() is None

    assert await cancel_everywhere(scenario, check) > 10


@asyncio_only
async def test_a_block_cancelled_natively_is_torn_down_whole():
    log = []

    async def main():
        async with Runtime():
            part = Part("a", log, stop=lambda: anyio.sleep(0.05))
            await part.start()
            await anyio.sleep_forever()

    task = asyncio.create_task(main())
    await anyio.wait_all_tasks_blocked()
    for _ in range(3):
        task.cancel()
        await anyio.sleep(0.01)
    with pytest.raises(asyncio.CancelledError):
        await task

    assert log == ["a starts", "a stops", "a task ends", "a cleans up"]


async def test_a_runtime_cannot_be_opened_twice_at_once():
    async with Runtime("mine") as runtime:
        with pytest.raises(RuntimeError, match="runtime 'mine' is open already"):
            async with runtime:
                raise AssertionError
        assert Runtime.current() is runtime


async def test_a_runtime_can_be_opened_again():
    runtime = Runtime()
    for _ in range(2):
        async with runtime, Service("svc") as service:
            assert await service.spawn(lambda: 1).wait() == 1

    assert Runtime.current() is None


async def test_a_runtime_shows_its_name_and_whether_it_is_open():
    async with Runtime("mine") as runtime:
        assert repr(runtime) == "<Runtime 'mine' open>"

    assert repr(runtime) == "<Runtime 'mine'>"


async def test_a_closed_runtime_starts_nothing():
    async with Runtime("mine") as runtime:
        pass
    with pytest.raises(RuntimeError, match="cannot start a task in runtime 'mine': it is closed"):
        runtime.start_task(forever)


async def test_no_service_starts_in_a_runtime_that_is_being_closed(caplog):
    late = Service("late")
    async with Runtime():
        service = await Service("svc").start()
        service.on_stop = late.start

    assert not late.running
    assert "'late' cannot start: runtime 'specter' is being closed" in caplog.text


async def test_a_service_whose_stop_fails_does_not_keep_the_others(caplog):
    class Broken(Service):
        async def stop(self):
            raise ValueError("no good")

    part = Part("a")
    async with Runtime():
        await part.start()
        await Broken("b").start()

    assert part.is_clean()
    assert "stop of service 'b' failed" in errors(caplog)


# Who opens and who closes.


@asyncio_only
async def test_one_task_can_open_and_another_close():
    runtime, log = Runtime(), []

    async def open_it():
        await runtime.__aenter__()
        await Part("a", log).start()

    async def close_it():
        await runtime.__aexit__(None, None, None)

    await asyncio.create_task(open_it())
    await asyncio.create_task(close_it())

    assert log[0] == "a starts"
    assert log[-1] == "a cleans up"


@asyncio_only
async def test_a_task_that_opened_it_and_ended_takes_nothing_with_it():
    runtime = Runtime()

    async def open_it():
        await runtime.__aenter__()
        await Service("svc").start()

    await asyncio.create_task(open_it())
    await checkpoint()
    (service,) = runtime._services.values()
    assert await service.spawn(lambda: 1).wait() == 1
    await runtime.__aexit__(None, None, None)

    assert not service.running


@asyncio_only
async def test_a_service_can_close_the_runtime_it_runs_in():
    runtime = Runtime()
    await runtime.__aenter__()
    service = await Service("svc").start()
    task = service.spawn(runtime.__aexit__, None, None, None)
    with anyio.fail_after(5):
        await task.wait()
        await runtime._left.wait()

    assert not service.running
    assert runtime.abandoned == []


async def test_a_runtime_within_a_task_of_a_service_closes_before_the_task_ends():
    log = []

    async def work():
        async with Runtime("inner"):
            await Part("inner", log).start()
            await anyio.sleep_forever()

    async with Runtime(), Service("svc") as service:
        service.spawn(work)
        await anyio.wait_all_tasks_blocked()

    assert log == ["inner starts", "inner stops", "inner task ends", "inner cleans up"]


# current.


async def test_current_is_the_innermost():
    assert Runtime.current() is None
    async with Runtime("outer") as outer:
        assert Runtime.current() is outer
        async with Runtime("inner") as inner:
            assert Runtime.current() is inner
        assert Runtime.current() is outer
    assert Runtime.current() is None


async def test_current_is_seen_by_tasks_that_the_block_starts_and_by_worker_threads():
    seen = []

    async def look():
        seen.append(Runtime.current())

    async with Runtime() as runtime:
        async with anyio.create_task_group() as group:
            group.start_soon(look)
        seen.append(await to_thread.run_sync(Runtime.current))

    assert seen == [runtime, runtime]


async def test_a_task_that_outlives_its_runtime_sees_the_one_around():
    seen, closed = [], anyio.Event()

    async def look():
        await closed.wait()
        seen.append(Runtime.current())

    async with anyio.create_task_group() as group, Runtime("outer") as outer:
        async with Runtime("inner"):
            group.start_soon(look)
        closed.set()
        await anyio.wait_all_tasks_blocked()

    assert seen == [outer]


async def test_nobody_sees_the_runtime_of_another_event_loop():
    seen = []

    async def look():
        seen.append(Runtime.current())

    async with Runtime():
        await to_thread.run_sync(anyio.run, look)

    assert seen == [None]


@asyncio_only
async def test_a_runtime_that_serves_its_loop_is_seen_from_any_context():
    async with Runtime() as runtime:
        runtime._serve_loop()
        seen = contextvars.Context().run(Runtime.current)

    assert seen is runtime
    assert contextvars.Context().run(Runtime.current) is None


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_it_runs_on_the_event_loop_that_the_tests_are_run_for(request):
    async with Runtime() as runtime:
        assert type(runtime._loop.native).__module__.startswith("uvloop") == request.config.getoption("--uvloop")


async def test_a_runtime_that_was_left_is_free_to_go():
    runtime = Runtime()
    async with runtime, Service("svc"):
        pass
    reference = weakref.ref(runtime)
    del runtime
    gc.collect()

    assert reference() is None


def test_event_loops_that_have_ended_are_forgotten(anyio_backend):
    loops = []

    async def main():
        async with Service("s") as service:
            service.spawn(anyio.sleep_forever)
            loops.append(weakref.ref(anyio.lowlevel.current_token().native_token))

    for _ in range(4):
        anyio.run(main, backend=anyio_backend)
    gc.collect()

    assert [loop() for loop in loops[:-1]] == [None] * 3
