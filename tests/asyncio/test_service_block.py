"""A service as a block, with or without a runtime around it."""

import anyio
import pytest
from anyio.lowlevel import checkpoint
from parts import Part

from specter import Runtime, Service
from specter.testing import cancel_everywhere


async def test_a_service_as_a_block_opens_a_runtime_where_there_is_none():
    async with Service("svc") as service:
        assert service.running
        runtime = Runtime.current()
        assert runtime is not None
        assert runtime.name == "svc"

    assert not service.running
    assert Runtime.current() is None


async def test_a_service_as_a_block_takes_the_runtime_that_is_there(runtime):
    async with Service("svc"):
        assert Runtime.current() is runtime


async def test_blocks_of_one_service_nest():
    service = Service("svc")
    async with service:
        async with service:
            async with service:
                assert service.running
            assert not service.running
        assert Runtime.current() is not None
        await service.start()

    assert not service.running
    assert Runtime.current() is None


async def test_a_block_whose_start_fails_closes_its_runtime():
    def fail():
        raise ValueError("no good")

    with pytest.raises(ValueError, match="no good") as found:
        async with Part("svc", start=fail):
            raise AssertionError

    assert Runtime.current() is None
    assert found.value.__context__ is None


async def test_a_block_can_be_entered_again():
    part = Part("svc")
    for _ in range(2):
        async with part:
            assert part.running

    assert part.is_clean()


@pytest.mark.parametrize("first_out", ["first in", "last in"])
async def test_two_tasks_may_be_in_blocks_of_one_service(first_out):
    part = Part("svc")
    entered, leave = [anyio.Event(), anyio.Event()], [anyio.Event(), anyio.Event()]

    async def block(number):
        async with part:
            entered[number].set()
            await leave[number].wait()
            inside.append(Runtime.current())
        assert Runtime.current() is None

    inside = []
    async with anyio.create_task_group() as group:
        for number in range(2):
            group.start_soon(block, number)
            await entered[number].wait()
        for number in (0, 1) if first_out == "first in" else (1, 0):
            leave[number].set()
            await anyio.wait_all_tasks_blocked()

    assert part.is_clean()
    assert None not in inside


async def test_a_block_cancelled_at_any_wait_leaves_nothing():
    parts = []

    async def scenario():
        parts.append(Part("svc", start=checkpoint, stop=checkpoint))
        async with parts[-1]:
            await checkpoint()

    def check():
        assert parts[-1].is_clean()
        assert Runtime.current() is None

    assert await cancel_everywhere(scenario, check) > 10
