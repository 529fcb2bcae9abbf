"""An emit of the bus on greenlets: who comes or goes meanwhile, fails, waits, or is another thread."""

import logging
import threading

import gevent
import pytest
from gevent import GreenletExit
from greenlets import PATIENCE, ended, turns

# Changes during an emit.


def test_who_comes_or_goes_during_an_emit_counts_from_the_next(events):
    heard = []

    def change(data):
        heard.append(("change", data))
        events.off("event", leaving)
        events.on("event", coming)

    def leaving(data):
        heard.append(("leaving", data))

    def coming(data):
        heard.append(("coming", data))

    events.on("event", change)
    events.on("event", leaving)
    events.emit("event", 1)
    assert heard == [("change", 1), ("leaving", 1)]
    events.emit("event", 2)
    assert heard[2:] == [("change", 2), ("coming", 2)]


def test_emits_nest(events):
    heard = []

    def outer(data):
        heard.append(f"outer {data}")
        if data < 2:
            events.emit("event", data + 1)
        heard.append(f"outer {data} done")

    events.on("event", outer)
    events.on("event", lambda data: heard.append(f"inner {data}"))
    events.emit("event", 1)

    assert heard == ["outer 1", "outer 2", "outer 2 done", "inner 2", "outer 1 done", "inner 1"]


# Errors.


def test_an_error_is_logged_with_its_traceback_and_the_others_hear(events, caplog):
    heard = []

    def fail(data):
        raise ValueError("no good")

    events.on("event", fail)
    events.on("event", heard.append)
    events.emit("event", 1)

    (record,) = caplog.records
    assert heard == [1]
    assert (record.name, record.levelno) == ("specter.core.bus", logging.ERROR)
    assert record.message == "[SPECTER:bus] Error in listener for 'event': no good"
    assert isinstance(record.exc_info[1], ValueError)


@pytest.mark.parametrize("error", [GreenletExit, gevent.Timeout(1), KeyboardInterrupt])
def test_what_ends_a_greenlet_goes_through(events, error):
    def end(data):
        raise error

    events.on("event", end)
    with pytest.raises(BaseException) as raised:
        events.emit("event")

    assert not isinstance(raised.value, Exception)


def test_a_listener_that_waits_holds_up_nobody_else(events):
    heard = []

    def wait(data):
        if data == "first":
            gate.wait()
        heard.append(data)

    gate = gevent.event.Event()
    events.on("event", wait)
    waiting = gevent.spawn(events.emit, "event", "first")
    turns()
    events.emit("event", "second")
    events.on("other", heard.append)
    events.emit("other", "third")
    gate.set()
    ended(waiting)

    assert heard == ["second", "third", "first"]


# Threads.


def test_an_event_of_another_thread_wakes_who_waits(events):
    waiting = gevent.spawn(events.wait_for, "event")
    turns()
    thread = threading.Thread(target=events.emit, args=("event", 1))
    thread.start()

    assert ended(waiting) == 1
    thread.join(PATIENCE)


def test_threads_that_subscribe_and_emit_at_once_lose_nothing(events):
    heard = []

    def work(name):
        for number in range(200):
            event = f"{name}:{number % 7}"
            unsubscribe = events.on(event, heard.append)
            events.once(event, heard.append)
            events.emit(event, (name, number))
            unsubscribe()

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    assert len(heard) == 4 * 200 * 2
    assert events.listener_count() == 0
