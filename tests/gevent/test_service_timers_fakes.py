"""Intervals and timeouts below fakes of gevent's functions, which run at once what they are given."""

import gevent
import pytest
from greenlets import turns

from specter_gevent import Service
from specter_gevent.testing import eventually


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
