"""The bus: who hears what, in which order, and who waits."""

import asyncio
import gc
import logging
import sys
from contextvars import ContextVar

import anyio
import pytest
from anyio.lowlevel import checkpoint

from specter import EventBus, Runtime, Service, bus
from specter.testing import cancel_everywhere

asyncio_only = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@pytest.fixture
def events():
    return EventBus()


@pytest.fixture(autouse=True)
def empty_bus():
    yield
    bus.clear()


def errors(caplog):
    return [record.message for record in caplog.records if record.levelno >= logging.ERROR]


# Subscribing.


async def test_a_listener_hears_the_data(events):
    heard = []
    events.on("event", heard.append)
    await events.emit("event", 1)
    events.emit_nowait("event", 2)
    await events.emit("event")
    await events.emit("other", 3)

    assert heard == [1, 2, None]


async def test_listeners_hear_in_the_order_of_subscription(events):
    heard = []
    for number in range(5):
        events.on("event", lambda data, number=number: heard.append(number))
    events.emit_nowait("event")

    assert heard == [0, 1, 2, 3, 4]


async def test_a_function_subscribed_twice_is_called_once_until_both_have_ended(events):
    heard = []
    first, second = events.on("event", heard.append), events.on("event", heard.append)
    events.emit_nowait("event", 1)
    first()
    first()
    events.emit_nowait("event", 2)
    second()
    events.emit_nowait("event", 3)

    assert heard == [1, 2]


async def test_bound_methods_of_one_object_are_one_function(events):
    class Hearing:
        def __init__(self):
            self.heard = []

        def hear(self, data):
            self.heard.append(data)

    one, two = Hearing(), Hearing()
    for hearing in (one, one, two):
        events.on("event", hearing.hear)
    events.emit_nowait("event", 1)
    events.off("event", one.hear)
    events.emit_nowait("event", 2)

    assert (one.heard, two.heard) == ([1], [1, 2])


async def test_off_ends_all_subscriptions_of_a_function(events):
    heard = []
    unsubscribe = events.on("event", heard.append)
    events.once("event", heard.append)
    events.off("event", heard.append)
    events.off("event", heard.append)
    events.off("unknown", print)
    unsubscribe()
    events.emit_nowait("event", 1)

    assert heard == []
    assert not events.has_listeners("event")


async def test_clear_ends_those_of_one_event_or_all(events):
    heard = []
    for event in ("a", "b", "c:*"):
        events.on(event, heard.append)
    events.clear("a")
    events.clear("unknown")
    assert events.listener_count() == 2
    events.clear("c:*")
    assert events.listener_count() == 1
    events.clear()
    for event in ("a", "b", "c:1"):
        events.emit_nowait(event, 1)

    assert heard == []
    assert events.listener_count() == 0


async def test_counting(events):
    events.on("a", print)
    events.on("a:b", print)
    events.on("a:*", repr)

    assert events.listener_count() == 3
    assert events.listener_count("a") == 1
    assert events.listener_count("a:b") == 2
    assert events.listener_count("a:c") == 1
    assert events.has_listeners("a:c")
    assert not events.has_listeners("b")


@pytest.mark.parametrize("fn", [None, 1, "name"])
def test_what_cannot_be_called_cannot_listen(events, fn):
    for subscribe in (events.on, events.once):
        with pytest.raises(TypeError, match="a listener must be callable, got"):
            subscribe("event", fn)


@pytest.mark.parametrize("event", [None, 1, ""])
async def test_an_event_is_a_name(events, event):
    with pytest.raises(TypeError, match="an event must be a non-empty string, got"):
        events.on(event, print)
    with pytest.raises(TypeError, match="an event must be a non-empty string, got"):
        events.emit_nowait(event)
    with pytest.raises(TypeError, match="an event must be a non-empty string, got"):
        await events.emit(event)


def test_an_emit_that_nobody_hears_does_nothing_even_without_a_loop(events):
    events.emit_nowait("event", 1)


def test_without_a_loop_plain_listeners_hear(events):
    heard = []
    events.on("event", heard.append)
    events.emit_nowait("event", 1)

    assert heard == [1]


