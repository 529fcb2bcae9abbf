"""`eventually` in virtual time, on event loops that tell nothing, and cancelled; the rest is in `tests/shared`."""

import anyio
import pytest
from anyio import to_thread
from anyio.lowlevel import checkpoint

from specter import Runtime, Service, Store
from specter.testing import backend_options, cancel_everywhere, eventually, virtual_time


@pytest.fixture(params=["asyncio", "trio"])
def run(request):
    """Runs a coroutine function in virtual time."""

    def run(body):
        async def main():
            with virtual_time() as clock:
                return await body(clock)

        return anyio.run(main, backend=request.param, backend_options=backend_options(request.param))

    return run


def test_in_virtual_time_the_moment_is_exact_and_no_time_is_lost(run):
    done, asked = [], []

    async def later():
        await anyio.sleep(3600.5)
        done.append(1)
        await anyio.sleep(3600)

    async def body(clock):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(later)
            await eventually(lambda: asked.append(1) or done, timeout=7200)
            assert clock.now == 3600.5
            tasks.cancel_scope.cancel()

    run(body)
    assert len(asked) < 10


def test_a_timer_of_a_service_is_noticed_at_its_moment(run):
    ticks = []

    async def body(clock):
        async with Runtime(), Service("s") as service:
            service.interval(lambda: ticks.append(clock.now), 60)
            await eventually(lambda: len(ticks) == 10, timeout=3600)
            assert clock.now == 600

    run(body)
    assert ticks == [60.0 * n for n in range(1, 11)]


@pytest.mark.parametrize("observed", [False, True])
def test_a_timeout_comes_at_its_moment(run, observed):
    store = Store("s")

    async def body(clock):
        with pytest.raises(TimeoutError):
            await eventually(lambda: store.get("n"), on=store if observed else None, timeout=12.5)
        assert clock.now == 12.5

    run(body)


def test_what_comes_true_with_the_end_of_the_time_is_in_time(run):
    done = []

    async def later():
        await anyio.sleep(10)
        done.append(1)

    async def body(clock):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(later)
            assert await eventually(lambda: done, timeout=10) == [1]
            assert clock.now == 10

    run(body)


def test_several_that_wait_let_the_time_pass(run):
    done = []

    async def wait(number):
        await eventually(lambda: len(done) >= number, timeout=1000)

    async def body(clock):
        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(wait, number)
            for _ in range(5):
                await anyio.sleep(100)
                done.append(1)
        assert clock.now == 500

    run(body)


def test_a_coroutine_function_may_let_time_pass(run):
    async def predicate():
        await anyio.sleep(1)
        return clock_now[0]() >= 5

    clock_now = []

    async def body(clock):
        clock_now.append(lambda: clock.now)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep, 3)
            tasks.start_soon(anyio.sleep, 6)
            await eventually(predicate, timeout=100)

    run(body)


async def test_a_loop_that_tells_nothing_is_asked_again_and_again(monkeypatch):
    monkeypatch.setattr("specter.testing._looks._selector_of", lambda loop: None)
    done = []

    async def later():
        await anyio.sleep(0.01)
        done.append(1)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(later)
        assert await eventually(lambda: done) == [1]


async def test_a_store_that_a_worker_thread_changes_is_noticed():
    store = Store("s")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(to_thread.run_sync, store.set, {"n": 1})
        assert await eventually(lambda: store.get("n"), on=store) == 1


@pytest.mark.parametrize("observed", [False, True])
async def test_cancelled_anywhere_it_leaves_nothing(observed):
    stores = []

    async def scenario():
        stores.append(store := Store("s"))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(eventually, lambda: store.get("n"))
            tasks.start_soon(checkpoint)
            with anyio.move_on_after(0.005):
                await eventually(lambda: store.get("other"), on=store if observed else None)
            store.set({"n": 1})

    def check():
        assert not list(stores[-1]._subscribers)

    assert await cancel_everywhere(scenario, check) > 5
