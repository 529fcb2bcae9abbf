"""Intervals and timeouts: one heap for all, a greenlet only while a call waits."""

import contextvars
import random
import re
import threading
import time
from functools import partial

import gevent
import pytest
from gevent.hub import Hub
from greenlets import PATIENCE, ended, turns

from specter_gevent import Service
from specter_gevent.testing import eventually, virtual_time


@pytest.fixture
def clock():
    with virtual_time() as clock:
        yield clock


@pytest.fixture
def service():
    with Service("a") as service:
        yield service


def test_an_interval_waits_first_and_again_after_each_call(clock, service):
    ticks = []
    service.interval(lambda: ticks.append(clock.now), 10)
    clock.advance(9.9)

    assert ticks == []
    clock.advance(30.2)
    assert ticks == [10, 20, 30, 40]


def test_an_interval_counts_from_the_end_of_a_call(clock, service):
    ticks = []

    def work():
        ticks.append(clock.now)
        gevent.sleep(3)

    service.interval(work, 10)
    clock.advance(40)

    assert ticks == [10, 23, 36]


def test_calls_of_an_interval_never_overlap(clock, service):
    running, most = [], []

    def work():
        running.append(1)
        most.append(len(running))
        gevent.sleep(25)
        running.pop()

    service.interval(work, 10)
    clock.advance(200)

    assert set(most) == {1}
    assert len(most) == 6


def test_a_timeout_calls_once_and_is_forgotten_before(clock, service):
    seen = []
    timeout = service.timeout(lambda: seen.append((clock.now, timeout in service._timeouts)), 10)
    clock.advance(100)

    assert seen == [(10, False)]
    assert service._timeouts == {}


def test_timers_of_one_moment_keep_their_order(clock, service):
    seen = []
    for number in range(20):
        service.timeout(lambda number=number: seen.append(number), 10)
    clock.advance(10)

    assert seen == list(range(20))


def test_a_call_that_waits_delays_no_other(clock, service):
    seen = []
    for number in range(5):
        service.timeout(lambda: gevent.sleep(100), 10)
        service.timeout(lambda number=number: seen.append((number, clock.now)), 10)
    clock.advance(10)

    assert seen == [(number, 10) for number in range(5)]


def test_calls_that_do_not_wait_share_one_greenlet(clock, service):
    greenlets = []
    for _ in range(100):
        service.interval(lambda: greenlets.append(gevent.getcurrent()), 10)
    clock.advance(10)

    assert len(greenlets) == 100
    assert len(set(greenlets)) < 10


def test_a_long_row_of_calls_lets_others_have_their_turn(clock, service, monkeypatch):
    monkeypatch.setattr("sys.getswitchinterval", lambda: -1.0)
    called, seen = [], []

    def look():
        while len(called) < 50:
            seen.append(len(called))
            gevent.sleep(0)

    service.timeout(lambda: gevent.spawn(look), 10)
    for _ in range(50):
        service.timeout(lambda: called.append(1), 10)
    clock.advance(10)

    assert set(seen) == set(range(50))


def test_what_falls_due_during_a_long_row_of_calls_is_called_after_it(service, monkeypatch):
    monkeypatch.setattr("sys.getswitchinterval", lambda: -1.0)
    called = []

    def work(number):
        called.append(number)
        time.sleep(0.001)  # the first row takes longer than it is to the next ones

    for number in range(60):
        service.timeout(partial(work, number), 0.005 + number // 20 * 0.005)
    eventually(lambda: len(called) == 60)

    assert called == list(range(60))


def test_an_error_in_a_call_is_logged_and_the_interval_goes_on(clock, service, caplog):
    def fail():
        raise ValueError("no disk")

    interval = service.interval(fail, 10)
    clock.advance(20)

    records = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.message for record in records] == [f"[SPECTER] Interval error in 'a' (id={interval}): no disk"] * 2
    assert all(record.exc_info for record in records)
    assert interval in service._intervals


def test_an_error_in_a_timeout_is_logged(clock, service, caplog):
    timeout = service.timeout(lambda: 1 / 0, 10)
    clock.advance(10)

    assert f"[SPECTER] Timeout error in 'a' (id={timeout}): division by zero" in caplog.messages


