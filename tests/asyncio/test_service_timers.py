"""Intervals and timeouts of a service, in virtual time."""

import itertools
import re

import anyio
import pytest
from anyio.lowlevel import checkpoint
from logged import errors

from specter import Runtime, Service
from specter.task import Task

pytestmark = pytest.mark.virtual_clock


@pytest.fixture
async def clock(runtime):
    """Seconds since the test began."""
    began = anyio.current_time()
    return lambda: round(anyio.current_time() - began, 3)


async def test_an_interval_waits_first_and_then_calls_again_and_again(service, clock):
    called = []
    service.interval(lambda: called.append(clock()), 10)
    await anyio.sleep(35)

    assert called == [10, 20, 30]


async def test_an_interval_waits_from_the_end_of_a_call_and_never_overlaps(service, clock):
    called = []

    async def slow():
        called.append(clock())
        await anyio.sleep(15)

    service.interval(slow, 10)
    await anyio.sleep(120)

    assert called == [10, 35, 60, 85, 110]


async def test_a_plain_call_and_a_slow_one_do_not_delay_each_other(service, clock):
    plain, slow = [], []

    async def wait():
        slow.append(clock())
        await anyio.sleep(100)

    service.interval(wait, 10)
    service.interval(lambda: plain.append(clock()), 10)
    await anyio.sleep(35)

    assert slow == [10]
    assert plain == [10, 20, 30]


async def test_a_timeout_calls_once(service, clock):
    called = []
    service.timeout(lambda: called.append(clock()), 10)
    await anyio.sleep(35)

    assert called == [10]
    assert service._ledger.timeouts == {}


async def test_an_async_timeout_is_awaited(service, clock):
    called = []

    async def work():
        await anyio.sleep(1)
        called.append(clock())

    service.timeout(work, 10)
    await anyio.sleep(35)

    assert called == [11]
    assert service._ledger.timeouts == {}


async def test_a_timeout_of_zero_calls_soon_but_not_at_once(service):
    called = []
    service.timeout(lambda: called.append(1), 0)
    assert called == []
    await anyio.sleep(0.01)

    assert called == [1]


async def test_timers_of_the_same_moment_are_called_in_the_order_of_their_making(service):
    called = []
    for number in range(10):
        service.timeout(lambda number=number: called.append(number), 5)
    await anyio.sleep(6)

    assert called == list(range(10))


async def test_a_timer_that_is_due_earlier_is_called_earlier(service, clock):
    called = []
    for seconds in (50, 3, 20):
        service.timeout(lambda: called.append(clock()), seconds)
        await anyio.wait_all_tasks_blocked()
    await anyio.sleep(60)

    assert called == [3, 20, 50]


async def test_a_timer_made_by_a_timer_is_called(service, clock):
    called = []
    service.timeout(lambda: service.timeout(lambda: called.append(clock()), 5), 10)
    await anyio.sleep(60)

    assert called == [15]


async def test_ids_say_what_they_are_of(service):
    assert re.fullmatch("interval_[0-9a-f]{8}", service.interval(checkpoint, 1))
    assert re.fullmatch("timeout_[0-9a-f]{8}", service.timeout(checkpoint, 1))


async def test_ids_are_never_given_twice(service, monkeypatch):
    numbers = iter([7, 7, 7, 8])
    monkeypatch.setattr("specter.sansio.timers._random.getrandbits", lambda bits: next(numbers))

    assert service.interval(checkpoint, 1) == "interval_00000007"
    assert service.interval(checkpoint, 1) == "interval_00000008"


