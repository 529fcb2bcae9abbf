"""Stopping a service: whole, in order, in time, whoever asks and whatever happens to who asks."""

import asyncio
import logging
import sys
from contextvars import ContextVar

import anyio
import pytest
from anyio.lowlevel import checkpoint
from logged import errors
from loops import asyncio_only
from parts import Part

from specter import Service
from specter.sansio.ledger import MOST_ROUNDS
from specter.testing import cancel_everywhere

pytestmark = pytest.mark.virtual_clock


async def test_stop_gives_the_service_itself(runtime):
    service = await Service("a").start()

    assert await service.stop() is service
    assert not service.running


async def test_stop_of_a_service_that_does_not_run_does_nothing():
    part = Part("a")
    await part.stop()

    assert part.log == []


async def test_a_second_stop_does_nothing(runtime):
    part = await Part("a").start()
    await part.stop()
    log = list(part.log)
    await part.stop()

    assert part.log == log


async def test_what_a_service_owns_goes_in_order(runtime):
    log = []
    service = await Service("a").start()

    class Child(Service):
        def on_stop(self):
            log.append(self.name)

    async def work():
        try:
            await anyio.sleep_forever()
        finally:
            log.append("task")

    service.on_stop = lambda: log.append("on_stop")
    service.spawn(work)
    service.subscribe(lambda state, service: log.append("told"))
    service.add_cleanup(lambda: log.append("cleanup 1"))
    service.add_cleanup(lambda: (log.append("cleanup 2"), service.set_state({"x": 1})) and None)
    for name in ("child 1", "child 2"):
        await service.adopt(Child(name))
    await anyio.wait_all_tasks_blocked()
    await service.stop()
    service.set_state({"x": 2})

    assert log == ["on_stop", "task", "child 2", "child 1", "cleanup 2", "told", "cleanup 1"]


async def test_on_stop_still_has_everything(runtime):
    seen = []

    class Service_(Part):
        async def on_stop(self):
            seen.append((self.running, self.child.running, len(self._ledger.tasks)))
            await self.spawn(checkpoint).wait()
            seen.append("spawned")

    service = await Service_("a").start()
    await service.stop()

    assert seen == [(True, True, 1), "spawned"]


async def test_no_task_can_be_spawned_when_they_are_being_ended(runtime, caplog):
    service = await Service("a").start()
    raised = []

    def late():
        with pytest.raises(RuntimeError, match="cannot spawn a task any more: it is being stopped") as found:
            service.spawn(checkpoint)
        raised.append(found)

    service.add_cleanup(late)
    await service.stop()

    assert len(raised) == 1


@pytest.mark.parametrize("slow", [False, True], ids=["plain", "async"])
async def test_an_error_in_a_step_is_logged_and_the_next_one_runs(runtime, caplog, slow):
    def failing(name):
        def fail():
            raise ValueError(name)

        async def fail_later():
            await checkpoint()
            raise ValueError(name)

        return fail_later if slow else fail

    part = await Part("a", stop=failing("hook")).start()
    part.add_cleanup(failing("cleanup 1"))
    part.add_cleanup(failing("cleanup 2"))
    part.child.on_stop = failing("child")
    await part.stop()

    assert part.is_clean()
    logged = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [str(record.exc_info[1]) for record in logged] == ["hook", "child", "cleanup 2", "cleanup 1"]
    assert [record.message.rpartition(" of ")[2] for record in logged] == [
        "'a' failed",
        '"a\'s child" failed',
        "'a' failed",
        "'a' failed",
    ]


async def test_the_log_names_the_hook_that_failed(runtime, caplog):
    class Failing(Service):
        def on_stop(self):
            raise ValueError

    await (await Failing("a").start()).stop()

    assert errors(caplog)[0].endswith("Failing.on_stop of 'a' failed")


async def test_stops_at_once_all_wait_for_the_one(runtime):
    part = await Part("a", stop=lambda: anyio.sleep(1)).start()
    ended = []

    async def stop():
        await part.stop()
        ended.append(anyio.current_time())

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(stop)

    assert part.log.count("a stops") == 1
    assert len(set(ended)) == 1
    assert part.is_clean()


