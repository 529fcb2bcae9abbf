"""Stopping a service: whole, in order, whatever fails in it."""

import asyncio
import logging
import sys
from contextvars import ContextVar

import anyio
import pytest
from anyio.lowlevel import checkpoint
from logged import errors
from parts import Part

from specter import Service
from specter.sansio.ledger import MOST_ROUNDS

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