@pytest.mark.parametrize("kind", ["interval", "timeout"])
def test_a_cancelled_timer_calls_no_more(clock, service, kind):
    ticks = []
    timer = getattr(service, kind)(lambda: ticks.append(1), 10)
    held = getattr(service, f"_{kind}s")
    assert timer in held
    getattr(service, f"cancel_{kind}")(timer)
    getattr(service, f"cancel_{kind}")(timer)
    getattr(service, f"cancel_{kind}")("unknown")
    clock.advance(100)

    assert ticks == []
    assert held == {}


def test_cancelling_cuts_a_call_that_waits(clock, service):
    log = []

    def work():
        try:
            gevent.sleep(100)
        except gevent.GreenletExit:
            log.append("cut")
            raise

    interval = service.interval(work, 10)
    clock.advance(10)
    service.cancel_interval(interval)
    turns()

    assert log == ["cut"]


def test_an_interval_that_cancels_itself_finishes_its_call(clock, service):
    log = []

    def once():
        service.cancel_interval(interval)
        gevent.sleep(1)
        log.append("finished")

    interval = service.interval(once, 10)
    clock.advance(100)

    assert log == ["finished"]


def test_cutting_a_call_cuts_no_other(clock, service):
    log = []

    def first():
        gevent.sleep(5)
        log.append("first")

    interval = service.interval(first, 10)
    service.timeout(lambda: log.append("second"), 10)
    service.timeout(lambda: service.cancel_interval(interval), 11)
    service.timeout(lambda: log.append("third"), 11)
    service.timeout(lambda: gevent.sleep(5) or log.append("fourth"), 11)
    clock.advance(30)

    assert log == ["second", "third", "fourth"]


@pytest.mark.parametrize(
    "take_out",
    [lambda service, table: table.clear(), lambda service, table: setattr(service, "_intervals", {})],
    ids=["by hand", "by another table"],
)
@pytest.mark.parametrize("asked", ["before", "afterwards"])
def test_an_id_taken_out_of_the_table_ends_the_interval(clock, service, take_out, asked):
    ticks = []
    table = service._intervals if asked == "before" else None
    service.interval(lambda: ticks.append(1), 10)
    clock.advance(10)
    take_out(service, service._intervals if table is None else table)
    clock.advance(100)

    assert ticks == [1]


def test_another_table_of_intervals_ends_those_that_nobody_has_looked_at(clock, service):
    ticks = []
    service.interval(lambda: ticks.append(1), 10)
    service._intervals = {}
    clock.advance(100)

    assert ticks == []


@pytest.mark.parametrize("error", [gevent.GreenletExit(), gevent.Timeout()], ids=lambda error: type(error).__name__)
def test_what_is_no_exception_ends_the_interval(clock, service, hub_errors, error):
    ticks, others = [], []

    def leave():
        ticks.append(1)
        raise error

    interval = service.interval(leave, 10)
    service.interval(lambda: others.append(1), 10)
    clock.advance(30)

    assert ticks == [1]
    assert others == [1, 1, 1]
    assert service._intervals[interval].dead
    hub_errors.clear()


def test_a_stopped_service_calls_nothing(clock):
    ticks = []
    service = Service("a").start()
    service.interval(lambda: ticks.append(1), 10)
    service.timeout(lambda: ticks.append(1), 10)
    service.stop()
    service.start()
    clock.advance(100)

    assert ticks == []
    service.stop()


def test_a_call_runs_in_the_context_in_which_its_timer_was_made(clock, service):
    variable = contextvars.ContextVar("variable", default="nothing")
    seen = []
    contextvars.copy_context().run(
        lambda: (variable.set("mine"), service.timeout(lambda: seen.append(variable.get()), 1))
    )
    service.timeout(lambda: seen.append(variable.get()), 1)
    clock.advance(1)

    assert seen == ["mine", "nothing"]


def test_what_a_call_sets_in_its_context_is_there_at_the_next_and_nowhere_else(clock, service):
    variable = contextvars.ContextVar("variable", default=0)
    counts, others = [], []

    def count():
        variable.set(variable.get() + 1)
        counts.append(variable.get())

    contextvars.Context().run(service.interval, count, 10)
    contextvars.Context().run(service.interval, lambda: others.append(variable.get()), 10)
    clock.advance(30)

    assert counts == [1, 2, 3]
    assert others == [0, 0, 0]


