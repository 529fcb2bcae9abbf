"""Emitting on the bus: whose errors go where, who waits for whom, and what runs at the same time."""

import asyncio
import logging
import sys
from contextvars import ContextVar

import anyio
import pytest
from anyio.lowlevel import checkpoint
from logged import errors
from loops import asyncio_only

from specter import Runtime, Service, bus

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
