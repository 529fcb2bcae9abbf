"""The bus on greenlets: who hears what, in which order."""

import enum
from unittest.mock import patch

import pytest

from specter_gevent import bus

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
