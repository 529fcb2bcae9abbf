"""Caches that would wait for themselves, alone or in a circle, are an error."""

import asyncio

import anyio
import pytest
from anyio import from_thread, to_thread
from anyio.lowlevel import checkpoint
from computing import with_and_without_runtime

from specter import Cache


@with_and_without_runtime
async def test_a_factory_that_asks_its_own_cache_gets_an_error(around):
    cache = Cache("c")

    async def factory():
        return await cache.get_or_compute(factory)

    async with around():
        with anyio.fail_after(5), pytest.raises(RuntimeError, match=r"cache 'c' would wait for itself \(c -> c\)"):
            await cache.get_or_compute(factory)
        assert await cache.get_or_compute(lambda: 1) == 1


@with_and_without_runtime
@pytest.mark.parametrize("below", ["task group", "asyncio task", "worker thread", "after invalidating"])
async def test_so_does_what_runs_below_the_factory(around, below, anyio_backend_name):
    cache = Cache("c")
    raised = []

    async def ask():
        try:
            await cache.get_or_compute(lambda: 1)
        except RuntimeError as error:
            raised.append(error)

    async def factory():
        if below == "task group":
            async with anyio.create_task_group() as group:
                group.start_soon(ask)
        elif below == "worker thread":
            await to_thread.run_sync(from_thread.run, ask)
        elif below == "asyncio task" and anyio_backend_name == "asyncio":
            await asyncio.create_task(ask())
        else:
            cache.invalidate()
            await ask()
        return 2

    async with around():
        with anyio.fail_after(5):
            assert await cache.get_or_compute(factory) == 2

    assert len(raised) == 1


@with_and_without_runtime
async def test_caches_that_ask_each_other_get_an_error(around):
    first, second, third = Cache("first"), Cache("second"), Cache("third")

    async def ask_second():
        return await second.get_or_compute(ask_third)

    async def ask_third():
        return await third.get_or_compute(ask_first)

    async def ask_first():
        return await first.get_or_compute(ask_second)

    async with around():
        with anyio.fail_after(5), pytest.raises(RuntimeError, match="'first' would wait for itself"):
            await first.get_or_compute(ask_second)


@with_and_without_runtime
async def test_caches_whose_computations_began_apart_and_wait_for_each_other_get_an_error(around):
    first, second = Cache("first"), Cache("second")
    answers = []

    async def ask_second():
        await both.wait()
        return await second.get_or_compute(lambda: 1)

    async def ask_first():
        both.set()
        await checkpoint()
        return await first.get_or_compute(lambda: 1)

    async def ask(cache, factory):
        try:
            await cache.get_or_compute(factory)
        except RuntimeError as error:
            answers.append(str(error))

    async with around():
        both = anyio.Event()
        with anyio.fail_after(5):
            async with anyio.create_task_group() as group:
                group.start_soon(ask, first, ask_second)
                group.start_soon(ask, second, ask_first)

    assert len(answers) == 2
    assert all("would wait for itself (" in answer for answer in answers)


@with_and_without_runtime
async def test_a_cycle_through_a_computation_that_is_begun_within_another_is_an_error_too(around):
    outer, inner, other = Cache("outer"), Cache("inner"), Cache("other")
    answers = []

    async def ask_inner():
        return await inner.get_or_compute(ask_other)

    async def ask_other():
        waiting.set()
        return await other.get_or_compute(lambda: 1)

    async def ask_outer():
        begun.set()
        await waiting.wait()
        await checkpoint()
        return await outer.get_or_compute(lambda: 1)

    async def ask(cache, factory):
        try:
            await cache.get_or_compute(factory)
        except RuntimeError as error:
            answers.append(str(error))

    async with around():
        begun, waiting = anyio.Event(), anyio.Event()
        with anyio.fail_after(5):
            async with anyio.create_task_group() as group:
                group.start_soon(ask, other, ask_outer)
                await begun.wait()
                group.start_soon(ask, outer, ask_inner)

    assert len(answers) == 2


@with_and_without_runtime
async def test_a_factory_may_ask_another_cache_and_set_its_own(around):
    first, second = Cache("first"), Cache("second")

    async def factory():
        second.set(await first.get_or_compute(lambda: 1))
        return await second.get_or_compute(lambda: 5) + 1

    async with around():
        assert await second.get_or_compute(factory) == 2

    assert second.get() == 1
