"""Cache: one computation, whoever is cancelled; invalidation by event and from threads; the clock."""

import asyncio
import threading
import traceback
from contextlib import asynccontextmanager, nullcontext

import anyio
import pytest
from anyio import from_thread, to_thread
from anyio.lowlevel import checkpoint

from specter import Cache, ManagedProcess, Model, Runtime, Service, Store, Watcher, bus, create_cache
from specter._waiter import Waiter
from specter.testing import cancel_everywhere, eventually


@pytest.fixture(autouse=True)
def empty_bus():
    yield
    bus.clear()


with_and_without_runtime = pytest.mark.parametrize("around", [Runtime, nullcontext], ids=["runtime", "none"])


class Work:
    """A factory whose computations end when they are told to."""

    def __init__(self):
        self.begun = 0
        self.running = 0
        self.cancelled = 0
        self._begun = {}
        self._told = {}

    async def __call__(self):
        self.begun += 1
        number = self.begun
        self.running += 1
        assert self.running == 1, "two computations at once"
        self.begun_event(number).set()
        try:
            await self.told(number).wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if self.error is not None:
            raise self.error
        return number

    error = None

    def begun_event(self, number):
        return self._begun.setdefault(number, anyio.Event())

    def told(self, number):
        return self._told.setdefault(number, anyio.Event())


@asynccontextmanager
async def callers(cache, factory, count=1):
    """That many callers wait; gives `[(scope, answers)]`, where an answer is a value or an exception."""

    async def ask(scope, answers):
        with scope:
            try:
                answers.append(await cache.get_or_compute(factory))
            except Exception as error:
                answers.append(error)

    found = [(anyio.CancelScope(), []) for _ in range(count)]
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for scope, answers in found:
                group.start_soon(ask, scope, answers)
            yield found


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


# Cancellation.


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


# Asking for oneself.


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


# Invalidation.


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