async def test_who_waits_for_a_stop_does_not_wait_for_the_next_one(runtime):
    part = await Part("a", stop=lambda: anyio.sleep(1)).start()
    ended = []

    async def stop():
        await part.stop()
        ended.append(anyio.current_time())

    async def stop_and_start():
        await part.stop()
        await part.start()

    began = anyio.current_time()
    async with anyio.create_task_group() as group:
        group.start_soon(stop_and_start)
        group.start_soon(stop)

    assert part.running
    assert ended[0] - began < 2


async def test_a_service_can_be_started_again(runtime):
    part = Part("a")
    for _ in range(3):
        await part.start()
        await part.stop()

    assert part.is_clean()
    assert part.log == ["a starts", "a stops", "a cleans up"] * 3 or part.log.count("a cleans up") == 3


# Who asks.


async def test_a_hook_that_stops_the_service_does_not_wait_for_itself(runtime):
    part = await Part("a", stop=lambda: part.stop()).start()
    began = anyio.current_time()
    await part.stop()

    assert part.is_clean()
    assert anyio.current_time() == began


async def test_a_cleanup_that_stops_the_service_does_not_wait_for_itself(runtime):
    part = await Part("a").start()
    part.add_cleanup(part.stop)
    began = anyio.current_time()
    await part.stop()

    assert part.is_clean()
    assert anyio.current_time() == began


async def test_a_task_that_stops_its_own_service_is_cancelled_last_and_not_waited_for(runtime):
    log = []
    service = Part("a", log=log)

    async def suicide():
        await service.stop()
        log.append("stopped")
        try:
            await checkpoint()
            log.append("never")
        finally:
            log.append("suicide ends")

    await service.start()
    task = service.spawn(suicide)
    with anyio.fail_after(1):
        await task.wait()

    assert service.is_clean()
    assert log == ["a starts", "a stops", "a task ends", "a cleans up", "stopped", "suicide ends"]


async def test_a_task_below_a_task_of_the_service_can_stop_it(runtime):
    service = await Part("a").start()

    async def nested():
        async with anyio.create_task_group() as group:
            group.start_soon(service.stop)

    with anyio.fail_after(1):
        await service.spawn(nested).wait()

    assert service.is_clean()


async def test_a_task_of_a_child_can_stop_the_parent(runtime):
    parent, child = await Part("parent").start(), Part("child")
    await parent.adopt(child)
    with anyio.fail_after(1):
        await child.spawn(parent.stop).wait()

    assert parent.is_clean()
    assert child.is_clean()


async def test_a_task_of_a_child_can_stop_a_parent_whose_child_is_being_stopped(runtime):
    parent = await Part("parent").start()
    child = Part("child", stop=lambda: anyio.sleep(1))
    await parent.adopt(child)
    async with anyio.create_task_group() as group:
        with anyio.fail_after(5):
            group.start_soon(child.stop)
            await anyio.wait_all_tasks_blocked()
            await child.spawn(parent.stop).wait()

    assert parent.is_clean()
    assert child.is_clean()


async def test_a_task_that_ends_by_stopping_its_service_does_not_wait_for_it(runtime):
    service = await Part("a").start()
    ended = []

    async def work():
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await service.stop()
            ended.append(service.running)

    service.spawn(work)
    await anyio.wait_all_tasks_blocked()
    began = anyio.current_time()
    await service.stop()

    assert ended == [True]
    assert anyio.current_time() == began


async def test_a_hook_may_wait_for_a_task_that_stops_the_service(runtime):
    service = Part("a", stop=lambda: service.spawn(service.stop).wait())
    await service.start()
    began = anyio.current_time()
    await service.stop()

    assert service.is_clean()
    assert anyio.current_time() == began


