"""The virtual clock on asyncio and trio: when time moves, and how it is switched on and off."""

import asyncio
import math
import random
import time

import anyio
import pytest
import trio
import uvloop

from specter.testing import backend_options, loop_factory, virtual_time


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param, backend_options(request.param)


class TestMoving:
    async def test_time_moves_to_what_is_waited_for(self):
        with virtual_time() as clock:
            moments = []

            async def wait(seconds):
                await anyio.sleep(seconds)
                moments.append(clock.now)

            async with anyio.create_task_group() as tasks:
                for seconds in (86_400, 0.25, 60, 0.1):
                    tasks.start_soon(wait, seconds)

        assert moments == [0.1, 0.25, 60, 86_400]

    async def test_time_stands_still_while_a_task_runs(self):
        with virtual_time() as clock:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(anyio.sleep, 5)
                for _ in range(500):
                    await anyio.lowlevel.checkpoint()
                    assert clock.now == 0

        assert clock.now == 5

    async def test_deadlines_are_exact(self):
        with virtual_time() as clock:
            with anyio.move_on_after(30), anyio.move_on_after(10):
                await anyio.sleep_forever()
            first = clock.now
            with pytest.raises(TimeoutError), anyio.fail_after(5):
                await anyio.Event().wait()

        assert (first, clock.now) == (10, 15)

    @pytest.mark.parametrize("step", [0.1, 1 / 3, 1e-7, math.pi])
    async def test_a_deadline_is_reached_wherever_it_falls(self, step):
        """Moments are sums of floats: time may come out a hair before one, and must still come to it."""
        with virtual_time() as clock:
            for _ in range(300):
                with anyio.move_on_after(step):
                    await anyio.sleep_forever()

        assert clock.now == pytest.approx(300 * step)

    async def test_years_pass(self):
        with virtual_time() as clock:
            for _ in range(10):
                await anyio.sleep(365 * 86_400)
                await anyio.sleep(0.001)
                with anyio.move_on_after(1):
                    await anyio.sleep_forever()

        assert clock.now == pytest.approx(10 * 365 * 86_400 + 10.01, abs=1e-4)

    async def test_each_run_is_like_the_other(self, anyio_backend_name):
        traces = []
        for _ in range(3):
            trace = []

            async def wander(number, trace=trace):
                chance = random.Random(number)
                for _ in range(20):
                    await anyio.sleep(chance.choice([0, 0.1, 0.2, 0.3, 0.7, round(chance.random(), 6)]))
                    trace.append((clock.now, number))

            with virtual_time() as clock:
                async with anyio.create_task_group() as tasks:
                    for number in range(30):
                        tasks.start_soon(wander, number)
                await clock.advance(1.7)
            traces.append(trace)

        assert len(traces[0]) == 600
        if anyio_backend_name == "trio":  # it has tasks that can run take their turns in random order, on purpose
            traces = [sorted(trace) for trace in traces]
        assert traces[0] == traces[1] == traces[2]

    @pytest.mark.parametrize("anyio_backend", [("asyncio", {"loop_factory": loop_factory})], ids=["asyncio"])
    async def test_sums_of_tenths_are_exact(self):
        with virtual_time() as clock:
            for _ in range(3000):
                await anyio.sleep(0.1)

        assert clock.now == 300


class TestAdvancing:
    async def test_everything_happens_that_is_due_until_then(self):
        with virtual_time() as clock:
            moments, follows = [], anyio.Event()

            async def tick():
                while True:
                    await anyio.sleep(10)
                    moments.append(clock.now)
                    if clock.now == 60:
                        await anyio.lowlevel.checkpoint()
                        follows.set()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(tick)
                await clock.advance(60)

                assert moments == [10, 20, 30, 40, 50, 60]
                assert follows.is_set()
                assert clock.now == 60
                tasks.cancel_scope.cancel()

    async def test_to_settle_takes_no_time(self):
        with virtual_time() as clock:
            steps = []

            async def walk():
                for step in range(20):
                    await anyio.lowlevel.checkpoint()
                    steps.append(step)
                await anyio.sleep(1)
                steps.append("too late")

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(walk)
                await clock.settle()

                assert steps == list(range(20))
                assert clock.now == 0
                tasks.cancel_scope.cancel()

    async def test_several_may_settle_at_once(self):
        with virtual_time() as clock:
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(clock.settle)
                await clock.advance(1)

        assert clock.now == 1

    @pytest.mark.parametrize("seconds, error", [(-1, ValueError), (math.inf, ValueError), ("1", TypeError)])
    async def test_what_is_no_duration_is_refused(self, seconds, error):
        with virtual_time() as clock, pytest.raises(error, match="the time to advance must be"):
            await clock.advance(seconds)


