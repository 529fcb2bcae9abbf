"""Start and stop: whatever the hook does, whoever calls, however the call ends, what was acquired is released."""

from contextlib import suppress

import anyio
import pytest
from anyio import to_thread
from anyio.lowlevel import checkpoint
from cells import CALLERS, NATIVE, by_a_worker_thread, cells, hang, in_a_cancelled_scope, swallow, waits_at
from parts import Part

from specter import Runtime, Service

pytestmark = pytest.mark.virtual_clock


async def start_cell(hook, caller):
    async with Runtime() as runtime:
        part = Part("a", start=hook)
        part.stop_timeout = 4.0
        with anyio.fail_after(10), suppress(ValueError):
            await caller(part.start, part)
        with anyio.fail_after(10):
            await part.stop()

        assert part.is_clean()
    assert part.log.count("a starts") >= 1 or caller is in_a_cancelled_scope
    assert part.log.count("a cleans up") == part.log.count("a starts")
    assert runtime.abandoned == []


async def stop_cell(hook, caller, caplog):
    async with Runtime() as runtime:
        part = Part("a", stop=hook)
        part.stop_timeout = 4.0
        await part.start()
        await checkpoint()
        with anyio.fail_after(10):
            await caller(part.stop, part)

        assert part.is_clean()
    assert part.log.count("a stops") == 1
    assert part.log[-1] == "a cleans up"
    assert runtime.abandoned == []
    assert (f"on_stop of 'a' did not end in time, {waits_at(hook)}" in caplog.text) == (hook in (hang, swallow))


@pytest.mark.parametrize(("hook", "caller"), cells(CALLERS))
async def test_start(hook, caller):
    await start_cell(hook, caller)


@pytest.mark.parametrize(("hook", "caller"), cells(CALLERS))
async def test_stop(hook, caller, caplog):
    await stop_cell(hook, caller, caplog)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(("hook", "caller"), cells(NATIVE))
async def test_start_cancelled_natively(hook, caller):
    await start_cell(hook, caller)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(("hook", "caller"), cells(NATIVE))
async def test_stop_cancelled_natively(hook, caller, caplog):
    await stop_cell(hook, caller, caplog)


@pytest.mark.parametrize(("hook", "caller"), cells([by_a_worker_thread]))
async def test_start_from_a_worker_thread(hook, caller):
    await start_cell(hook, caller)


@pytest.mark.parametrize(("hook", "caller"), cells([by_a_worker_thread]))
async def test_stop_from_a_worker_thread(hook, caller, caplog):
    await stop_cell(hook, caller, caplog)


@pytest.mark.parametrize("what", ["start", "stop"])
async def test_on_another_event_loop_the_error_says_what_to_do(what):
    async with Runtime(), Service("parent") as parent:
        child = Part("child")
        await parent.adopt(child, start=what == "stop")
        with pytest.raises(RuntimeError, match=rf"use anyio\.from_thread\.run\(service\.{what}\)"):
            await to_thread.run_sync(anyio.run, getattr(child, what))

        assert child.running == (what == "stop")
