"""What holds virtual time still on asyncio and trio: work in threads and executors."""

import asyncio
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import anyio
import pytest
import trio
from anyio import from_thread, to_thread
from fresh import python
from outside import PATIENCE, WORK, only_asyncio

from specter import Runtime, Service
from specter.testing import backend_options, virtual_time

IMPORTED_ANEW = """
import sys, time
import anyio
from anyio import to_thread
from specter.testing import backend_options, virtual_time

async def main():
    with virtual_time() as clock:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep, 3600)
            await to_thread.run_sync(time.sleep, 0.05)
            print(clock.now)

anyio.run(anyio.sleep, 0, backend="BACKEND")
del sys.modules["anyio._backends._BACKEND"]
anyio.run(main, backend="BACKEND", backend_options=backend_options("BACKEND"))
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_doors_are_those_that_anyio_uses(backend):
    assert python(IMPORTED_ANEW.replace("BACKEND", backend)) == "0.0"


class TestThreads:
    async def test_anyio_to_thread(self, ticking):
        await to_thread.run_sync(time.sleep, WORK)

        assert ticking.now == 0

    async def test_a_limiter_of_its_own(self, ticking):
        await to_thread.run_sync(time.sleep, WORK, limiter=anyio.CapacityLimiter(1))

        assert ticking.now == 0

    async def test_many_short_ones(self, ticking):
        for _ in range(100):
            await to_thread.run_sync(int)

        assert ticking.now == 0

    async def test_one_that_is_abandoned_holds_no_more(self, ticking):
        go = threading.Event()
        with anyio.move_on_after(0) as scope:
            await to_thread.run_sync(go.wait, abandon_on_cancel=True)
        await ticking.advance(3600)
        go.set()

        assert scope.cancelled_caught
        assert ticking.now == 3600

    async def test_who_waits_for_a_token_is_not_at_work(self, ticking):
        limiter = anyio.CapacityLimiter(1)

        async def keep():
            async with limiter:
                await anyio.sleep(3600)

        real = time.monotonic()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep)
            await anyio.lowlevel.checkpoint()
            await to_thread.run_sync(int, limiter=limiter)

        assert ticking.now == 3600
        assert time.monotonic() - real < PATIENCE, "it was waited for in vain"

    async def test_one_that_waits_for_the_loop_lets_time_go(self, ticking):
        with anyio.fail_after(200):
            await to_thread.run_sync(from_thread.run, anyio.sleep, 100)

        assert ticking.now == 100

    async def test_after_that_it_holds_again(self, ticking):
        def work():
            from_thread.run(anyio.sleep, 100)
            time.sleep(WORK)

        await to_thread.run_sync(work)

        assert ticking.now == 100

    async def test_one_beside_it_goes_on_to_hold(self, ticking):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(to_thread.run_sync, from_thread.run, anyio.sleep, 100)
            await to_thread.run_sync(time.sleep, WORK)
            assert ticking.now == 0

        assert ticking.now == 100

    @only_asyncio
    @pytest.mark.parametrize(
        "ask",
        [
            lambda: asyncio.to_thread(time.sleep, WORK),
            lambda: asyncio.get_running_loop().run_in_executor(None, time.sleep, WORK),
            lambda: asyncio.get_running_loop().getaddrinfo("localhost", 80),
        ],
        ids=["to_thread", "run_in_executor", "getaddrinfo"],
    )
    async def test_executors_of_asyncio(self, ticking, ask):
        await ask()

        assert ticking.now == 0

    @only_asyncio
    async def test_an_executor_of_processes(self, ticking):
        with ProcessPoolExecutor(1) as executor:
            await asyncio.get_running_loop().run_in_executor(executor, time.sleep, WORK)

            assert ticking.now == 0

    @only_asyncio
    async def test_an_executor_that_is_closed_holds_nothing(self, ticking):
        executor = ProcessPoolExecutor(1)
        executor.shutdown()
        with pytest.raises(RuntimeError, match="shutdown"):
            await asyncio.get_running_loop().run_in_executor(executor, time.sleep, WORK)
        await ticking.advance(1)

        assert ticking.now == 1

    @pytest.mark.parametrize("anyio_backend", [("trio", backend_options("trio"))], ids=["trio"])
    async def test_threads_of_trio(self, ticking):
        await trio.to_thread.run_sync(time.sleep, WORK)
        assert ticking.now == 0

        await trio.to_thread.run_sync(trio.from_thread.run, trio.sleep, 100)
        assert ticking.now == 100

    @pytest.mark.parametrize("anyio_backend", [("trio", backend_options("trio"))], ids=["trio"])
    async def test_a_thread_that_began_before(self):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(trio.to_thread.run_sync, time.sleep, WORK)
            await anyio.sleep(0.001)
            with virtual_time() as clock:
                await clock.settle()
                ended = trio.testing.active_thread_count() == 0

        assert ended


async def test_who_waits_for_no_moment_moves_no_time():
    """A runtime without timers sleeps for ever: that is no moment to which time could move."""
    with virtual_time() as clock:
        async with Runtime(), Service("s") as service:
            service.timeout(int, 1)
            await clock.advance(2)
            done, token = anyio.Event(), anyio.lowlevel.current_token()
            # By hand: no worker thread, which would hold the time.
            threading.Timer(WORK, lambda: from_thread.run_sync(done.set, token=token)).start()
            await done.wait()

            assert clock.now == 2


async def test_doors_stay_what_they_are_on_other_loops():
    """Once opened, they do their work on every loop."""
    assert await to_thread.run_sync(partial(int, "7")) == 7
