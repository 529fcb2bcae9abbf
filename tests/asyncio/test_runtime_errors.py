"""What comes out of a runtime: errors that are no exceptions end it, and only it."""

import anyio
import pytest
from parts import Part

from specter import Runtime, Service


class Failed(BaseException):
    """Like that of pytest."""


async def test_an_error_that_is_no_exception_comes_out_on_leaving_and_nothing_else_dies(caplog):
    error, log = Failed("no good"), []

    async def fail():
        raise error

    with pytest.raises(Failed) as found:
        async with Runtime() as runtime:
            service = await Service("svc").start()
            await service.spawn(fail).wait()
            await service.spawn(lambda: log.append("goes on")).wait()
            assert Runtime.current() is runtime

    assert found.value is error
    assert error.__context__ is None
    assert log == ["goes on"]
    assert "fail' of 'svc' failed" in caplog.text


async def test_several_come_out_as_a_group():
    async def fail():
        raise Failed

    with pytest.raises(BaseExceptionGroup) as found:
        async with Runtime(), Service("svc") as service:
            for _ in range(2):
                await service.spawn(fail).wait()

    assert [type(error) for error in found.value.exceptions] == [Failed, Failed]


async def test_the_block_s_own_error_comes_before_them():
    async def fail():
        raise Failed

    with pytest.raises(ValueError):
        async with Runtime(), Service("svc") as service:
            await service.spawn(fail).wait()
            raise ValueError


async def test_they_come_out_once():
    async def fail():
        raise Failed

    runtime = Runtime()
    with pytest.raises(Failed):
        async with runtime:
            await runtime.start_task(fail).wait()
    async with runtime:
        pass


@pytest.mark.virtual_clock
async def test_such_an_error_in_a_plain_tick_leaves_the_timers_alone():
    ticks = []

    def fail():
        raise Failed

    with pytest.raises(Failed):
        async with Runtime(), Service("svc") as service:
            service.timeout(fail, 10)
            service.interval(lambda: ticks.append(1), 10)
            await anyio.sleep(35)

    assert ticks == [1, 1, 1]


async def test_such_an_error_in_a_hook_comes_out_on_leaving():
    async def fail():
        raise Failed

    part = Part("a", stop=fail)
    with pytest.raises(Failed):
        async with Runtime():
            await part.start()

    assert part.is_clean()
