"""The bus on greenlets: who hears what, in which order, and who waits."""

import enum
import logging
import threading
from unittest.mock import patch

import gevent
import pytest
from gevent import GreenletExit
from greenlets import PATIENCE, ended, turns

from specter_gevent import EventBus, bus


@pytest.fixture
def events():
    return EventBus()


# Subscribing.


def test_a_listener_hears_the_data(events):
    heard = []
    events.on("event", heard.append)
    events.emit("event", 1)
    events.emit_nowait("event", 2)
    events.emit("event")
    events.emit("other", 3)

    assert heard == [1, 2, None]


def test_listeners_hear_in_the_order_of_subscription(events):
    heard = []
    for number in range(50):
        events.on("event", lambda data, number=number: heard.append(number))
    events.emit("event")

    assert heard == list(range(50))


def test_the_callback_can_be_given_by_its_name_of_0_1(events):
    heard = []
    events.on("a", callback=heard.append)
    events.once(event="b", callback=heard.append)
    events.off(event="a", callback=heard.append)
    events.emit(event="a", data=1)
    events.emit(event="b", data=2)

    assert heard == [2]


def test_a_function_subscribed_twice_is_called_once_and_ended_by_either_of_the_two(events):
    heard = []
    first, second = events.on("event", heard.append), events.on("event", heard.append)
    events.emit("event", 1)
    assert heard == [1]
    second()
    events.emit("event", 2)
    first()

    assert heard == [1]
    assert not events.has_listeners("event")


def test_a_function_that_two_owners_listen_with_is_gone_with_the_last(events):
    heard = []
    one, two = object(), object()
    first = events._subscribe("event", heard.append, owner=one)
    second = events._subscribe("event", heard.append, owner=two)
    bare = events.on("event", heard.append)
    events.emit("event", 1)
    first()
    bare()
    events.emit("event", 2)
    second()
    events.emit("event", 3)

    assert heard == [1, 2]


def test_bound_methods_of_one_object_are_one_function(events):
    class Hearing:
        def __init__(self):
            self.heard = []

        def hear(self, data):
            self.heard.append(data)

    one, two = Hearing(), Hearing()
    for hearing in (one, one, two):
        events.on("event", hearing.hear)
    events.emit("event", 1)
    events.off("event", one.hear)
    events.emit("event", 2)

    assert (one.heard, two.heard) == ([1], [1, 2])


def test_off_ends_all_subscriptions_of_a_function_the_passing_ones_too(events):
    heard = []
    unsubscribe = events.on("event", heard.append)
    events.once("event", heard.append)
    events.once("event", heard.append)
    events.off("event", heard.append)
    events.off("event", heard.append)
    events.off("unknown", print)
    unsubscribe()
    events.emit("event", 1)

    assert heard == []
    assert not events.has_listeners("event")


class Kind(enum.Enum):
    ADDED = 1


@pytest.mark.parametrize("event", ["a", "", Kind.ADDED, 3, None, ("a", 1)])
def test_any_key_is_an_event(events, event):
    heard = []
    events.on("a:*", print)
    events.on(event, heard.append)
    events.emit(event, 1)

    assert heard == [1]
    assert events.has_listeners(event)


def test_clear_ends_those_of_one_event_or_all(events):
    heard = []
    for event in ("a", "b", "c:*", ""):
        events.on(event, heard.append)
    assert events.listener_count("") == 1
    events.clear("a")
    events.clear("unknown")
    assert events.listener_count() == 3
    events.clear("")
    assert events.listener_count() == 2
    events.clear("c:*")
    assert events.listener_count() == 1
    events.clear()
    for event in ("a", "b", "c:1"):
        events.emit(event, 1)

    assert heard == []
    assert events.listener_count() == 0


def test_counting(events):
    events.on("a", print)
    events.on("a:b", print)
    events.on("a:*", repr)
    for _ in range(2):
        assert events.listener_count() == 3
        assert events.listener_count("a") == 1
        assert events.listener_count("a:b") == 2
        assert events.listener_count("a:c") == 1
        assert events.has_listeners("a:c")
        assert not events.has_listeners("b")
        assert not events.has_listeners(None)


