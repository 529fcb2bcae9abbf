"""Events of the bus on greenlets as a stream, and waiting for the next one."""

import gevent
import pytest
from greenlets import PATIENCE, ended, turns

# Streams.


def test_a_stream_gives_the_data_of_future_events(events):
    events.emit("event", 0)
    with events.stream("event") as stream:
        for number in range(1, 4):
            events.emit("event", number)
        got = [next(stream) for _ in range(3)]

    assert got == [1, 2, 3]
    assert stream.dropped == 0
    assert not events.has_listeners("event")


def test_a_stream_waits_for_events_and_ends_with_its_block(events):
    got = []

    def read(stream):
        for data in stream:
            got.append(data)  # noqa: PERF402

    with events.stream("a:*") as stream:
        reader = gevent.spawn(read, stream)
        for number in range(3):
            turns()
            assert not stream._came.is_set(), "the reader asks again and again"
            events.emit(f"a:{number}", number)
            turns()
            assert got == list(range(number + 1))
        assert not reader.dead
    ended(reader)


def test_a_stream_drops_the_oldest_and_counts(events):
    with events.stream("event", maxsize=2) as stream:
        for number in range(5):
            events.emit("event", number)
        got = [next(stream), next(stream)]

    assert got == [3, 4]
    assert stream.dropped == 3


def test_a_stream_that_keeps_nothing_is_refused(events):
    with pytest.raises(ValueError, match="maxsize must be 1 or more, got 0"), events.stream("event", maxsize=0):
        raise AssertionError

    assert not events.has_listeners("event")


def test_a_killed_reader_leaves_no_listener(events):
    def read():
        with events.stream("event") as stream:
            next(stream)

    reader = gevent.spawn(read)
    turns()
    assert events.has_listeners("event")
    reader.kill(timeout=PATIENCE)

    assert not events.has_listeners("event")


# wait_for.


def test_wait_for_gives_the_data_of_the_next_event(events):
    waiting = gevent.spawn(events.wait_for, "event")
    turns()
    events.emit("event", 1)
    events.emit("event", 2)

    assert ended(waiting) == 1
    assert not events.has_listeners("event")


def test_wait_for_hears_prefixes_and_nothing(events):
    waiting = gevent.spawn(events.wait_for, "a:*")
    turns()
    events.emit("a:b", None)

    assert ended(waiting) is None


def test_wait_for_lets_pass_what_the_predicate_refuses(events):
    waiting = gevent.spawn(events.wait_for, "event", predicate=lambda data: data > 1)
    turns()
    for number in range(5):
        events.emit("event", number)

    assert ended(waiting) == 2


def test_an_error_of_the_predicate_is_logged_and_the_wait_goes_on(events, caplog):
    waiting = gevent.spawn(events.wait_for, "event", predicate=lambda data: 1 / data)
    turns()
    events.emit("event", 0)
    events.emit("event", 1)

    assert ended(waiting) == 1
    assert "ZeroDivisionError" in caplog.text


def test_wait_for_gives_up_in_time(events):
    with pytest.raises(TimeoutError, match=r"no event 'event' within 0\.01 seconds"):
        events.wait_for("event", timeout=0.01)

    assert not events.has_listeners("event")


def test_a_timeout_around_wait_for_stays_what_it_is(events):
    outer = gevent.Timeout(0.01)
    with pytest.raises(gevent.Timeout) as raised, outer:
        events.wait_for("event", timeout=PATIENCE)

    assert raised.value is outer
    assert not events.has_listeners("event")


def test_a_killed_wait_for_leaves_no_listener(events):
    waiting = gevent.spawn(events.wait_for, "event")
    turns()
    waiting.kill(timeout=PATIENCE)

    assert not events.has_listeners("event")
