"""A method that hangs can be cancelled like any other wait; what both runtimes share is tested in `tests/shared`."""

import anyio
import gevent
import pytest

import specter_gevent
from specter import Runtime, Service
from specter.testing import hang
from specter_gevent import testing as gevent_harness


async def test_a_start_that_hangs_is_ended_by_a_stop():
    ends = []

    async def start(service):
        with pytest.raises(RuntimeError, match="was stopped while it started"):
            await service.start()
        ends.append(service.running)

    async with Runtime(), anyio.create_task_group() as tasks:
        service = Service("s")
        with hang(service, "on_start") as hanging:
            tasks.start_soon(start, service)
            with anyio.fail_after(5):
                await hanging.reached.wait()
                await service.stop()

    assert ends == [False]


async def test_a_start_that_hangs_is_cancelled_with_its_caller():
    async with Runtime():
        service = Service("s")
        with hang(service, "on_start") as hanging, anyio.move_on_after(0.01) as scope:
            await service.start()

    assert scope.cancelled_caught
    assert hanging.reached.is_set()
    assert not service.running


async def test_a_stop_that_hangs_is_given_up_when_its_time_is_over(caplog):
    async with Runtime():
        service = Service("s")
        service.stop_timeout = 0.05
        await service.start()
        with hang(service, "on_stop"):
            await service.stop()

    assert not service.running
    assert "on_stop" in caplog.text


def test_a_start_that_hangs_is_killed_on_gevent():
    service = specter_gevent.Service("s")
    with gevent_harness.hang(service, "on_start") as hanging:
        greenlet = gevent.spawn(service.start)
        assert hanging.reached.wait(timeout=5)
        greenlet.kill(timeout=5)

    assert not service.running
    assert "on_start" not in vars(service)
