"""Start and stop: whatever the hook does, whoever calls, however the call ends, what was acquired is released."""

import asyncio
import itertools
from contextlib import suppress

import anyio
import pytest
from anyio import from_thread, to_thread
from anyio.lowlevel import checkpoint
from moved_clock import BACKENDS
from parts import Part

from specter import Runtime, Service


@pytest.fixture(params=BACKENDS, ids=lambda make: make.__name__.removeprefix("jumping_"))
def anyio_backend(request):
    return request.param()


# What the hook does.


async def pass_by():
    await checkpoint()


async def fail():
    await checkpoint()
    raise ValueError("no good")


async def hang():
    await anyio.sleep_forever()


async def swallow():
    with suppress(BaseException):
        await anyio.sleep_forever()


# Who calls, and how the call ends. Each calls *act* (a start or a stop), and returns when that has ended.


async def by_the_test(act, service):
    with anyio.move_on_after(1):
        await act()


async def in_a_cancelled_scope(act, service):
    with anyio.CancelScope() as scope:
        scope.cancel()
        await act()


async def in_a_scope_cancelled_later(act, service):
    with anyio.move_on_after(0):
        await act()


async def natively_cancelled(act, service, times=1):
    task = asyncio.create_task(_quiet(act))
    for _ in range(times):
        await anyio.sleep(0.01)
        task.cancel()
    await asyncio.wait([task])


async def natively_cancelled_twice(act, service):
    await natively_cancelled(act, service, times=2)


async def twice_at_once(act, service):
    with anyio.move_on_after(1):
        async with anyio.create_task_group() as group:
            group.start_soon(_quiet, act)
            group.start_soon(_quiet, act)


async def by_a_task_of_another_service(act, service):
    async with Service("other") as other:
        task = other.spawn(_quiet, act)
        with anyio.move_on_after(1):
            await task.wait()


async def by_a_task_of_its_own(act, service):
    if service.running:
        await service.spawn(_quiet, act).wait()
    else:
        service.start_hook = _then(lambda: service.spawn(_quiet, act) and None, service.start_hook)
        await by_the_test(act, service)


async def by_a_task_of_a_child(act, service):
    if service.running:
        await service.child.spawn(_quiet, act).wait()
    else:
        service.start_hook = _then(lambda: service.child.spawn(_quiet, act) and None, service.start_hook)
        await by_the_test(act, service)


async def _quiet(act):
    with suppress(Exception):
        await act()


def _then(first, second):
    def both():
        first()
        return second()

    return both


HOOKS = [pass_by, fail, hang, swallow]
CALLERS = [
    by_the_test,
    in_a_cancelled_scope,
    in_a_scope_cancelled_later,
    twice_at_once,
    by_a_task_of_another_service,
    by_a_task_of_its_own,
    by_a_task_of_a_child,
]
NATIVE = [natively_cancelled, natively_cancelled_twice]


def cells(callers):
    return [pytest.param(*cell, id="-".join(fn.__name__ for fn in cell)) for cell in itertools.product(HOOKS, callers)]


async def start_cell(hook, caller):
    async with Runtime() as runtime:
        part = Part("a", start=hook)
        part.stop_timeout = 4
        with anyio.fail_after(10), suppress(ValueError):
            await caller(part.start, part)
        with anyio.fail_after(10):
            await part.stop()

        assert part.is_clean()
    assert part.log.count("a cleans up") == part.log.count("a starts")
    assert runtime.abandoned == []


async def stop_cell(hook, caller):
    async with Runtime() as runtime:
        part = Part("a", stop=hook)
        part.stop_timeout = 4
        await part.start()
        await checkpoint()
        with anyio.fail_after(10):
            await caller(part.stop, part)

        assert part.is_clean()
    assert part.log.count("a stops") == 1
    assert part.log[-1] == "a cleans up"
    assert runtime.abandoned == []


@pytest.mark.parametrize(("hook", "caller"), cells(CALLERS))
async def test_start(hook, caller):
    await start_cell(hook, caller)


@pytest.mark.parametrize(("hook", "caller"), cells(CALLERS))
async def test_stop(hook, caller):
    await stop_cell(hook, caller)


@pytest.mark.parametrize("anyio_backend", [BACKENDS[0]()], ids=["asyncio"])
@pytest.mark.parametrize(("hook", "caller"), cells(NATIVE))
async def test_start_cancelled_natively(hook, caller):
    await start_cell(hook, caller)


@pytest.mark.parametrize("anyio_backend", [BACKENDS[0]()], ids=["asyncio"])
@pytest.mark.parametrize(("hook", "caller"), cells(NATIVE))
async def test_stop_cancelled_natively(hook, caller):
    await stop_cell(hook, caller)


# With a clock that waits for threads.


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@pytest.mark.parametrize("hook", [pass_by, fail], ids=lambda fn: fn.__name__)
async def test_from_a_worker_thread(hook):
    async with Runtime():
        part = Part("a", start=hook, stop=hook)
        with suppress(ValueError):
            await to_thread.run_sync(from_thread.run, part.start)
        started = part.running
        await to_thread.run_sync(from_thread.run, part.stop)

        assert started == (hook is pass_by)
        assert part.is_clean()


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@pytest.mark.parametrize("what", ["start", "stop"])
async def test_on_another_event_loop_the_error_says_what_to_do(what):
    async with Runtime(), Service("parent") as parent:
        child = Part("child")
        await parent.adopt(child, start=what == "stop")
        with pytest.raises(RuntimeError, match=rf"use anyio\.from_thread\.run\(service\.{what}\)"):
            await to_thread.run_sync(anyio.run, getattr(child, what))

        assert child.running == (what == "stop")
