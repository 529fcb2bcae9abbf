"""`cancel_everywhere` finds what it is for, says where, and passes what is right."""

import asyncio

import anyio
import pytest
from anyio.lowlevel import checkpoint

from specter import Runtime, Service, bus
from specter.testing import LeakError, cancel_everywhere, isolated, virtual_time

WAYS = {"asyncio": ["scope", "native", "late", "below"], "trio": ["scope", "below"]}

on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])


def check_empty(found):
    assert not found


def notes(found):
    return "\n".join(found.value.__notes__)


# What it does.


async def test_a_scenario_is_cancelled_at_each_of_its_checkpoints():
    got_to = []

    async def scenario():
        for step in range(3):
            got_to.append(step)
            await anyio.sleep(0.001)
        got_to.append("end")

    assert await cancel_everywhere(scenario, ways=["scope"]) == 3
    assert got_to == [0, 1, 2, "end", 0, 0, 1, 0, 1, 2, 0, 1, 2, "end"]


async def test_all_ways_of_the_event_loop_are_tried(anyio_backend_name):
    async def scenario():
        await checkpoint()

    assert await cancel_everywhere(scenario) == {"asyncio": 4, "trio": 2}[anyio_backend_name]


async def test_prepare_comes_before_each_run_and_check_after_it():
    log = []

    async def prepare():
        await checkpoint()
        log.append("prepare")

    async def check():
        await checkpoint()
        log.append("check")

    await cancel_everywhere(checkpoint, check, prepare=prepare, ways="scope")

    assert log == ["prepare", "check"] * 3


async def test_the_check_comes_when_what_was_cancelled_has_ended():
    running = []

    async def work():
        running.append(1)
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await checkpoint()
            running.clear()

    async with Runtime() as runtime:

        async def scenario():
            task = runtime.start_task(work)
            try:
                await checkpoint()
            finally:
                task.cancel()

        await cancel_everywhere(scenario, lambda: check_empty(running))


async def test_a_shielded_wait_goes_through_and_the_next_one_is_cancelled():
    log = []

    async def scenario():
        log.clear()
        with anyio.CancelScope(shield=True):
            await checkpoint()
            log.append("shielded")
        await checkpoint()
        log.append("open")

    def check():
        assert log in (["shielded"], ["shielded", "open"])

    await cancel_everywhere(scenario, check, ways=["scope"])


# What it finds.


async def test_a_semaphore_that_is_released_twice_is_found_in_each_way(anyio_backend_name):
    semaphores = []

    async def scenario():
        semaphores.append(semaphore := anyio.Semaphore(1))
        await semaphore.acquire()
        try:
            await checkpoint()
        except anyio.get_cancelled_exc_class():
            semaphore.release()
            raise
        finally:
            semaphore.release()

    def check():
        assert semaphores[-1].value == 1

    for way in WAYS[anyio_backend_name]:
        with pytest.raises(AssertionError, match="assert 2 == 1") as found:
            await cancel_everywhere(scenario, check, ways=[way])
        assert f"({way}, {anyio_backend_name}), at test_cancel_everywhere.py" in notes(found)


async def test_a_subscription_that_leaks_when_a_start_is_cancelled_is_found_in_each_way(anyio_backend_name):
    class Leaky(Service):
        async def on_start(self):
            unsubscribe = bus.on("event", print)
            await checkpoint()
            self.add_cleanup(unsubscribe)

    async def scenario():
        async with Leaky("leaky"):
            await checkpoint()

    for way in WAYS[anyio_backend_name]:
        with isolated(), pytest.raises(LeakError, match="subscriptions: .*'event'") as found:
            await cancel_everywhere(scenario, ways=[way])
        assert f"({way}, {anyio_backend_name})" in notes(found)
        assert "in on_start" in notes(found)


async def test_a_lock_that_a_cancelled_task_keeps_is_found_in_each_way(anyio_backend_name):
    locks = []

    async def scenario():
        locks.append(lock := anyio.Lock())
        await checkpoint()
        await lock.acquire()
        await checkpoint()
        lock.release()

    line = scenario.__code__.co_firstlineno + 3
    for way in WAYS[anyio_backend_name]:
        with pytest.raises(AssertionError) as found:
            await cancel_everywhere(scenario, lambda: check_empty(locks[-1].locked()), ways=[way])
        assert f"({way}, {anyio_backend_name}), at test_cancel_everywhere.py:" in notes(found)
        if way == "scope":
            # The lock itself waits in a shield when it is free.
            assert f"at test_cancel_everywhere.py:{line} in scenario, inside " in notes(found)
            assert f"; the cancellation came at test_cancel_everywhere.py:{line + 1} in scenario" in notes(found)


@on_asyncio
async def test_an_item_that_comes_with_the_cancellation_and_is_lost_is_found_by_late_alone():
    shelf, taken = [], []

    async def scenario():
        shelf[:], taken[:] = ["item"], []
        loop = asyncio.get_running_loop()
        coming = loop.create_future()
        loop.call_soon(lambda: coming.done() or coming.set_result(shelf.pop()))
        taken.append(await coming)

    def check():
        assert shelf + taken == ["item"]

    assert await cancel_everywhere(scenario, check, ways=("scope", "native", "below")) == 3
    with pytest.raises(AssertionError) as found:
        await cancel_everywhere(scenario, check)
    assert "cancelled at checkpoint 1 (late, asyncio)" in notes(found)


