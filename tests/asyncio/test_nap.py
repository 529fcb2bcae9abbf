"""A nap ends at its moment or by a cancellation, and looks like a future to whoever watches its task."""

from __future__ import annotations

import asyncio

import pytest

from specter import Service
from specter._nap import Nap


@pytest.fixture
def anyio_backend() -> str:
    """asyncio: trio needs no nap."""
    return "asyncio"


async def napping(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    await Nap(loop, loop.time() + seconds)


async def test_it_ends_at_its_moment(virtual_clock):
    await napping(3)

    assert virtual_clock.now == 3


async def test_a_moment_that_has_passed_is_now(virtual_clock):
    await napping(-1)

    assert virtual_clock.now == 0


async def test_its_task_can_be_cancelled(virtual_clock):
    task = asyncio.create_task(napping(3))
    await asyncio.sleep(1)
    task.cancel("told")

    with pytest.raises(asyncio.CancelledError, match="told"):
        await task
    assert virtual_clock.now == 1


async def test_a_cancellation_at_its_very_moment_is_not_lost(virtual_clock):
    loop = asyncio.get_running_loop()
    nap = Nap(loop, loop.time() + 1)

    async def sleeper() -> None:
        await nap

    # Called first, when the moment has come and the task has not run.
    nap.add_done_callback(lambda _: task.cancel())
    task = asyncio.create_task(sleeper())

    with pytest.raises(asyncio.CancelledError):
        await task
    assert (virtual_clock.now, nap.done(), nap.cancelled()) == (1, True, False)


async def test_those_who_watch_are_told_once_and_in_order(virtual_clock):
    loop = asyncio.get_running_loop()
    nap, told = Nap(loop, loop.time() + 1), []
    for number in (1, 2, 3):
        nap.add_done_callback(lambda _, number=number: told.append(number))
    await virtual_clock.advance(1)
    assert told == [1, 2, 3]

    cancelled = Nap(loop, loop.time() + 1)
    cancelled.add_done_callback(lambda _: told.append("cancelled"))
    assert cancelled.cancel()
    assert not cancelled.cancel()
    await virtual_clock.advance(1)
    assert told == [1, 2, 3, "cancelled"]


async def test_an_interval_takes_one_turn_of_the_loop(virtual_clock, specter_runtime):
    turns, ticks = 0, []
    selector = asyncio.get_running_loop().paced
    select = selector.select

    def counted(timeout=None):
        nonlocal turns
        turns += 1
        return select(timeout)

    async with Service("s") as service:
        service.interval(lambda: ticks.append(turns), 1)
        selector.select = counted
        try:
            await virtual_clock.advance(100)
        finally:
            del selector.select

    assert len(ticks) == 100
    assert ticks[-1] - ticks[0] == 99