async def test_a_listener_of_a_loop_that_is_gone_hears_at_once(events):
    heard = []

    async def subscribe():
        events.on("event", heard.append)

    await anyio.to_thread.run_sync(anyio.run, subscribe)
    events.emit_nowait("event", 1)

    assert heard == [1]


# Changes during an emit.


async def test_who_comes_or_goes_during_an_emit_counts_from_the_next(events):
    heard = []

    def change(data):
        heard.append(("change", data))
        events.off("event", leaving)
        events.on("event", coming)

    def leaving(data):
        heard.append(("leaving", data))

    def coming(data):
        heard.append(("coming", data))

    events.on("event", change)
    events.on("event", leaving)
    events.emit_nowait("event", 1)
    assert heard == [("change", 1), ("leaving", 1)]
    events.emit_nowait("event", 2)
    assert heard[2:] == [("change", 2), ("coming", 2)]


@pytest.mark.parametrize("nowait", [True, False])
async def test_a_coroutine_listener_removed_during_an_emit_still_hears_it(events, nowait):
    heard = []

    async def leaving(data):
        heard.append(data)

    async with Runtime():
        events.on("event", lambda data: events.off("event", leaving))
        events.on("event", leaving)
        events.emit_nowait("event", 1) if nowait else await events.emit("event", 1)
        await anyio.wait_all_tasks_blocked()
        events.emit_nowait("event", 2)
        await anyio.wait_all_tasks_blocked()

    assert heard == [1]


async def test_emits_nest(events):
    heard = []

    def outer(data):
        heard.append(f"outer {data}")
        if data < 2:
            events.emit_nowait("event", data + 1)
        heard.append(f"outer {data} done")

    events.on("event", outer)
    events.on("event", lambda data: heard.append(f"inner {data}"))
    events.emit_nowait("event", 1)

    assert heard == ["outer 1", "outer 2", "outer 2 done", "inner 2", "outer 1 done", "inner 1"]


# once.


async def test_once_hears_one_event(events):
    heard = []
    events.once("event", heard.append)
    for number in range(3):
        events.emit_nowait("event", number)

    assert heard == [0]
    assert not events.has_listeners("event")


async def test_once_is_spent_before_it_is_called(events):
    heard = []

    def hear(data):
        heard.append(data)
        events.emit_nowait("event", data + 1)

    events.once("event", hear)
    events.emit_nowait("event", 1)

    assert heard == [1]


async def test_once_can_be_ended_before_and_after(events):
    heard = []
    early, late = events.once("event", heard.append), events.once("event", print)
    early()
    events.emit_nowait("event", 1)
    late()

    assert heard == []


async def test_a_function_that_listens_once_and_for_good_goes_on(events):
    heard = []
    events.once("event", heard.append)
    events.on("event", heard.append)
    for number in range(3):
        events.emit_nowait("event", number)

    assert heard == [0, 1, 2]


async def test_a_coroutine_function_hears_once(events):
    heard = []

    async def hear(data):
        await checkpoint()
        heard.append(data)

    events.once("event", hear)
    await events.emit("event", 1)
    await events.emit("event", 2)
    async with Runtime():
        events.once("event", hear)
        events.emit_nowait("event", 3)
        events.emit_nowait("event", 4)
        await anyio.wait_all_tasks_blocked()

    assert heard == [1, 3]


# Prefixes.


@pytest.mark.parametrize(
    ("listener", "event", "hears"),
    [
        ("a:*", "a:b", True),
        ("a:*", "a:", True),
        ("a:*", "a:b:c", True),
        ("a:*", "a", False),
        ("a:*", "ab:c", False),
        ("a:b:*", "a:b:c", True),
        ("a:b:*", "a:c", False),
        ("*", "anything", True),
        ("a", "a:b", False),
    ],
)
async def test_prefixes(events, listener, event, hears):
    heard = []
    events.on(listener, heard.append)
    events.emit_nowait(event, 1)

    assert bool(heard) == hears
    assert events.has_listeners(event) == hears


async def test_prefixes_and_names_are_heard_in_the_order_of_subscription(events):
    heard = []
    for number, event in enumerate(("a:*", "a:b", "*", "a:b", "a:*")):
        events.on(event, lambda data, number=number: heard.append(number))
    events.emit_nowait("a:b")

    assert heard == [0, 1, 2, 3, 4]


