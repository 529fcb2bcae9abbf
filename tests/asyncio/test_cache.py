"""Cache: one value, one computation for all who ask, in whatever thread or loop."""

import asyncio
import threading
import traceback

import anyio
import pytest
from anyio import to_thread
from anyio.lowlevel import checkpoint
from computing import Work, callers, with_and_without_runtime

from specter import Cache, ManagedProcess, Model, Runtime, Store, Watcher, bus, create_cache
from specter._waiter import Waiter
from specter.testing import eventually

# A slot.


def test_it_is_made_by_name_and_time_to_live():
    cache = create_cache("c", 5, ["a:changed"])

    assert (cache.name, cache.ttl, cache.get(), cache.get(7), cache.is_valid(), cache.updated_at) == (
        "c", 5.0, None, 7, False, 0.0,
    )  # fmt: skip
    assert repr(cache) == "<Cache 'c' valid=False ttl=5.0s>"
    assert Cache("c").ttl == 0.0


@pytest.mark.parametrize(("ttl", "error"), [(-1, ValueError), ("5", TypeError), (None, TypeError)], ids=repr)
async def test_a_wrong_time_to_live_is_refused(ttl, error):
    with pytest.raises(error, match="ttl must be"):
        Cache("c", ttl)
    if ttl is not None:
        with pytest.raises(error, match="ttl must be"):
            Cache("c").set(1, ttl)
        with pytest.raises(error, match="ttl must be"):
            await Cache("c").get_or_compute(lambda: 1, ttl)


def test_one_name_where_names_are_wanted_is_refused():
    with pytest.raises(TypeError, match=r"depends_on must be names of events, got 'a:b': write \['a:b'\]"):
        Cache("c", depends_on="a:b")
    assert bus.listener_count() == 0


@pytest.mark.parametrize("events", [["a", 3], ["a", ""]])
def test_what_is_no_name_of_an_event_is_refused_and_nothing_is_subscribed(events):
    with pytest.raises(TypeError, match=f"depends_on must be names of events, got {events[1]!r} among them"):
        Cache("a", depends_on=events)

    assert bus.listener_count() == 0


@pytest.mark.parametrize(
    "make",
    [Cache, Model, Store, ManagedProcess, lambda name: Watcher(name, poll=print)],
    ids=["cache", "model", "store", "process", "watcher"],
)
@pytest.mark.parametrize("name", [60, "", {"a": 1}], ids=repr)
def test_a_name_that_was_forgotten_is_missed_at_once(make, name):
    with pytest.raises(TypeError, match="the name of a .* must be a non-empty string, got"):
        make(name)


def test_a_value_is_kept_and_none_is_no_value():
    cache = Cache("c")
    cache.set(0)
    assert (cache.get(7), cache.is_valid()) == (0, True)

    cache.set(None)
    assert (cache.get(7), cache.is_valid()) == (7, False)


def test_a_value_expires(monkeypatch):
    cache = Cache("c", ttl=10)
    now = 100.0
    cache._clock = lambda: now
    cache.set("usual")
    assert cache.updated_at == 100.0
    now = 109.9
    assert cache.get() == "usual"
    now = 110.0
    assert (cache.get(), cache.is_valid(), cache.updated_at) == (None, False, 0.0)

    cache.set("long", ttl=0)
    now = 1e9
    assert cache.get() == "long"


# Computing.


@with_and_without_runtime
async def test_a_plain_and_a_coroutine_factory_compute_what_is_not_there(around):
    cache = Cache("c")

    async def factory():
        await checkpoint()
        return 2

    async with around():
        assert await cache.get_or_compute(lambda: 1) == 1
        assert await cache.get_or_compute(factory) == 1
        cache.invalidate()
        assert await cache.get_or_compute(factory) == 2
        cache.set(3)
        assert await cache.get_or_compute(factory) == 3


@with_and_without_runtime
async def test_many_callers_get_the_outcome_of_one_computation(around):
    cache, work = Cache("c"), Work()
    async with around():
        async with callers(cache, work, 50) as found:
            await work.begun_event(1).wait()
            work.told(1).set()

    assert [answers for _, answers in found] == [[1]] * 50
    assert work.begun == 1


@with_and_without_runtime
async def test_a_failure_is_raised_to_all_who_wait_and_not_kept(around, caplog):
    cache, work = Cache("c"), Work()
    work.error = LookupError("on purpose")
    async with around():
        async with callers(cache, work, 5) as found:
            await work.begun_event(1).wait()
            work.told(1).set()
        assert [answers for _, answers in found] == [[work.error]] * 5
        assert cache.get() is None
        assert await cache.get_or_compute(lambda: 2) == 2

    assert not caplog.records


