"""Computations of a cache, when callers, the runtime or the computation itself are cancelled."""

import asyncio

import anyio
import pytest
from anyio.lowlevel import checkpoint
from computing import Work, callers, with_and_without_runtime

from specter import Cache, Runtime
from specter.testing import cancel_everywhere, eventually


async def test_a_caller_that_is_cancelled_leaves_without_failing_the_others():
    cache, work = Cache("c"), Work()
    async with Runtime():
        async with callers(cache, work, 3) as found:
            await work.begun_event(1).wait()
            found[0][0].cancel()
            await eventually(lambda: cache._slot.computation.callers == 2)
            work.told(1).set()

    assert [answers for _, answers in found] == [[], [1], [1]]
    assert (work.begun, work.cancelled, cache.get()) == (1, 0, 1)


async def test_the_last_caller_that_leaves_ends_the_computation():
    cache, work = Cache("c"), Work()
    async with Runtime():
        async with callers(cache, work, 3) as found:
            await work.begun_event(1).wait()
            for scope, _ in found:
                scope.cancel()
        await eventually(lambda: work.cancelled)
        await eventually(lambda: cache._slot.computation is None)
        assert await cache.get_or_compute(lambda: 2) == 2

    assert [answers for _, answers in found] == [[], [], []]


async def test_a_caller_that_is_cancelled_at_once_leaves_nothing():
    cache, work = Cache("c"), Work()
    async with Runtime() as runtime:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await cache.get_or_compute(work)
        await eventually(lambda: not runtime.tasks())
        assert work.begun == work.cancelled
        assert cache._slot.computation is None
        assert await cache.get_or_compute(lambda: 2) == 2


async def test_who_comes_while_an_unwanted_computation_ends_waits_for_that_and_computes_anew():
    cache = Cache("c")
    order = []

    async def unwanted():
        began.set()
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                ending.set()
                await end.wait()
            order.append("ended")

    async def wanted():
        order.append("begun")
        return 2

    async with Runtime():
        began, ending, end = anyio.Event(), anyio.Event(), anyio.Event()
        async with callers(cache, unwanted) as first:
            await began.wait()
            first[0][0].cancel()
        await ending.wait()
        async with callers(cache, wanted) as second:
            await checkpoint()
            assert order == []
            end.set()

    assert order == ["ended", "begun"]
    assert second[0][1] == [2]


async def test_who_waits_for_the_end_of_an_unwanted_computation_may_be_cancelled():
    cache, work = Cache("c"), Work()
    async with Runtime():
        async with callers(cache, work) as found:
            await work.begun_event(1).wait()
            cache.invalidate()
            with anyio.move_on_after(0):
                await cache.get_or_compute(lambda: 2)
            work.told(1).set()
        assert found[0][1] == [1]
        assert await cache.get_or_compute(lambda: 3) == 3


async def test_without_a_runtime_the_next_computes_anew_when_the_one_that_computes_is_cancelled():
    cache, work = Cache("c"), Work()
    async with callers(cache, work) as first:
        await work.begun_event(1).wait()
        async with callers(cache, work, 2) as others:
            await eventually(lambda: cache._slot.computation.callers == 3)
            first[0][0].cancel()
            await work.begun_event(2).wait()
            work.told(2).set()

    assert [answers for _, answers in first + others] == [[], [2], [2]]
    assert work.cancelled == 1


async def test_a_runtime_that_closes_ends_the_computation_and_tells_those_who_wait():
    cache, work = Cache("c"), Work()
    async with anyio.create_task_group() as outer:
        async with Runtime() as runtime:
            answers = []

            async def ask():
                try:
                    await cache.get_or_compute(work)
                except RuntimeError as error:
                    answers.append(str(error))

            outer.start_soon(ask)
            await work.begun_event(1).wait()
            assert len(runtime.tasks()) == 1

    assert answers == ["the computation of cache 'c' was cancelled"]
    assert work.cancelled == 1
    assert cache._slot.computation is None


async def test_a_computation_that_was_cancelled_before_it_began_tells_those_who_wait(monkeypatch):
    cache, work = Cache("c"), Work()
    async with Runtime() as runtime:
        start_task = runtime.start_task

        def cancelled(*args, **options):
            task = start_task(*args, **options)
            task.cancel()
            return task

        monkeypatch.setattr(runtime, "start_task", cancelled)
        with anyio.fail_after(5), pytest.raises(RuntimeError, match="the computation of cache 'c' was cancelled"):
            await cache.get_or_compute(work)

    assert work.begun == 0
    assert cache._slot.computation is None


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_factory_that_raises_a_cancellation_of_its_own_is_no_value():
    async def factory():
        raise asyncio.CancelledError

    async with Runtime():
        with pytest.raises(RuntimeError, match="the computation of cache 'c' was cancelled"):
            await Cache("c").get_or_compute(factory)


@with_and_without_runtime
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_what_is_no_exception_but_an_error_reaches_all_who_wait(around):
    class Stop(BaseException):
        """Like the one by which pytest fails a test."""

    async def factory():
        raise Stop

    with pytest.raises(BaseException) as raised:
        async with around():
            with pytest.raises(Stop):
                await Cache("c").get_or_compute(factory)
            raise Stop
    assert isinstance(raised.value, Stop)


@with_and_without_runtime
async def test_cancelled_at_every_checkpoint_nothing_is_left_and_the_next_caller_computes(around):
    state = {}

    async def scenario():
        state["cache"], state["running"] = Cache("c"), 0

        async def factory():
            state["running"] += 1
            assert state["running"] == 1
            try:
                await checkpoint()
                await anyio.sleep(0.001)
            finally:
                state["running"] -= 1
            return 1

        async def ask():
            assert await state["cache"].get_or_compute(factory) == 1

        async with around():
            async with anyio.create_task_group() as group:
                for _ in range(3):
                    group.start_soon(ask)
            state["cache"].invalidate()
            await ask()

    async def check():
        cache = state["cache"]
        assert cache._slot.computation is None
        assert state["running"] == 0
        assert await cache.get_or_compute(lambda: 1) == 1

    assert await cancel_everywhere(scenario, check) > 4