@pytest.mark.parametrize("slow", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize("kind", ["interval", "timeout"])
async def test_a_cancelled_timer_calls_no_more(service, kind, slow):
    called = []

    async def later():
        called.append(1)

    start, cancel = getattr(service, kind), getattr(service, f"cancel_{kind}")
    cancel(start(later if slow else lambda: called.append(1), 10))
    cancel("unknown")
    await anyio.sleep(60)

    assert called == []
    assert not service._ledger.intervals
    assert not service._ledger.timeouts


async def test_ids_of_the_other_kind_are_unknown(service, clock):
    called = []
    service.cancel_timeout(service.interval(lambda: called.append(clock()), 10))
    service.cancel_interval(service.timeout(lambda: called.append(clock()), 5))
    await anyio.sleep(12)

    assert called == [5, 10]


@pytest.mark.parametrize("slow", [False, True], ids=["plain", "async"])
async def test_an_interval_cancelled_from_within_ends_with_that_call(service, slow):
    called = []

    async def later():
        service.cancel_interval(key)
        await anyio.sleep(1)
        called.append("whole")

    def plain():
        service.cancel_interval(key)
        called.append("whole")

    key = service.interval(later if slow else plain, 10)
    await anyio.sleep(60)

    assert called == ["whole"]


@pytest.mark.parametrize("kind", ["interval", "timeout"])
async def test_cancelling_ends_a_call_that_runs(service, kind):
    log = []

    async def work():
        try:
            await anyio.sleep_forever()
        finally:
            log.append("ended")

    key = getattr(service, kind)(work, 10)
    await anyio.sleep(15)
    getattr(service, f"cancel_{kind}")(key)
    await anyio.sleep(60)

    assert log == ["ended"]
    assert not service._ledger.tasks


async def test_a_timer_can_cancel_one_that_is_due_at_the_same_moment(service):
    called = []
    keys = []
    service.timeout(lambda: service.cancel_timeout(keys[0]), 10)
    keys.append(service.timeout(lambda: called.append(1), 10))
    await anyio.sleep(60)

    assert called == []


async def test_an_interval_cancelled_by_one_after_it_at_the_same_moment_comes_no_more(service, clock):
    called = []
    first = service.interval(lambda: called.append(clock()), 10)
    service.interval(lambda: service.cancel_interval(first), 10)
    await anyio.sleep(25)

    assert called == [10]


async def test_intervals_that_fell_due_together_do_so_again_however_long_they_take(runtime, service, monkeypatch):
    for _ in range(50):
        service.interval(lambda: None, 10)
    time, looks = runtime._loop.time, itertools.count()
    monkeypatch.setattr(runtime._loop, "time", lambda: time() + next(looks) / 100)
    await anyio.sleep(10)

    assert len(runtime._timers) == 50
    assert len(runtime._timers._heap) == 1


@pytest.mark.parametrize("slow", [False, True], ids=["plain", "async"])
async def test_an_error_is_logged_and_the_interval_goes_on(service, caplog, slow):
    called = []

    def fail():
        called.append(1)
        raise ValueError("no good")

    async def fail_later():
        await checkpoint()
        fail()

    key = service.interval(fail_later if slow else fail, 10)
    await anyio.sleep(35)

    assert called == [1, 1, 1]
    assert len(errors(caplog)) == 3
    assert errors(caplog)[0].startswith(f"{key} of 'svc' failed")
    assert "fail" in errors(caplog)[0]
    assert caplog.records[-1].exc_info


async def test_an_error_in_one_timer_leaves_the_others_alone(service, caplog):
    called = []

    def fail():
        raise ValueError

    service.timeout(fail, 10)
    service.timeout(lambda: called.append(1), 10)
    await anyio.sleep(15)

    assert called == [1]


async def test_an_interval_whose_call_was_cancelled_by_hand_goes_on(service, clock):
    called = []

    async def work():
        called.append(clock())
        Task.current().cancel()
        await checkpoint()

    service.interval(work, 10)
    await anyio.sleep(25)

    assert called == [10, 20]


async def test_stop_ends_timers_and_their_calls(service):
    log = []

    async def work():
        try:
            await anyio.sleep_forever()
        finally:
            log.append("ended")

    service.interval(work, 10)
    service.interval(lambda: log.append("tick"), 15)
    service.timeout(lambda: log.append("late"), 20)
    await anyio.sleep(11)
    await service.stop()
    await anyio.sleep(60)

    assert log == ["ended"]


async def test_timers_of_the_last_run_do_not_come_back(service):
    called = []
    service.interval(lambda: called.append(1), 10)
    await service.stop()
    await service.start()
    await anyio.sleep(60)

    assert called == []


async def test_timers_need_a_started_service():
    service = Service("svc")
    with pytest.raises(RuntimeError, match=r"'svc' cannot start an interval before start\(\)"):
        service.interval(checkpoint, 1)
    with pytest.raises(RuntimeError, match=r"'svc' cannot start a timeout before start\(\)"):
        service.timeout(checkpoint, 1)
    service.cancel_interval("interval_00000000")


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
async def test_an_interval_refuses_what_is_no_period(service, seconds):
    with pytest.raises(ValueError, match=f"interval must be .*, got {seconds}"):
        service.interval(checkpoint, seconds)


@pytest.mark.parametrize("seconds", [-0.1, float("nan"), float("inf")])
async def test_a_timeout_refuses_what_is_no_duration(service, seconds):
    with pytest.raises(ValueError, match=f"timeout must be .*, got {seconds}"):
        service.timeout(checkpoint, seconds)


@pytest.mark.parametrize("seconds", ["1", None, True])
async def test_timers_refuse_what_is_no_number(service, seconds):
    with pytest.raises(TypeError, match="must be a number of seconds"):
        service.interval(checkpoint, seconds)
    with pytest.raises(TypeError, match="must be a number of seconds"):
        service.timeout(checkpoint, seconds)


async def test_timers_refuse_what_cannot_be_called(service):
    with pytest.raises(TypeError, match=r"the function of a timer must be callable, got int"):
        service.interval(1, 1)


async def test_ticks_see_the_runtime_and_the_context_of_the_start(runtime, service):
    seen = []

    async def later():
        seen.append(Runtime.current())

    service.timeout(lambda: seen.append(Runtime.current()), 1)
    service.timeout(later, 1)
    await anyio.sleep(2)

    assert seen == [runtime, runtime]


async def test_timers_work_in_a_runtime_that_is_opened_again():
    runtime, called = Runtime(), []
    for _ in range(2):
        async with runtime:
            service = await Service("svc").start()
            service.interval(lambda: called.append(1), 10)
            await anyio.sleep(15)

    assert called == [1, 1]


async def test_ten_thousand_timers_all_come(service):
    called = []
    for number in range(10_000):
        service.timeout(lambda number=number: called.append(number), 1 + number % 100)
    for key in list(service._ledger.timeouts)[::2]:
        service.cancel_timeout(key)
    await anyio.sleep(200)

    assert len(called) == 5000
    assert not service._ledger.timeouts