@pytest.mark.parametrize("fn", [None, 1, "name"])
def test_what_cannot_be_called_cannot_listen(events, fn):
    kind = type(fn).__name__
    with pytest.raises(TypeError) as refused:
        events.on("event", fn)
    assert str(refused.value) == f"[SPECTER:bus] on('event'): callback must be callable, got {kind}"
    with pytest.raises(TypeError) as refused:
        events.once("event", fn)
    assert str(refused.value) == f"[SPECTER:bus] once('event'): callback must be callable, got {kind}"
    assert events.listener_count() == 0


def test_a_coroutine_function_is_refused_with_the_name_of_the_switch(events):
    async def hear(data):
        raise AssertionError

    for subscribe in (events.on, events.once):
        with pytest.raises(TypeError, match=r"hear, which nothing would await: .* specter.use_backend\('asyncio'\)"):
            subscribe("event", hear)

    assert events.listener_count() == 0


def test_methods_of_the_one_bus_can_be_replaced_by_a_mock():
    with patch("specter_gevent.bus.emit") as emit:
        bus.emit("event", 1)

    emit.assert_called_once_with("event", 1)


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


# once.


def test_once_hears_one_event(events):
    heard = []
    events.once("event", heard.append)
    for number in range(3):
        events.emit("event", number)

    assert heard == [0]
    assert not events.has_listeners("event")


def test_once_is_spent_before_it_is_called(events):
    heard = []

    def hear(data):
        heard.append(data)
        events.emit("event", data + 1)

    events.once("event", hear)
    events.emit("event", 1)

    assert heard == [1]


def test_asking_who_listens_spends_nothing(events):
    heard = []
    events.once("event", heard.append)
    assert events.has_listeners("event")
    assert events.listener_count("event") == 1
    events.emit("event", 1)

    assert heard == [1]


def test_once_can_be_ended_before_and_after(events):
    heard = []
    early, late = events.once("event", heard.append), events.once("event", print)
    early()
    events.emit("event", 1)
    late()

    assert heard == []


def test_each_once_is_a_listener_of_its_own(events):
    heard = []
    events.on("event", heard.append)
    events.once("event", heard.append)
    events.once("event", heard.append)
    assert events.listener_count("event") == events.listener_count() == 3
    for number in range(2):
        events.emit("event", number)

    assert heard == [0, 0, 0, 1]


# Prefixes.


@pytest.mark.parametrize(
    ("listener", "event", "hears"),
    [
        ("a:*", "a:b", True),
        ("a:*", "a:", True),
        ("a:*", "a:*", True),
        ("a:*", "a:b:c", True),
        ("a:*", "a", False),
        ("a:*", "ab:c", False),
        ("a:b:*", "a:b:c", True),
        ("a:b:*", "a:c", False),
        ("*", "anything", False),
        ("*", "*", True),
        ("a*", "ab", False),
        ("a*", "a*", True),
        ("a", "a:b", False),
    ],
)
def test_prefixes(events, listener, event, hears):
    heard = []
    events.on(listener, heard.append)
    events.emit(event, 1)

    assert bool(heard) == hears
    assert events.has_listeners(event) == hears


def test_prefixes_and_names_are_heard_in_the_order_of_subscription(events):
    heard = []
    for number, event in enumerate(("a:*", "a:b", "a:b:*", "a:b:c", "a:*")):
        events.on(event, lambda data, number=number: heard.append(number))
    events.emit("a:b:c")

    assert heard == [0, 2, 3, 4]


def test_a_prefix_that_comes_or_goes_is_noticed(events):
    heard = []
    events.on("a:b", lambda data: heard.append("name"))
    events.emit("a:b")
    unsubscribe = events.on("a:*", lambda data: heard.append("prefix"))
    events.emit("a:b")
    unsubscribe()
    events.emit("a:b")

    assert heard == ["name", "name", "prefix", "name"]


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
