"""Intervals and timeouts that are cancelled, killed or waited for, and the tables that they are in."""

import threading

import gevent
import pytest
from greenlets import PATIENCE, ended, turns

from specter_gevent.testing import eventually


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