@with_and_without_runtime
async def test_the_traceback_of_a_failure_does_not_grow_with_the_callers(around):
    async def lines(count):
        cache, work = Cache("c"), Work()
        work.error = LookupError("on purpose")
        async with around():
            async with callers(cache, work, count) as found:
                await work.begun_event(1).wait()
                work.told(1).set()
        (error,) = found[-1][1]
        return [frame.name for frame in traceback.extract_tb(error.__traceback__)]

    assert len(await lines(20)) <= len(await lines(2))
    assert "__call__" in await lines(3)


@with_and_without_runtime
async def test_none_is_returned_to_all_who_wait_and_not_kept(around):
    cache = Cache("c")
    calls = []

    async def factory():
        calls.append(1)
        await checkpoint()

    async with around():
        async with callers(cache, factory, 3) as found:
            pass
        assert [answers for _, answers in found] == [[None]] * 3
        assert len(calls) == 1
        await cache.get_or_compute(factory)

    assert len(calls) == 2


async def test_a_factory_that_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="a factory must be callable, got int"):
        await Cache("c").get_or_compute(7)


@with_and_without_runtime
async def test_a_computed_value_expires_by_the_time_to_live_of_the_call(around):
    cache = Cache("c", ttl=100)
    async with around():
        await cache.get_or_compute(lambda: 1, ttl=50)
        await checkpoint()
    _, updated_at, expires_at, _ = cache._slot.entry

    assert expires_at - updated_at == pytest.approx(50)


async def test_a_computation_is_known_by_name_to_the_runtime():
    cache, work = Cache("c"), Work()
    async with Runtime() as runtime:
        async with callers(cache, work):
            await work.begun_event(1).wait()
            assert [task.label for task in runtime.tasks()] == ["cache 'c'"]
            work.told(1).set()
        assert runtime.tasks() == []


# Threads and loops.


async def test_worker_threads_read_set_and_invalidate():
    cache, work = Cache("c", ttl=100), Work()
    here = threading.get_ident()
    heard = []
    cache.on_invalidate(lambda: heard.append(threading.get_ident()))
    async with Runtime():
        async with callers(cache, work) as found:
            await work.begun_event(1).wait()
            await to_thread.run_sync(cache.invalidate)
            await to_thread.run_sync(cache.set, "set")
            assert await to_thread.run_sync(cache.get) == "set"
            work.told(1).set()

    assert heard == [here]
    assert found[0][1] == [1]
    assert cache.get() == "set"


async def test_a_value_set_in_a_thread_goes_by_the_clock_of_the_loop():
    cache = Cache("c", ttl=100)
    await to_thread.run_sync(cache.set, 1)

    _, updated_at, _, clock = cache._slot.entry
    assert updated_at == pytest.approx(anyio.current_time(), abs=5)
    assert clock() == pytest.approx(anyio.current_time(), abs=5)


@pytest.mark.virtual_clock
async def test_a_value_expires_by_the_clock_of_the_loop():
    cache = Cache("c", ttl=3600)
    async with Runtime():
        await cache.get_or_compute(lambda: 1)
        await anyio.sleep(3599)
        assert cache.get() == 1
        assert cache.updated_at == pytest.approx(anyio.current_time() - 3599)
        await anyio.sleep(2)
        assert cache.get() is None


async def test_callers_on_another_loop_get_the_outcome_too():
    cache, work = Cache("c"), Work()
    asked = threading.Event()

    async def ask():
        asked.set()
        return await cache.get_or_compute(lambda: "other")

    async with Runtime():
        async with callers(cache, work) as found:
            await work.begun_event(1).wait()
            async with anyio.create_task_group() as group:
                answers = []

                async def ask_elsewhere():
                    answers.append(await to_thread.run_sync(lambda: asyncio.run(ask())))

                group.start_soon(ask_elsewhere)
                await to_thread.run_sync(asked.wait)
                await eventually(lambda: cache._slot.computation.callers == 2)
                found[0][0].cancel()
                await eventually(lambda: cache._slot.computation.callers == 1)
                work.told(1).set()

    assert answers == [1]


async def test_an_end_that_comes_just_before_a_caller_on_another_loop_waits_is_seen(monkeypatch):
    cache, work = Cache("c"), Work()
    here, about_to_wait, ended, answers = threading.get_ident(), threading.Event(), threading.Event(), []

    class Late(Waiter):
        __slots__ = ()

        def __init__(self):
            super().__init__()
            if threading.get_ident() != here:
                about_to_wait.set()
                assert ended.wait(5)

    async def ask():
        with anyio.fail_after(5):
            return await cache.get_or_compute(lambda: "other")

    async def ask_elsewhere():
        answers.append(await to_thread.run_sync(lambda: asyncio.run(ask())))

    monkeypatch.setattr("specter.cache.Waiter", Late)
    async with Runtime(), callers(cache, work), anyio.create_task_group() as group:
        await work.begun_event(1).wait()
        group.start_soon(ask_elsewhere)
        await to_thread.run_sync(about_to_wait.wait)
        work.told(1).set()
        await eventually(lambda: cache._slot.computation is None)
        ended.set()

    assert answers == [1]