async def test_a_prefix_that_comes_or_goes_is_noticed(events):
    heard = []
    events.on("a:b", lambda data: heard.append("name"))
    events.emit_nowait("a:b")
    unsubscribe = events.on("a:*", lambda data: heard.append("prefix"))
    events.emit_nowait("a:b")
    events.on("a:b", lambda data: heard.append("late"))
    events.emit_nowait("a:b")
    unsubscribe()
    events.emit_nowait("a:b")

    assert heard == ["name", "name", "prefix", "name", "prefix", "late", "name", "late"]


async def test_a_function_that_hears_by_name_and_by_prefix_is_called_once(events):
    heard = []
    events.on("a:*", heard.append)
    events.on("a:b", heard.append)
    events.emit_nowait("a:b", 1)

    assert heard == [1]


# Errors.


async def test_an_error_is_logged_with_its_traceback_and_the_others_hear(events, caplog):
    heard = []

    def fail(data):
        raise ValueError("no good")

    async def fail_later(data):
        await checkpoint()
        raise KeyError("no better")

    async with Runtime():
        for listener in (fail, fail_later, heard.append):
            events.on("event", listener)
        await events.emit("event", 1)
        events.emit_nowait("event", 2)
        await anyio.wait_all_tasks_blocked()

    assert heard == [1, 2]
    failed = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [str(record.exc_info[1]) for record in failed] == ["no good", "'no better'"] * 2
    assert all("fail" in record.message for record in failed)
    assert {record.name for record in failed} == {"specter._delivery"}


async def test_an_error_of_a_service_s_listener_names_the_service(caplog):
    async def fail(data):
        raise ValueError

    async with Service("svc") as service:
        service.listen("event", fail)
        await bus.emit("event")

    assert errors(caplog)[0].endswith("fail of 'svc' failed")


# emit.


async def test_emit_waits_for_coroutine_listeners_which_run_concurrently(events):
    log = []

    def make(name):
        async def hear(data):
            log.append(f"{name} begins")
            await anyio.wait_all_tasks_blocked() if name == "one" else await checkpoint()
            log.append(f"{name} ends")

        return hear

    events.on("event", make("one"))
    events.on("event", make("two"))
    events.on("event", lambda data: log.append("plain"))
    await events.emit("event")

    assert log[0] == "plain"
    assert set(log[1:3]) == {"one begins", "two begins"}
    assert log[3:] == ["two ends", "one ends"]


async def test_listeners_do_not_see_what_others_set(events):
    variable = ContextVar("variable", default="unset")
    seen = []

    def listener():
        async def hear(data):
            seen.append(variable.get())
            variable.set("set")
            await checkpoint()

        return hear

    for _ in range(3):
        events.on("a", listener())
    await events.emit("a")

    assert seen == ["unset"] * 3
    assert variable.get() == "unset"


@asyncio_only
async def test_a_listener_that_is_cancelled_natively_ends_alone(events):
    ended = []

    async def cancelled(data):
        asyncio.current_task().cancel()
        await anyio.sleep_forever()

    async def hear(data):
        await anyio.sleep(0.01)
        ended.append(data)

    events.on("a", cancelled)
    events.on("a", hear)
    await events.emit("a", 1)

    assert ended == [1]


@asyncio_only
async def test_a_natively_cancelled_emit_waits_for_the_end_of_its_listeners(events):
    ended, begun = [], anyio.Event()

    def listener():
        async def hear(data):
            begun.set()
            try:
                await anyio.sleep_forever()
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.sleep(0.02)
                ended.append(data)

        return hear

    for _ in range(3):
        events.on("a", listener())
    emit = asyncio.create_task(events.emit("a", 1))
    await begun.wait()
    for _ in range(2):
        emit.cancel()
        await anyio.sleep(0.001)
    with pytest.raises(asyncio.CancelledError):
        await emit

    assert ended == [1, 1, 1]


@asyncio_only
async def test_a_native_cancellation_that_a_listener_leaves_behind_is_its_own(events):
    heard = []

    def listener(number):
        async def hear(data):
            await checkpoint()
            heard.append(number)
            if number % 2:
                asyncio.current_task().cancel()

        return hear

    for number in range(6):
        events.on("a", listener(number))
    await events.emit("a")

    assert sorted(heard) == [0, 1, 2, 3, 4, 5]


