"""Invalidation of a cache: by hand, by events and by threads, and what depends on it."""

import anyio
import pytest
from anyio import to_thread
from anyio.lowlevel import checkpoint
from computing import Work, callers, with_and_without_runtime

from specter import Cache, Runtime, Service, bus


def test_invalidating_forgets_calls_back_and_emits():
    cache = Cache("c")
    cache.set(1)
    heard = []
    unsubscribe = cache.on_invalidate(lambda: heard.append(("callback", cache.get())))
    bus.on("c:invalidated", lambda data: heard.append(("bus", data)))

    cache.invalidate()
    unsubscribe()
    unsubscribe()
    cache.invalidate()

    assert heard == [("callback", None), ("bus", None), ("bus", None)]


def test_an_error_in_a_callback_is_logged_and_the_rest_goes_on(caplog):
    cache = Cache("c")
    heard = []

    def fails():
        raise LookupError

    cache.on_invalidate(fails)
    cache.on_invalidate(lambda: heard.append(1))
    cache.invalidate()

    assert heard == [1]
    assert "fails" in caplog.text


def test_a_callback_that_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="a callback must be callable, got int"):
        Cache("c").on_invalidate(3)


async def test_coroutine_callbacks_run_in_the_runtime():
    cache = Cache("c")
    async with Runtime():
        came = anyio.Event()

        async def callback():
            came.set()

        cache.on_invalidate(callback)
        cache.invalidate()
        with anyio.fail_after(5):
            await came.wait()


@with_and_without_runtime
async def test_a_computation_that_was_invalidated_gives_its_value_to_its_callers_and_is_not_kept(around):
    cache, work = Cache("c"), Work()
    async with around():
        async with callers(cache, work, 2) as old:
            await work.begun_event(1).wait()
            cache.invalidate()
            async with callers(cache, work, 2) as new:
                await checkpoint()
                work.told(1).set()
                await work.begun_event(2).wait()
                work.told(2).set()

    assert [answers for _, answers in old] == [[1], [1]]
    assert [answers for _, answers in new] == [[2], [2]]
    assert cache.get() == 2


@with_and_without_runtime
async def test_a_value_that_was_set_meanwhile_is_not_replaced(around):
    cache, work = Cache("c"), Work()
    async with around():
        async with callers(cache, work) as found:
            await work.begun_event(1).wait()
            cache.set("set")
            assert await cache.get_or_compute(work) == "set"
            work.told(1).set()

    assert found[0][1] == [1]
    assert cache.get() == "set"


def test_caches_that_depend_on_an_event_follow_it():
    first = Cache("first", depends_on=["media:changed"])
    second = Cache("second", depends_on=("first:invalidated", "other"))
    first.set(1)
    second.set(2)
    bus.emit_nowait("media:changed", {"id": 1})
    assert (first.get(), second.get()) == (None, None)

    second.set(2)
    bus.emit_nowait("other")
    assert second.get() is None


@pytest.mark.parametrize("start", range(3))
def test_a_cycle_of_dependencies_invalidates_each_once(start):
    names = ["a", "b", "c"]
    caches = [Cache(name, depends_on=[f"{names[i - 1]}:invalidated"]) for i, name in enumerate(names)]
    heard = []
    for cache in caches:
        cache.set(1)
        cache.on_invalidate(lambda cache=cache: heard.append(cache.name))

    caches[start].invalidate()

    assert sorted(heard) == names
    assert heard[0] == names[start]
    assert not any(cache.is_valid() for cache in caches)


async def test_a_cycle_of_dependencies_from_a_worker_thread_invalidates_each_once():
    first, second = Cache("a", depends_on=["b:invalidated"]), Cache("b", depends_on=["a:invalidated"])
    heard = []
    first.on_invalidate(lambda: heard.append("a"))
    second.on_invalidate(lambda: heard.append("b"))

    await to_thread.run_sync(first.invalidate)

    assert heard == ["a", "b"]


async def test_what_was_begun_within_an_invalidation_invalidates_later():
    cache = Cache("a", depends_on=["data:changed"])
    over = anyio.Event()

    async def change():
        await over.wait()
        bus.emit_nowait("data:changed")

    async with anyio.create_task_group() as group:
        cache.on_invalidate(lambda: group.start_soon(change) if not over.is_set() else None)
        cache.invalidate()
        cache.set("new")
        over.set()

    assert not cache.is_valid()


def test_a_callback_may_set_the_cache_anew_within_a_cycle():
    first, second = Cache("a", depends_on=["b:invalidated"]), Cache("b", depends_on=["a:invalidated"])
    first.on_invalidate(lambda: first.set("new"))

    first.invalidate()

    assert first.get() == "new"
    assert second.get() is None


def test_destroy_forgets_value_callbacks_and_dependencies():
    cache = Cache("c", depends_on=["a"])
    heard = []
    unsubscribe = cache.on_invalidate(lambda: heard.append(1))
    cache.set(1)
    cache.destroy()
    cache.destroy()
    unsubscribe()
    assert cache.get() is None
    assert bus.listener_count() == 0

    cache.set(2)
    bus.emit_nowait("a")
    cache.invalidate()
    assert heard == []


async def test_a_service_owns_a_cache():
    cache = Cache("c", depends_on=["a"])
    async with Runtime(), Service("owner") as owner:
        owner.own(cache)
        assert bus.has_listeners("a")

    assert not bus.has_listeners("a")