class TestSwitching:
    async def test_time_never_goes_back(self):
        real, before = time.monotonic(), anyio.current_time()
        with virtual_time() as clock:
            began = anyio.current_time()
            await clock.advance(1000)
            ended = anyio.current_time()
        after, took = anyio.current_time(), time.monotonic() - real

        assert before <= began <= before + 1 + took
        assert ended == began + 1000
        assert ended <= after < ended + 10 + took

    async def test_time_is_real_before_and_after(self):
        for _ in range(2):
            real = time.monotonic()
            await anyio.sleep(0.02)
            assert time.monotonic() - real >= 0.019
            with virtual_time() as clock:
                await clock.advance(3600)

    async def test_what_waits_already_goes_by_it(self):
        woken = anyio.Event()

        async def wait():
            await anyio.sleep(3600)
            woken.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.lowlevel.checkpoint()
            with virtual_time() as clock:
                await clock.advance(3600)

        assert woken.is_set()

    async def test_what_still_waits_goes_on_in_real_time(self):
        ended = anyio.Event()

        async def wait():
            await anyio.sleep(3600.02)
            ended.set()

        async with anyio.create_task_group() as tasks:
            with virtual_time() as clock:
                tasks.start_soon(wait)
                await clock.advance(3600)
            real = time.monotonic()
            await ended.wait()

            assert 0.015 <= time.monotonic() - real < 10

    async def test_a_clock_that_has_ended_stands_still(self):
        with virtual_time() as clock:
            await clock.advance(7)
        await anyio.sleep(0.001)

        assert clock.now == 7
        assert repr(clock) == "<VirtualClock 7 s, ended>"
        for call in (clock.settle(), clock.advance(1)):
            with pytest.raises(RuntimeError, match="the virtual clock has ended"):
                await call

    async def test_an_error_ends_it(self):
        with pytest.raises(KeyError), virtual_time():
            raise KeyError
        with virtual_time() as clock:
            await clock.advance(1)

        assert clock.now == 1

    async def test_it_is_refused_twice(self):
        with virtual_time() as clock:
            with pytest.raises(RuntimeError, match="time is virtual already on this event loop"), virtual_time():
                pass  # pragma: no cover
            await clock.advance(1)

        assert clock.now == 1

    async def test_a_wrong_patience_is_refused_and_changes_nothing(self):
        with pytest.raises(ValueError, match="patience must be 0 seconds or more, got -1"), virtual_time(patience=-1):
            pass  # pragma: no cover
        with virtual_time():
            pass


async def use():
    with virtual_time():
        pass  # pragma: no cover


class TestOtherLoops:
    @pytest.mark.parametrize("factory", [None, uvloop.new_event_loop], ids=["asyncio's own", "uvloop"])
    def test_another_loop_of_asyncio_is_refused(self, factory):
        with asyncio.Runner(loop_factory=factory) as runner, pytest.raises(RuntimeError) as raised:
            runner.run(use())

        assert "of this one the time cannot be moved" in str(raised.value)
        assert "asyncio.Runner(loop_factory=specter.testing.loop_factory).run(main())" in str(raised.value)

    def test_another_clock_of_trio_is_refused(self):
        with pytest.raises(RuntimeError) as raised:
            trio.run(use)

        assert "this one cannot be moved: SystemClock" in str(raised.value)
        assert 'trio.run(main, **specter.testing.backend_options("trio"))' in str(raised.value)

    def test_without_a_loop_it_is_refused(self):
        with pytest.raises(RuntimeError, match="use `virtual_time` in an async function"), virtual_time():
            pass  # pragma: no cover

    def test_an_unknown_backend_is_refused(self):
        with pytest.raises(ValueError, match="unknown backend 'curio': there are 'asyncio' and 'trio'"):
            backend_options("curio")

    def test_what_it_is_made_for_needs_nothing_else(self):
        async def day():
            with virtual_time() as clock:
                await clock.advance(86_400)
                return clock.now

        with asyncio.Runner(loop_factory=loop_factory) as runner:
            assert runner.run(day()) == 86_400
        assert trio.run(day, **backend_options("trio")) == 86_400
