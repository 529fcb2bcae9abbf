"""The helper itself: it must find what it is for."""

import asyncio

import anyio
import pytest
from anyio.lowlevel import checkpoint
from cancel_everywhere import cancel_everywhere

from specter import Runtime


async def test_a_scenario_is_cancelled_at_each_of_its_checkpoints():
    got_to = []

    async def scenario():
        for step in range(3):
            got_to.append(step)
            await anyio.sleep(0.001)
        got_to.append("end")

    assert await cancel_everywhere(scenario, ways=("scope",)) == 3
    assert got_to == [0, 0, 1, 0, 1, 2, 0, 1, 2, "end"]


async def test_a_lock_that_a_cancelled_task_keeps_is_found(anyio_backend_name):
    held = []

    async def scenario():
        held.clear()
        await checkpoint()
        held.append(1)
        await checkpoint()
        held.clear()

    with pytest.raises(AssertionError) as found:
        await cancel_everywhere(scenario, lambda: check_empty(held))

    assert f"cancelled at checkpoint 2 (scope, {anyio_backend_name})" in found.value.__notes__


def check_empty(found):
    assert not found


async def test_what_is_left_by_a_task_below_is_found():
    left = []

    async def careless():
        left.append(1)
        await checkpoint()
        left.clear()
        await checkpoint()

    async def scenario():
        left.clear()
        async with anyio.create_task_group() as group:
            group.start_soon(careless)

    with pytest.raises(AssertionError) as found:
        await cancel_everywhere(scenario, lambda: check_empty(left), ways=("below",))

    assert "below" in found.value.__notes__[0]


async def test_a_task_that_is_left_is_found(anyio_backend_name):
    async with Runtime() as runtime:

        async def scenario():
            await checkpoint()
            task = runtime.start_task(anyio.sleep_forever, label="left")
            await checkpoint()
            task.cancel()

        with pytest.raises(AssertionError, match="tasks are left") as found:
            await cancel_everywhere(scenario)

    assert f"cancelled at checkpoint 2 (scope, {anyio_backend_name})" in found.value.__notes__


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_item_that_is_lost_when_it_comes_with_the_cancellation_is_missed_by_none_but_late():
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
    with pytest.raises(AssertionError):
        await cancel_everywhere(scenario, check, ways=("late",))


async def test_an_error_of_the_scenario_is_raised():
    async def scenario():
        await checkpoint()
        raise LookupError("on purpose")

    with pytest.raises(LookupError):
        await cancel_everywhere(scenario)