def test_ids_have_a_form_and_are_never_given_twice(service, monkeypatch):
    numbers = iter([1, 1, 2])
    monkeypatch.setattr("specter.sansio.timers._random.getrandbits", lambda bits: next(numbers))

    assert [service.interval(turns, 60), service.interval(turns, 60)] == ["interval_00000001", "interval_00000002"]
    monkeypatch.undo()
    assert re.fullmatch("timeout_[0-9a-f]{8}", service.timeout(turns, 60))


def test_an_application_that_has_seeded_random_gets_its_numbers(service):
    random.seed(1)
    expected = random.random()
    random.seed(1)
    service.interval(turns, 60)

    assert random.random() == expected


@pytest.mark.parametrize("kind", ["interval", "timeout"])
def test_before_the_start_there_are_no_timers(kind):
    with pytest.raises(RuntimeError, match=rf"^\[SPECTER\] Cannot schedule {kind} for 'a' before start\(\)$"):
        getattr(Service("a"), kind)(turns, 1)


@pytest.mark.parametrize("kind", ["interval", "timeout"])
def test_a_coroutine_function_is_refused(service, kind):
    async def waits():
        """Do nothing."""

    with pytest.raises(TypeError, match=rf"the function of a timer \({kind}\) must be a plain function on gevent"):
        getattr(service, kind)(waits, 1)
    assert service._intervals == service._timeouts == {}


def test_an_interval_without_a_wait_ticks_at_each_turn_of_the_hub(service):
    ticks = []
    service.interval(lambda: ticks.append(1), 0)
    turns(10)

    assert 5 <= len(ticks) <= 10


def test_a_timeout_without_a_wait_is_called_in_the_second_turn(service):
    calls = []
    service.timeout(lambda: calls.append(1), 0)
    turns(1)
    assert calls == []
    turns(1)

    assert calls == [1]


def test_a_time_that_is_none_fails_as_a_wait_for_it_does(service, hub_errors):
    service.timeout(turns, "soon")
    turns()

    assert "TypeError" in hub_errors.pop()


def test_the_hub_has_nothing_to_wait_for_when_all_timers_were_cancelled(service):
    before = gevent.get_hub().loop.activecnt
    interval = service.interval(turns, 60)
    assert gevent.get_hub().loop.activecnt == before + 1
    service.cancel_interval(interval)

    assert gevent.get_hub().loop.activecnt == before