async def test_a_hook_may_wait_for_the_task_that_has_asked_for_the_stop(runtime):
    tasks = []
    service = Part("a", stop=lambda: tasks[0].wait())
    await service.start()
    began = anyio.current_time()
    tasks.append(service.spawn(service.stop))
    await tasks[0].wait()

    assert service.is_clean()
    assert anyio.current_time() == began


async def test_stops_that_cross_do_not_wait_for_each_other(runtime):
    one, two = Part("one"), Part("two")
    one.stop_hook, two.stop_hook = two.stop, one.stop
    await one.start()
    await two.start()
    began = anyio.current_time()
    async with anyio.create_task_group() as group:
        group.start_soon(one.stop)
        group.start_soon(two.stop)

    assert one.is_clean()
    assert two.is_clean()
    assert anyio.current_time() == began


async def test_a_circle_of_three_stops_does_not_wait_for_itself(runtime):
    ring = [Part("one"), Part("two"), Part("three")]
    for part, other in zip(ring, ring[1:] + ring[:1], strict=True):
        part.stop_hook = lambda part=part, other=other: part.spawn(other.stop).wait()
        await part.start()
    began = anyio.current_time()
    async with anyio.create_task_group() as group:
        for part in ring:
            group.start_soon(part.stop)

    assert all(part.is_clean() for part in ring)
    assert anyio.current_time() == began


async def test_a_tick_and_a_listener_can_stop_their_service(runtime):
    ticking, listening = await Part("ticking").start(), await Part("listening").start()
    ticking.interval(ticking.stop, 1)
    listening.listen("enough", lambda data: listening.stop())
    await anyio.sleep(1.5)
    with anyio.fail_after(1):
        await ticking.emit("enough")

    assert ticking.is_clean()
    assert listening.is_clean()


async def test_a_listener_can_stop_the_service_whose_task_emits(runtime):
    service = await Part("a").start()
    service.listen("enough", lambda data: service.stop())
    with anyio.fail_after(1):
        await service.spawn(service.emit, "enough").wait()

    assert service.is_clean()


# What happens to who asks.


async def test_a_caller_that_is_cancelled_hears_of_it_when_the_stop_is_done(runtime):
    part = await Part("a", stop=lambda: anyio.sleep(1)).start()
    with anyio.move_on_after(0.1) as scope:
        await part.stop()
        await checkpoint()
        raise AssertionError

    assert scope.cancelled_caught
    assert part.is_clean()


async def test_a_stop_within_a_cancelled_scope_is_whole(runtime):
    stopped = []

    async def on_stop():
        await anyio.sleep(1)
        stopped.append(True)

    part = await Part("a", stop=on_stop).start()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await part.stop()

    assert stopped == [True]
    assert part.is_clean()


async def test_a_stop_cancelled_at_any_wait_is_whole(runtime):
    part = Part("a", stop=checkpoint)

    async def prepare():
        part.log.clear()
        part.add_cleanup(checkpoint)
        await part.start()

    def check():
        assert part.is_clean()
        assert part.log[-1] == "a cleans up"

    assert await cancel_everywhere(part.stop, check, prepare=prepare) > 5


@asyncio_only
async def test_a_native_cancellation_reaches_neither_hook_nor_cleanup(runtime):
    log = []

    async def slow(name):
        await anyio.sleep(1)
        log.append(name)

    part = await Part("a", stop=lambda: slow("hook")).start()
    part.add_cleanup(lambda: slow("cleanup"))
    caller = asyncio.create_task(part.stop())
    for _ in range(2):
        await anyio.sleep(0.1)
        caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller

    assert log == ["hook", "cleanup"]
    assert caller.cancelling() == 2
    assert part.is_clean()


@asyncio_only
async def test_a_native_timeout_round_a_stop_hits_after_it(runtime):
    part = await Part("a", stop=lambda: anyio.sleep(1)).start()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await part.stop()

    assert part.is_clean()


@asyncio_only
async def test_wait_for_round_a_stop_hits_after_it(runtime):
    part = await Part("a", stop=lambda: anyio.sleep(1)).start()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(part.stop(), 0.5)

    assert part.is_clean()


# In time.


