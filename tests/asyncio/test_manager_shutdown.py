"""Shutdown of services, on asyncio and on trio: whole, and within its time."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import anyio
import pytest
from booted import Part, managed

from specter import ServiceError, ServiceManager, registry


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"shutdown_timeout": float("inf")}, "shutdown_timeout must be finite, got inf"),
        ({"shutdown_timeout": 0}, "shutdown_timeout must be more than 0 seconds, got 0"),
        ({"graceful_timeout": -1}, "graceful_timeout must be 0 seconds or more, got -1"),
        ({"graceful_timeout": None}, "graceful_timeout must be a number of seconds, got None"),
    ],
    ids=str,
)
def test_a_time_that_no_shutdown_can_keep_is_an_error(options: dict[str, Any], problem: str) -> None:
    with pytest.raises((TypeError, ValueError), match=problem):
        ServiceManager(**options)


async def test_cancelling_the_block_runs_the_whole_teardown_first() -> None:
    log: list[str] = []

    async def slow_stop() -> None:
        await anyio.sleep(0.02)
        log.append("cleaned up")

    with anyio.CancelScope() as scope:
        async with managed(Part("a", log=log)) as manager:
            registry.require("a").add_cleanup(slow_stop)
            scope.cancel()
            await anyio.sleep_forever()

    assert log == ["start a", "stop a", "cleaned up"]
    assert not manager.running


async def test_a_shutdown_from_a_task_of_a_service_does_not_wait_for_itself() -> None:
    log: list[str] = []
    manager = managed(Part("a", log=log))
    after = anyio.Event()

    async def end_it_all() -> None:
        await manager.shutdown()
        after.set()

    with anyio.fail_after(5):
        async with manager:
            registry.require("a").spawn(end_it_all)
            await after.wait()
            assert not manager.booted

    assert log == ["start a", "stop a"]


async def test_a_service_that_does_not_end_is_abandoned_by_name_and_the_others_stop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log: list[str] = []
    enough = anyio.Event()

    async def stubborn() -> None:
        while not enough.is_set():
            with anyio.CancelScope(shield=True):
                await enough.wait()

    manager = managed(Part("a", log=log), Part("b", "a", log=log), shutdown_timeout=0.4)
    with anyio.fail_after(5):
        async with manager:
            registry.require("b").spawn(stubborn, label="hang")
            await anyio.sleep(0.01)
    enough.set()

    assert log == ["start a", "start b", "stop b", "stop a"]
    assert len(manager.abandoned) == 1
    assert "task 'hang' of 'b' did not end, waits at test_manager_shutdown.py" in manager.abandoned[0]
    assert "in stubborn" in manager.abandoned[0]
    assert manager.abandoned[0] in caplog.text


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # trio waits for each task of a nursery
@pytest.mark.parametrize("end", ["fails", "is cancelled"])
async def test_a_start_that_does_not_end_is_abandoned_by_name_and_the_others_stop(
    end: str, caplog: pytest.LogCaptureFixture
) -> None:
    log: list[str] = []
    enough, begun = anyio.Event(), anyio.Event()

    async def stubborn() -> None:
        begun.set()
        while not enough.is_set():
            with anyio.CancelScope(shield=True):
                await enough.wait()

    async def bad() -> None:
        await begun.wait()
        if end == "fails":
            raise ValueError("no disk")
        scope.cancel()
        await anyio.sleep_forever()

    manager = managed(
        Part("a", log=log),
        Part("bad", "a", log=log, start=bad),
        Part("hangs", "a", log=log, start=stubborn),
        shutdown_timeout=0.4,
    )
    with anyio.fail_after(5), anyio.CancelScope() as scope:
        with pytest.raises(ServiceError, match="no disk") if end == "fails" else nullcontext():
            await manager.__aenter__()
            pytest.fail("booted")
    enough.set()

    assert scope.cancelled_caught == (end == "is cancelled")
    assert sorted(log) == ["start a", "start bad", "start hangs", "stop a"]
    assert len(manager.abandoned) == 1
    assert "start of service 'hangs' did not end, waits at test_manager_shutdown.py" in manager.abandoned[0]
    assert "in stubborn" in manager.abandoned[0]
    assert manager.abandoned[0] in caplog.text