def test_a_thread_has_timers_of_its_own():
    seen = []

    def run():
        with Service("a") as service:
            service.interval(lambda: seen.append(threading.get_ident()), 0.001)
            with gevent.Timeout(PATIENCE):
                while len(seen) < 3:
                    gevent.sleep(0.001)
        seen.append(threading.get_ident())
        gevent.get_hub().destroy(destroy_loop=True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(PATIENCE)

    assert len(set(seen)) == 1
    assert seen[0] != threading.get_ident()


def test_a_timer_can_be_cancelled_from_another_thread(service):
    ticks = []
    interval = service.interval(lambda: ticks.append(1), 0.001)
    eventually(lambda: ticks)
    # Nothing ticks while this thread waits for the other one.
    thread = threading.Thread(target=service.cancel_interval, args=(interval,))
    thread.start()
    thread.join(PATIENCE)
    count = len(ticks)
    done = []
    service.timeout(lambda: done.append(1), 0.005)
    eventually(lambda: done)

    assert len(ticks) == count


def test_a_new_hub_has_new_timers(service):
    def run():
        gevent.get_hub().destroy(destroy_loop=True)
        assert isinstance(gevent.get_hub(), Hub)
        ticks = []
        with Service("b") as other:
            other.interval(lambda: ticks.append(1), 0.001)
            with gevent.Timeout(PATIENCE):
                while not ticks:
                    gevent.sleep(0.001)
        gevent.get_hub().destroy(destroy_loop=True)

    errors = []
    thread = threading.Thread(target=lambda: errors.append(_error_of(run)))
    thread.start()
    thread.join(PATIENCE)

    assert errors == [None]


def _error_of(fn):
    try:
        fn()
    except BaseException as error:
        return error
    return None


# What is in the tables.


def test_a_timer_is_alive_until_it_is_killed(clock, service):
    timer = service._intervals[service.interval(turns, 10)]

    assert timer
    assert not timer.dead
    assert not timer.ready()
    timer.start()
    timer.kill(block=False)
    assert timer.dead
    assert timer.ready()
    assert timer.successful()
    assert not timer


def test_a_timeout_is_dead_when_it_was_called(clock, service):
    timer = service._timeouts[service.timeout(turns, 10)]
    clock.advance(10)

    assert timer.dead


def test_a_kill_can_be_waited_for(service):
    log = []

    def work():
        log.append("works")
        try:
            gevent.sleep(PATIENCE)
        finally:
            gevent.sleep(0)
            log.append("ended")

    timer = service._intervals[service.interval(work, 0.001)]
    eventually(lambda: log)
    timer.kill()

    assert log == ["works", "ended"]
    assert timer.dead


def test_the_end_of_a_timer_can_be_waited_for(clock, service):
    timer = service._timeouts[service.timeout(turns, 10)]
    told = []
    timer.rawlink(told.append)
    with pytest.raises(gevent.Timeout):
        timer.get(block=False)
    waits = gevent.spawn(timer.get)
    clock.advance(10)

    assert timer.dead
    assert ended(waits) is None
    assert told == [timer]
    assert timer.join() is timer.wait() is timer.get() is None


def test_the_end_of_a_killed_timer_can_be_waited_for(service):
    timer = service._intervals[service.interval(turns, 60)]
    assert timer.join(timeout=0) is None
    with pytest.raises(gevent.Timeout):
        timer.get(timeout=0)
    assert not timer.dead
    waits = gevent.spawn(timer.join)
    turns()
    timer.kill()

    assert ended(waits) is None


# Fakes of gevent's functions, which run at once what they are given.


class Ended:
    """A greenlet as fakes of `gevent.spawn` give it."""

    dead = True
    killed = False

    def rawlink(self, callback):
        callback(self)

    def kill(self, exception=None, block=True, timeout=None):
        self.killed = True


@pytest.fixture
def at_once(monkeypatch):
    """`gevent.spawn` that runs at once; gives what was spawned: [(function, the fake greenlet)]."""
    spawned = []

    def spawn(fn, *args, **kwargs):
        fn(*args, **kwargs)
        spawned.append((fn, Ended()))
        return spawned[-1][1]

    monkeypatch.setattr(gevent, "spawn", spawn)
    return spawned


def test_below_a_fake_of_spawn_a_timer_is_a_greenlet_of_its_own(service, at_once):
    slept, ticks = [], []
    sleep, gevent.sleep = gevent.sleep, slept.append
    try:
        interval = service.interval(lambda: ticks.append(1), 60)
        timeout = service.timeout(lambda: ticks.append(1), 30)
    finally:
        gevent.sleep = sleep

    assert [greenlet for _, greenlet in at_once] == [service._intervals[interval], service._timeouts[timeout]]
    # Run at once it finds itself in no table yet.
    assert slept == [30]
    assert ticks == []
    service.cancel_interval(interval)
    assert at_once[0][1].killed


def test_below_a_fake_of_sleep_a_timer_sleeps_with_it(service, monkeypatch):
    slept, ticks, real = [], [], gevent.sleep

    def sleep(seconds):
        slept.append(seconds)
        real(0)

    monkeypatch.setattr(gevent, "sleep", sleep)
    interval = service.interval(lambda: ticks.append(1) if len(ticks) < 2 else service.cancel_interval(interval), 60)
    service.timeout(lambda: ticks.append("once"), 30)
    for _ in range(10):
        real(0)

    assert slept == [60, 30, 60]
    assert ticks == [1, "once"]


def test_errors_below_fakes_are_logged_as_well(service, monkeypatch, caplog):
    real = gevent.sleep
    monkeypatch.setattr(gevent, "sleep", lambda seconds: real(0))

    def fail():
        service.cancel_interval(interval)
        raise ValueError("no")

    interval = service.interval(fail, 60)
    service.timeout(lambda: 1 / 0, 60)
    for _ in range(5):
        real(0)

    assert sorted(record.message.split(" in ")[0] for record in caplog.records if record.levelname == "ERROR") == [
        "[SPECTER] Interval error",
        "[SPECTER] Timeout error",
    ]


def test_a_clock_made_below_fakes_outlives_them(at_once, monkeypatch):
    ticks = []

    def run():
        monkeypatch.setattr(gevent, "get_hub", lambda: 1 / 0)
        with Service("a") as service:
            service.spawn(turns)
            monkeypatch.undo()
            service.interval(lambda: ticks.append(1), 0.001)
            eventually(lambda: ticks)

    run()

    assert ticks
