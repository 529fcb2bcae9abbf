"""Watchers that are stopped or killed, by whomever, and start again."""

import itertools

import gevent
from children import at_most
from gevent.event import Event
from gevent.hub import get_hub
from greenlets import ended, turns

from specter_gevent import Service, Watcher
from specter_gevent.testing import eventually


def test_starting_twice_is_starting_once():
    calls = []
    watcher = Watcher("twice", poll=lambda: calls.append(1), interval=60)

    assert watcher.start() is watcher
    greenlet = watcher._greenlet
    watcher.start()
    eventually(lambda: calls)

    assert watcher._greenlet is greenlet
    assert watcher.stop() is watcher
    assert watcher.stop() is watcher
    assert not watcher.running
    assert calls == [1]


def test_a_stopped_watcher_starts_again_with_its_subscribers():
    count = itertools.count()
    watcher = Watcher("again", poll=lambda: next(count), interval=60)
    told = []
    watcher.subscribe(lambda value, _: told.append(value))

    for number in range(3):
        watcher.start()
        eventually(lambda: len(told) > number)  # noqa: B023
        watcher.teardown()

    assert told == [0, 1, 2]


def test_a_service_ends_its_watchers():
    with Service("owner") as service:
        watcher = service.own(Watcher("owned", poll=int)).start()
        turns()

    assert not watcher.running


def test_a_poll_is_done_before_a_stop_returns():
    entered, done = Event(), []

    def poll():
        entered.set()
        gevent.sleep(0.02)
        done.append(1)

    watcher = Watcher("slow", poll=poll).start()
    entered.wait()

    watcher.stop()

    assert done == [1]


def test_a_source_that_goes_on_is_killed(monkeypatch):
    monkeypatch.setattr("specter_gevent.watcher._STOP_TIMEOUT", 0.02)
    entered, left = Event(), []

    def stream():
        try:
            entered.set()
            gevent.sleep(60)
            yield
        finally:
            left.append("stream")

    watcher = Watcher("silent", stream=stream).start()
    entered.wait()

    with at_most(5):
        watcher.stop()

    assert left == ["stream"]


def test_a_stop_that_is_killed_has_ended_the_watch_all_the_same():
    entered = Event()

    def poll():
        entered.set()
        gevent.sleep(60)

    watcher = Watcher("slow", poll=poll).start()
    watch = watcher._greenlet
    entered.wait()
    stopping = gevent.spawn(watcher.stop)
    turns()
    stopping.kill()

    ended(watch)
    assert not watcher.running


def test_a_service_that_must_end_ends_its_watchers_in_time():
    entered = Event()

    def poll():
        entered.set()
        gevent.sleep(60)

    service = Service("owner")
    service.stop_timeout = 0.4
    watch = service.start().own(Watcher("slow", poll=poll).start())._greenlet
    entered.wait()

    with at_most(3):
        service.stop()
        ended(watch)


def test_in_the_hub_a_stop_kills():
    entered = Event()

    def poll():
        entered.set()
        gevent.sleep(60)

    watcher = Watcher("slow", poll=poll).start()
    watch = watcher._greenlet
    entered.wait()
    get_hub().loop.run_callback(watcher.stop)

    ended(watch)
    assert not watcher.running


def test_a_killed_watcher_does_not_run():
    watcher = Watcher("killed", poll=int, interval=60).start()
    turns()

    watcher._greenlet.kill()

    assert not watcher.running
    watcher.start()
    assert watcher.running
    watcher.stop()


def test_a_subscriber_may_stop_it():
    watcher = Watcher("stopped", stream=itertools.count)
    told = []

    def hear(value, source):
        told.append(value)
        source.stop()
        gevent.sleep(0)
        told.append("stopped")

    watcher.subscribe(hear)
    with at_most(4):
        ended(watcher.start()._greenlet)

    assert told == [0, "stopped"]
    assert not watcher.running


def test_a_subscriber_may_start_it_anew():
    told = []

    def hear(value, source):
        told.append(value)
        if len(told) == 1:
            source.stop()
            source.start()

    watcher = Watcher("anew", poll=lambda: 1, interval=60)
    watcher.subscribe(hear)
    first = watcher.start()._greenlet
    ended(first)
    eventually(lambda: len(told) == 2)

    assert watcher.running
    assert watcher._greenlet is not first
    watcher.stop()
    assert told == [1, 1]


def test_a_poll_may_stop_the_service_that_owns_its_watcher():
    def poll():
        service.stop()
        ends.append("poll")
        gevent.sleep(0)
        ends.append("after")

    ends = []
    service = Service("owner").start()
    watcher = service.own(Watcher("own", poll=poll))

    with at_most(4):
        ended(watcher.start()._greenlet)

    assert ends == ["poll", "after"]
    assert not service.running


def test_a_poll_may_wait_for_a_stop_that_waits_for_its_watcher():
    class Owner(Service):
        def on_stop(self):
            stopping.set()
            asked.wait()

    stopping, asked = Event(), Event()

    def poll():
        stopping.wait()
        asked.set()
        service.stop()

    service = Owner("owner").start()
    service.own(Watcher("own", poll=poll)).start()
    turns()

    with at_most(4):
        service.stop()


def test_a_poll_may_stop_the_service_that_waits_for_its_watcher():
    def poll():
        while watcher.running:
            gevent.sleep(0)
        service.stop()
        ends.append("poll")

    ends = []
    service = Service("owner").start()
    watcher = service.own(Watcher("own", poll=poll)).start()
    turns()

    with at_most(4):
        service.stop()

    assert ends == ["poll"]


def test_a_stop_ends_a_stream_at_its_place():
    def values():
        try:
            yield from itertools.repeat(1)
        finally:
            left.append("stream")

    left, source = [], values()
    watcher = Watcher("stream", stream=lambda: source)
    watcher.subscribe(lambda value, _: watcher.stop())
    ended(watcher.start()._greenlet)

    assert left == ["stream"]