async def test_a_hook_that_hangs_is_cancelled_and_the_rest_goes_on(runtime, caplog):
    log = []

    async def hang():
        try:
            await anyio.sleep_forever()
        finally:
            log.append("hook cancelled")

    part = Part("a", log=log, stop=hang)
    part.stop_timeout = 4
    await part.start()
    await anyio.wait_all_tasks_blocked()
    began = anyio.current_time()
    await part.stop()

    assert log == ["a starts", "a stops", "hook cancelled", "a task ends", "a cleans up"]
    assert anyio.current_time() - began <= 2
    assert part.is_clean()
    assert "did not end in time, waits at test_service_stop.py" in errors(caplog)[0]
    assert "in hang: cancelled" in errors(caplog)[0]
    assert runtime.abandoned == []


async def test_each_of_many_cleanups_that_hang_gets_its_time(runtime):
    begun = []

    async def hang(number):
        begun.append(number)
        await anyio.sleep_forever()

    service = await Service("a").start()
    service.stop_timeout = 4
    for number in range(10):
        service.add_cleanup(lambda number=number: hang(number))
    began = anyio.current_time()
    await service.stop()

    assert begun == list(range(9, -1, -1))
    assert anyio.current_time() - began <= 4.2


async def test_the_deadline_is_handed_down_to_children(runtime):
    parent = Part("parent")
    parent.stop_timeout = 4
    await parent.start()
    child = Part("child", stop=anyio.sleep_forever)
    grandchild = Part("grandchild", stop=anyio.sleep_forever)
    await parent.adopt(child)
    await child.adopt(grandchild)
    began = anyio.current_time()
    await parent.stop()

    assert anyio.current_time() - began <= 4
    assert parent.is_clean()
    assert child.is_clean()
    assert grandchild.is_clean()


async def test_the_deadline_is_handed_down_to_stops_that_a_hook_asks_for(runtime):
    slow = await Part("slow", stop=anyio.sleep_forever).start()
    part = Part("a", stop=slow.stop)
    part.stop_timeout = 4
    await part.start()
    began = anyio.current_time()
    await part.stop()

    assert anyio.current_time() - began <= 4
    assert part.is_clean()


async def test_a_service_s_own_timeout_holds_below_a_longer_one(runtime):
    parent = await Part("parent").start()
    child = Part("child", stop=anyio.sleep_forever)
    child.stop_timeout = 2
    await parent.adopt(child)
    began = anyio.current_time()
    await parent.stop()

    assert anyio.current_time() - began <= 2


async def test_a_task_spawned_by_a_hook_of_a_stop_has_its_own_time(runtime):
    seen = []
    other = Part("other")

    async def stop_other():
        began = anyio.current_time()
        await other.stop()
        seen.append(anyio.current_time() - began)

    part = Part("a", stop=lambda: keeper.spawn(stop_other) and None)
    part.stop_timeout = 0.1
    keeper = await Service("keeper").start()
    await part.start()
    other.stop_hook = lambda: anyio.sleep(10)
    await other.start()
    await part.stop()
    await anyio.sleep(20)

    assert seen == [10]


async def test_a_hook_that_swallows_its_cancellation_is_left_behind_by_name(runtime, caplog):
    enough = anyio.Event()

    async def stubborn():
        while not enough.is_set():
            with anyio.CancelScope(shield=True):
                await enough.wait()

    part = Part("a", stop=stubborn)
    part.stop_timeout = 4
    await part.start()
    await part.stop()

    assert part.is_clean()
    assert len(runtime.abandoned) == 1
    assert "stubborn" in runtime.abandoned[0]
    assert "of 'a' did not end, waits at test_service_stop.py" in runtime.abandoned[0]
    assert runtime.abandoned[0] in caplog.text
    enough.set()


async def test_hooks_that_wait_do_not_see_what_others_set(runtime):
    variable = ContextVar("variable", default="unset")
    seen = []

    async def hook():
        seen.append(variable.get())
        variable.set("set")
        await checkpoint()
        seen.append(variable.get())

    parent = await Part("parent", stop=hook).start()
    await parent.adopt(Part("child", stop=hook))
    await parent.stop()

    assert seen == ["unset", "set", "unset", "set"]
    assert variable.get() == "unset"