@asyncio_only
async def test_a_task_of_an_emit_that_is_cancelled_natively_before_it_begins_keeps_no_listener_from_hearing(events):
    heard = []

    def listener(number):
        async def hear(data):
            await anyio.sleep(0.001)
            heard.append(number)

        return hear

    for number in range(3):
        events.on("a", listener(number))
    before = asyncio.all_tasks()
    emit = asyncio.create_task(events.emit("a"))
    await checkpoint()
    (native,) = asyncio.all_tasks() - before - {emit}
    native.cancel()
    await emit

    assert sorted(heard) == [0, 1, 2]


@asyncio_only
@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python has no eager tasks")
async def test_an_emit_to_many_with_an_eager_task_factory(events):
    heard = []

    def listener(number):
        async def hear(data):
            await checkpoint()
            heard.append(number)

        return hear

    for number in range(2000):
        events.on("a", listener(number))
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    try:
        await events.emit("a")
    finally:
        loop.set_task_factory(None)

    assert sorted(heard) == list(range(2000))


async def test_listeners_that_wait_all_begin_within_a_few_turns(events):
    begun, go = [], anyio.Event()

    def listener(number):
        async def hear(data):
            begun.append(number)
            await go.wait()

        return hear

    for number in range(100):
        events.on("a", listener(number))
    async with anyio.create_task_group() as group:
        group.start_soon(events.emit, "a")
        for _ in range(12):
            await checkpoint()
        go_on = sorted(begun)
        go.set()

    assert go_on == list(range(100))


async def test_listeners_that_have_not_begun_when_the_emit_is_cancelled_never_do(events):
    begun = []

    def listener(number):
        async def hear(data):
            begun.append(number)
            await anyio.sleep_forever()

        return hear

    for number in range(100):
        events.on("a", listener(number))
    async with anyio.create_task_group() as group:
        group.start_soon(events.emit, "a")
        await checkpoint()
        await checkpoint()
        group.cancel_scope.cancel()

    assert len(begun) <= 100
    gc.collect()  # says so if a coroutine was never awaited


async def test_a_deadline_of_the_emit_holds_for_its_listeners(events):
    cancelled = []

    def listener():
        async def hear(data):
            try:
                await anyio.sleep_forever()
            finally:
                cancelled.append(data)

        return hear

    for _ in range(3):
        events.on("a", listener())
    with anyio.move_on_after(0.02) as scope:
        await events.emit("a", 1)

    assert scope.cancelled_caught
    assert cancelled == [1, 1, 1]


@asyncio_only
async def test_what_is_no_exception_comes_out_of_an_emit_when_the_others_have_ended(events):
    ended = []

    class Failed(BaseException):
        pass

    async def fail(data):
        await checkpoint()
        raise Failed

    async def hear(data):
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(data)

    events.on("a", hear)
    events.on("a", fail)
    with pytest.raises(Failed):
        await events.emit("a", 1)

    assert ended == [1]


async def test_emits_may_overlap(events):
    running = []
    most = []

    async def hear(data):
        running.append(data)
        most.append(len(running))
        await anyio.wait_all_tasks_blocked()
        running.remove(data)

    events.on("event", hear)
    async with anyio.create_task_group() as group:
        group.start_soon(events.emit, "event", 1)
        group.start_soon(events.emit, "event", 2)

    assert max(most) == 2


async def test_emit_needs_no_runtime_for_listeners_that_nobody_owns(events):
    heard = []

    async def hear(data):
        await checkpoint()
        heard.append(Runtime.current())

    events.on("event", hear)
    await events.emit("event")

    assert heard == [None]


@pytest.mark.parametrize("listeners", [1, 3])
async def test_a_cancelled_emit_cancels_its_listeners(events, listeners):
    log = []

    def make():
        async def hear(data):
            log.append("begun")
            if len(log) == listeners:
                scope.cancel()
            try:
                await anyio.sleep_forever()
            finally:
                log.append("ended")

        return hear

    for _ in range(listeners):
        events.on("event", make())
    with anyio.CancelScope() as scope:
        await events.emit("event")

    assert scope.cancelled_caught
    assert log == ["begun"] * listeners + ["ended"] * listeners


