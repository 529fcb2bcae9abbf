"""Who starts or stops something, how that call ends, and what the hook does that it calls: for tables of all cells."""

import asyncio
import itertools
from contextlib import suppress

import anyio
import pytest
from anyio import from_thread, to_thread
from anyio.lowlevel import checkpoint

from specter import Service

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


async def by_a_worker_thread(act, service):
    """On a clock that waits for threads. None of them can be cancelled: what hangs is ended from here."""
    done = anyio.Event()

    async def call():
        await to_thread.run_sync(from_thread.run, _quiet, act)
        done.set()

    async with anyio.create_task_group() as group:
        group.start_soon(call)
        with anyio.move_on_after(0.05):
            await done.wait()
        if not done.is_set():
            await service.stop()


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


def waits_at(hook):
    """What the log says of where *hook* waits, which does so in its last line."""
    code = hook.__code__
    return f"waits at cells.py:{max(line for _, _, line in code.co_lines() if line)} in {code.co_name}"


def cells(callers):
    return [pytest.param(*cell, id="-".join(fn.__name__ for fn in cell)) for cell in itertools.product(HOOKS, callers)]
