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
from greenlets import PATIENCE, turns

from specter_gevent import Service
from specter_gevent.testing import eventually


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