async def test_a_cancelled_emit_ends_what_a_service_does_in_it_but_not_the_service():
    async with Service("svc") as service:
        service.listen("event", lambda data: anyio.sleep_forever())
        with anyio.move_on_after(0.01):
            await bus.emit("event")

        assert service.running
        assert not service._ledger.tasks


async def test_an_emit_whose_listener_s_service_stops_goes_on_with_the_others(events):
    log = []

    async def hear(data):
        await anyio.wait_all_tasks_blocked()
        log.append("other")

    async with Service("svc") as service:
        service.listen("event", lambda data: anyio.sleep_forever())
        bus.on("event", hear)
        async with anyio.create_task_group() as group:
            group.start_soon(bus.emit, "event")
            await checkpoint()
            await service.stop()

    assert log == ["other"]


async def test_an_emit_cancelled_at_any_wait_leaves_no_listener_running(events):
    running = []

    async def hear(data):
        running.append(data)
        try:
            await checkpoint()
        finally:
            running.remove(data)

    async def hear_too(data):
        await hear(data)

    events.on("event", hear)
    events.on("event", hear_too)

    def check():
        assert running == []

    assert await cancel_everywhere(lambda: events.emit("event", 1), check) > 2


# emit_nowait.


async def test_emit_nowait_gives_a_coroutine_listener_one_event_at_a_time_in_order(events):
    log = []

    async def hear(data):
        log.append(f"begin {data}")
        await checkpoint()
        log.append(f"end {data}")

    async with Runtime():
        events.on("event", hear)
        for number in range(3):
            events.emit_nowait("event", number)
        assert log == []
        await anyio.wait_all_tasks_blocked()

    assert log == ["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"]


async def test_each_listener_of_emit_nowait_has_its_own_order(events):
    log, gate = [], anyio.Event()

    async def slow(data):
        await gate.wait()
        log.append(f"slow {data}")

    async def quick(data):
        log.append(f"quick {data}")

    async with Runtime():
        events.on("event", slow)
        events.on("event", quick)
        events.emit_nowait("event", 1)
        events.emit_nowait("event", 2)
        await anyio.wait_all_tasks_blocked()
        assert log == ["quick 1", "quick 2"]
        gate.set()
        await anyio.wait_all_tasks_blocked()

    assert log[2:] == ["slow 1", "slow 2"]


async def test_coroutine_listeners_of_a_service_are_its_tasks():
    seen = []

    async def hear(data):
        seen.append([task.owner for task in service._ledger.tasks])

    async with Service("svc") as service:
        service.listen("event", hear)
        bus.emit_nowait("event")
        await anyio.wait_all_tasks_blocked()
        await bus.emit("event")

        assert seen == [[service], [service]]


async def test_without_a_runtime_a_coroutine_listener_that_nobody_owns_is_an_error_of_its_own(events, caplog):
    async def hear(data):
        raise AssertionError

    events.on("event", hear)
    events.emit_nowait("event")

    assert "hear is a coroutine function, and there is no runtime to run it in" in caplog.text


async def test_a_coroutine_listener_of_a_service_that_does_not_run_is_an_error_of_its_own(caplog):
    async def hear(data):
        raise AssertionError

    service = Service("svc")
    service.listen("event", hear)
    bus.emit_nowait("event")

    assert "'svc' cannot spawn a task before start()" in caplog.text


async def test_what_was_not_heard_yet_is_not_heard_after_unsubscribing(events):
    heard = []

    async def hear(data):
        heard.append(data)
        await checkpoint()

    async with Runtime():
        unsubscribe = events.on("event", hear)
        events.emit_nowait("event", 1)
        unsubscribe()
        await anyio.wait_all_tasks_blocked()

    assert heard == []


async def test_a_listener_cancelled_before_it_begins_leaves_no_coroutine_behind():
    async def hear(data):
        raise AssertionError

    async with Service("svc") as service:
        service.listen("event", hear)
        bus.emit_nowait("event", 1)
        await service.stop()


# Streams.


async def test_a_stream_gives_the_data_of_future_events(events):
    events.emit_nowait("event", 0)
    with events.stream("event") as stream:
        for number in range(1, 4):
            events.emit_nowait("event", number)
        got = [await anext(stream) for _ in range(3)]

    assert got == [1, 2, 3]
    assert stream.dropped == 0
    assert not events.has_listeners("event")