async def test_what_a_task_below_leaves_is_found():
    left = []

    async def careless():
        await checkpoint()
        left.append(1)
        await checkpoint()
        left.clear()

    async def scenario():
        left.clear()
        async with anyio.create_task_group() as group:
            group.start_soon(careless)

    with pytest.raises(AssertionError) as found:
        await cancel_everywhere(scenario, lambda: check_empty(left), ways=("below",))
    assert "in careless" in notes(found)


async def test_a_task_that_is_left_is_found_and_named_with_its_line(anyio_backend_name):
    async def stays():
        await anyio.sleep_forever()

    async with Runtime() as runtime:

        async def scenario():
            await checkpoint()
            task = runtime.start_task(stays, label="left")
            await checkpoint()
            task.cancel()

        with pytest.raises(LeakError) as found:
            await cancel_everywhere(scenario)
        assert await cancel_everywhere(scenario, allow=["tasks"]) > 2

    (leak,) = found.value.leaks
    assert (leak.kind, leak.owner) == ("tasks", "specter")
    assert "in stays" in str(found.value)
    assert f"cancelled at checkpoint 2 (scope, {anyio_backend_name})" in notes(found)


async def test_a_cleanup_that_fails_is_found():
    async def scenario():
        try:
            await checkpoint()
        except anyio.get_cancelled_exc_class():
            raise LookupError("on purpose") from None

    with pytest.raises(LookupError) as found:
        await cancel_everywhere(scenario)
    assert "cancelled at checkpoint 1" in notes(found)


async def test_what_fails_each_time_is_told_once_and_not_as_a_matter_of_cancelling(anyio_backend_name):
    checks = []

    def check():
        checks.append(1)
        raise AssertionError("on purpose")

    with pytest.raises(AssertionError, match="on purpose") as found:
        await cancel_everywhere(checkpoint, check)

    assert checks == [1]
    assert found.value.__notes__ == [
        f"not cancelled ({anyio_backend_name}): the scenario or the check fails by itself",
    ]


@pytest.mark.parametrize("part", ["scenario", "check"])
@pytest.mark.parametrize("way", ["scope", "native"])
async def test_a_run_that_stands_still_is_found(part, way, anyio_backend_name):
    if way == "native" and anyio_backend_name == "trio":
        return
    free = anyio.Semaphore(1)

    async def scenario():
        await free.acquire()
        await checkpoint()
        free.release()

    async def check():
        async with free:
            pass

    with virtual_time(), pytest.raises(AssertionError, match="a run did not end within 5 seconds") as found:
        await cancel_everywhere(scenario, check if part == "check" else None, ways=[way], timeout=5)
    assert "cancelled at checkpoint" in notes(found)


# What it passes.


async def test_a_lock_that_is_right_passes():
    lock = anyio.Lock()

    async def scenario():
        async with lock:
            await checkpoint()

    assert await cancel_everywhere(scenario, lambda: check_empty(lock.locked())) > 3


async def test_a_task_group_that_is_right_passes():
    running = []

    async def work():
        running.append(1)
        try:
            await checkpoint()
        finally:
            running.pop()

    async def scenario():
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(work)

    assert await cancel_everywhere(scenario, lambda: check_empty(running)) > 3


async def test_tasks_and_subscriptions_that_were_there_before_are_none_that_are_left():
    async with Service("outer") as outer:
        outer.spawn(anyio.sleep_forever)

        await cancel_everywhere(checkpoint)


@on_asyncio
async def test_a_task_factory_of_the_loop_is_kept():
    loop, made = asyncio.get_running_loop(), []

    def make(loop, coro, **options):
        made.append(coro)
        return asyncio.Task(coro, loop=loop, **options)

    async def scenario():
        await asyncio.create_task(checkpoint())

    loop.set_task_factory(make)
    try:
        await cancel_everywhere(scenario, ways=["below"])

        assert loop.get_task_factory() is make
        assert len(made) > 2
    finally:
        loop.set_task_factory(None)


@on_asyncio
async def test_a_task_whose_checkpoints_are_counted_looks_like_itself():
    seen = []

    async def work():
        await anyio.sleep(0.001)

    async def scenario():
        task = asyncio.create_task(work())
        await checkpoint()
        seen.append((task.get_coro().__name__, task.get_coro().cr_frame.f_code.co_name))
        await task

    await cancel_everywhere(scenario, ways=["below"])

    assert set(seen) == {("work", "work")}


# What it refuses.


async def test_a_coroutine_is_refused_with_the_right_line():
    coroutine = checkpoint()

    with pytest.raises(TypeError, match=r"(?s)a scenario must be a function.*cancel_everywhere\(scenario\)"):
        await cancel_everywhere(coroutine)
    coroutine.close()


async def test_an_unknown_way_is_refused(anyio_backend_name):
    with pytest.raises(ValueError, match=f"unknown way 'sideways': on {anyio_backend_name} there are scope, "):
        await cancel_everywhere(checkpoint, ways=["sideways"])
    with pytest.raises(ValueError, match=f"ways must name one or more: on {anyio_backend_name} there are scope, "):
        await cancel_everywhere(checkpoint, ways=[])
    with pytest.raises(ValueError, match="'task' is no kind of leak"):
        await cancel_everywhere(checkpoint, allow=["task"])


async def test_a_scenario_without_an_end_is_told(monkeypatch):
    monkeypatch.setattr("specter._testing.checkpoints.MOST", 5)

    async def scenario():
        for _ in range(20):
            await checkpoint()

    with pytest.raises(AssertionError, match="the scenario has more than 5 checkpoints"):
        await cancel_everywhere(scenario)