async def test_scopes_and_timeouts_of_hooks_work(runtime):
    log = []

    async def hook():
        with anyio.move_on_after(1) as scope:
            await anyio.sleep_forever()
        log.append(scope.cancelled_caught)
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 1)
        log.append("group")

    parent = await Part("parent", stop=hook).start()
    await parent.adopt(Part("child", stop=hook))
    await parent.stop()

    assert log == [True, "group", True, "group"]


async def test_the_runtime_tells_which_step_of_a_stop_waits(runtime):
    seen = []

    async def hook():
        await anyio.sleep(2)

    async def look():
        await anyio.sleep(1)
        seen.extend((task.owner, task.label, task.where.partition(" ")[2]) for task in runtime.tasks())
        await anyio.sleep(2)
        seen.extend((task.owner, task.label, task.where.partition(" ")[2]) for task in runtime.tasks())

    parent = await Service("parent").start()
    child = Service("child")
    child.on_stop = hook
    await parent.adopt(child)
    parent.add_cleanup(hook)
    async with anyio.create_task_group() as group:
        group.start_soon(look)
        await parent.stop()

    label = hook.__qualname__
    assert seen == [("child", label, "in hook"), ("parent", label, "in hook")]


async def test_a_task_that_waits_to_start_its_service_does_not_start_it_after_the_stop(runtime):
    service = Part("a", start=lambda: service.spawn(service.start) and None)
    await service.start()
    await service.stop()
    await anyio.wait_all_tasks_blocked()

    assert service.is_clean()


async def test_what_a_cleanup_acquires_is_released_too(runtime):
    log = []
    service = await Service("a").start()
    service.add_cleanup(lambda: service.add_cleanup(lambda: log.append("late")))
    await service.stop()

    assert log == ["late"]


async def test_a_child_that_on_stop_adopts_is_stopped(runtime):
    child = Part("child")
    service = Part("a", stop=lambda: service.adopt(child))
    await service.start()
    await service.stop()

    assert child.is_clean()


async def test_a_cleanup_that_adds_itself_for_ever_is_given_up(runtime):
    count = []

    def again():
        count.append(1)
        service.add_cleanup(again)

    service = await Service("a").start()
    service.add_cleanup(again)
    await service.stop()

    assert not service.running
    assert len(count) >= MOST_ROUNDS


async def test_a_tree_a_thousand_services_deep_is_stopped(runtime):
    root = deepest = await Service("root").start()
    log = []
    for number in range(1000):
        child = Service(f"child {number}")
        child.on_stop = lambda number=number: log.append(number)
        await deepest.adopt(child)
        deepest = child
    assert sys.getrecursionlimit() <= 1000
    await root.stop()

    assert not deepest.running
    assert log == list(range(1000))


async def test_ten_thousand_children_stop_last_first(runtime):
    root = await Service("root").start()
    log = []
    for number in range(10_000):
        child = Service(str(number))
        child.on_stop = lambda number=number: log.append(number)
        await root.adopt(child)
    await root.stop()

    assert log == list(range(9_999, -1, -1))


# Programs that end in the middle, and what is like it.


async def test_what_ends_the_program_comes_out_of_a_stop_that_is_whole(runtime):
    def leave():
        raise SystemExit(3)

    part = await Part("a").start()
    part.on_stop = leave
    with pytest.raises(SystemExit):
        await part.stop()

    assert part.is_clean()


async def test_a_hook_that_raises_a_cancellation_of_something_else_does_not_end_the_stop(runtime):
    cancelled = anyio.get_cancelled_exc_class()

    async def confused():
        error = cancelled() if cancelled is asyncio.CancelledError else cancelled._create(source="unknown")
        raise error

    part = await Part("a", stop=confused).start()
    await part.stop()

    assert part.is_clean()