async def test_a_stream_waits_for_events(events):
    got = []

    async def read():
        with events.stream("a:*") as stream:
            async for data in stream:
                got.append(data)
                if data == 2:
                    break

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        for number in (1, 2):
            await anyio.wait_all_tasks_blocked()
            events.emit_nowait(f"a:{number}", number)

    assert got == [1, 2]


async def test_a_stream_drops_the_oldest_and_counts(events):
    with events.stream("event", maxsize=2) as stream:
        for number in range(5):
            events.emit_nowait("event", number)
        got = [await anext(stream), await anext(stream)]

    assert got == [3, 4]
    assert stream.dropped == 3


async def test_a_stream_whose_block_was_left_gives_what_it_has_and_ends(events):
    with events.stream("event") as stream:
        events.emit_nowait("event", 1)
    events.emit_nowait("event", 2)

    assert [data async for data in stream] == [1]


async def test_a_reader_that_waits_when_the_block_is_left_ends(events):
    got = []

    async def read(stream):
        got.extend([data async for data in stream])
        got.append("end")

    async with anyio.create_task_group() as group:
        with events.stream("event") as stream:
            group.start_soon(read, stream)
            group.start_soon(read, stream)
            await anyio.wait_all_tasks_blocked()

    assert got == ["end", "end"]


@pytest.mark.parametrize("maxsize", [0, -1])
def test_a_stream_keeps_at_least_one(events, maxsize):
    with (
        pytest.raises(ValueError, match=f"maxsize must be 1 or more, got {maxsize}"),
        events.stream("a", maxsize=maxsize),
    ):
        raise AssertionError


async def test_a_stream_gives_none_too(events):
    with events.stream("event") as stream:
        events.emit_nowait("event")
        assert await anext(stream) is None


# wait_for.


async def waiting(events, got, *args, **kwargs):
    try:
        got.append(await events.wait_for(*args, **kwargs))
    except TimeoutError as error:
        got.append(str(error))


async def test_wait_for_gives_the_data_of_the_next_event(events):
    got = []
    events.emit_nowait("event", 0)
    async with anyio.create_task_group() as group:
        group.start_soon(waiting, events, got, "event")
        await anyio.wait_all_tasks_blocked()
        events.emit_nowait("event", 1)
        events.emit_nowait("event", 2)

    assert got == [1]
    assert not events.has_listeners("event")


async def test_wait_for_hears_prefixes(events):
    got = []
    async with anyio.create_task_group() as group:
        group.start_soon(waiting, events, got, "a:*")
        await anyio.wait_all_tasks_blocked()
        events.emit_nowait("a:b", None)

    assert got == [None]


async def test_wait_for_lets_pass_what_the_predicate_refuses(events):
    got = []
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: waiting(events, got, "event", predicate=lambda data: data > 1))
        await anyio.wait_all_tasks_blocked()
        for number in range(5):
            events.emit_nowait("event", number)

    assert got == [2]


async def test_an_error_of_the_predicate_is_logged_and_the_wait_goes_on(events, caplog):
    got = []
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: waiting(events, got, "event", predicate=lambda data: 1 / data))
        await anyio.wait_all_tasks_blocked()
        events.emit_nowait("event", 0)
        events.emit_nowait("event", 1)

    assert got == [1]
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.virtual_clock
async def test_wait_for_gives_up_in_time(events):
    began = anyio.current_time()
    with pytest.raises(TimeoutError, match="no event 'event' within 10 seconds"):
        await events.wait_for("event", timeout=10)

    assert anyio.current_time() - began == 10
    assert not events.has_listeners("event")


async def test_a_cancelled_wait_for_leaves_no_listener(events):
    def check():
        assert not events.has_listeners("event")

    async def scenario():
        with anyio.move_on_after(0.02):
            await events.wait_for("event")

    assert await cancel_everywhere(scenario, check) > 0


async def test_several_can_wait_for_one_event(events):
    got = []
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(waiting, events, got, "event")
        await anyio.wait_all_tasks_blocked()
        events.emit_nowait("event", 1)

    assert got == [1, 1, 1]
