"""Boot and shutdown: whatever a hook does, whoever calls, however the call ends, what was acquired is released."""

from contextlib import suppress

import anyio
import pytest
from anyio.lowlevel import checkpoint
from cells import CALLERS, NATIVE, by_a_worker_thread, cells, hang, swallow, twice_at_once, waits_at
from parts import Part

from specter import Controller, Runtime, ServiceError, ServiceManager, registry
from specter.testing import cancel_everywhere

pytestmark = pytest.mark.virtual_clock

# `boot()` outside of a block is asyncio's alone.
on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])


def made(*, start=lambda: None, stop=lambda: None):
    """A manager of two services; the second, with the hooks, needs the first."""
    first, second = Part("first"), Part("a", start=start, stop=stop)
    second.depends_on = ("first",)
    second.stop_timeout = 4.0
    manager = ServiceManager(shutdown_timeout=4.0)
    manager.register_service(second).register_service(first)
    return manager, first, second


def check(manager, *parts):
    """Nothing is left of a manager."""
    assert all(part.is_clean() for part in parts)
    assert not (manager.running or manager.booted or manager.ready or manager._ledger)
    assert manager.abandoned == []
    assert registry.list() == []
    assert Runtime.current() is None
    for part in parts:
        assert part.log.count(f"{part.name} cleans up") == part.log.count(f"{part.name} starts")


async def boot_cell(hook, caller):
    manager, first, second = made(start=hook)
    with anyio.fail_after(10), suppress(ServiceError):
        await caller(manager.boot, second)
    with anyio.fail_after(10):
        await manager.shutdown()

    check(manager, first, second)
    # The one that waited begins anew when the first has failed.
    assert second.log.count("a starts") <= (2 if caller is twice_at_once else 1)


async def shutdown_cell(hook, caller, caplog):
    manager, first, second = made(stop=hook)
    await manager.boot()
    await checkpoint()
    with anyio.fail_after(10):
        await caller(manager.shutdown, second)
    with anyio.fail_after(10):
        await manager.shutdown()  # one that was called from within may still be under way

    check(manager, first, second)
    assert second.log.count("a stops") == first.log.count("first stops") == 1
    assert (f"on_stop of 'a' did not end in time, {waits_at(hook)}" in caplog.text) == (hook in (hang, swallow))


@on_asyncio
@pytest.mark.parametrize(("hook", "caller"), cells(CALLERS + NATIVE))
async def test_boot(hook, caller):
    await boot_cell(hook, caller)


@on_asyncio
@pytest.mark.parametrize(("hook", "caller"), cells(CALLERS + NATIVE))
async def test_shutdown(hook, caller, caplog):
    await shutdown_cell(hook, caller, caplog)


@on_asyncio
@pytest.mark.parametrize(("hook", "caller"), cells([by_a_worker_thread]))
async def test_boot_from_a_worker_thread(hook, caller):
    await boot_cell(hook, caller)


@on_asyncio
@pytest.mark.parametrize(("hook", "caller"), cells([by_a_worker_thread]))
async def test_shutdown_from_a_worker_thread(hook, caller, caplog):
    await shutdown_cell(hook, caller, caplog)


@pytest.mark.parametrize("when", ["start", "stop"])
@pytest.mark.parametrize(("hook", "caller"), cells(CALLERS[:3]))
async def test_a_block(hook, caller, when):
    manager, first, second = made(**{when: hook})

    async def block():
        async with manager:
            await checkpoint()

    with anyio.fail_after(10), suppress(ServiceError):
        await caller(block, second)

    check(manager, first, second)


async def test_a_block_cancelled_at_any_wait_leaves_nothing():
    live = []

    async def scenario():
        manager, first, second = made(start=checkpoint, stop=checkpoint)
        live[:] = [manager, first, second]
        manager.register_controller(Controller("controller"))
        async with manager:
            await manager.adopt(Part("late", start=checkpoint))
            await checkpoint()

    assert await cancel_everywhere(scenario, lambda: check(*live)) > 10


@on_asyncio
async def test_a_boot_and_a_shutdown_cancelled_at_any_wait_leave_nothing():
    live = []

    async def scenario():
        live[:] = made(start=checkpoint, stop=checkpoint)
        manager = live[0]
        try:
            await manager.boot()
        finally:
            await manager.shutdown()

    assert await cancel_everywhere(scenario, lambda: check(*live)) > 10
