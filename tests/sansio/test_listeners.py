"""Who hears which event, against a plain list of subscriptions."""

import itertools
from functools import partial

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from specter.sansio import listeners as rules
from specter.sansio.listeners import Listeners, Tap, Unread


def table():
    return Listeners[str]()


def add(listeners, event, fn, name="kept", once=False):
    return listeners.add(event, fn, lambda: name, once=once)


def heard(listeners, event):
    return [entry.fn for entry in listeners.hearing(event).entries]


def test_nobody_hears_at_first():
    assert table().hearing("a").entries == ()
    assert table().count() == 0


def test_it_tells_who_listens_to_what_as_subscribed_to():
    listeners = table()
    add(listeners, "a*", print)
    add(listeners, "a", print)
    add(listeners, "a", repr, once=True)

    assert listeners.events() == ["a*", "a"]
    assert listeners.listening("a") == [print, repr]
    assert listeners.listening("b") == []


def test_what_is_made_for_a_listener_is_made_once():
    listeners = table()
    entry, _ = add(listeners, "a", print, "first")
    again, _ = add(listeners, "a", print, "second")

    assert again is entry
    assert entry.listener == "first"
    assert (entry.event, entry.fn) == ("a", print)


def test_a_running_emit_keeps_what_it_has():
    listeners = table()
    entry, holder = add(listeners, "a", print)
    hearing = listeners.hearing("a")
    listeners.release(entry, holder)
    add(listeners, "a", repr)

    assert hearing.entries == (entry,)


def test_releasing_twice_is_harmless():
    listeners = table()
    entry, holder = add(listeners, "a", print)

    assert listeners.release(entry, holder)
    assert not listeners.release(entry, holder)
    add(listeners, "a", print)
    assert not listeners.release(entry, holder)
    assert listeners.count("a") == 1


@pytest.mark.parametrize("event", ["a", "a:*"])
def test_a_listener_goes_with_the_last_of_its_subscriptions(event):
    listeners = table()
    entry, first = add(listeners, event, print)
    _, second = add(listeners, event, print, once=True)

    assert not listeners.release(entry, first)
    assert listeners.release(entry, second)
    assert listeners.count() == 0
    assert not listeners.hearing(event).once


@pytest.mark.parametrize("event", ["a", "a:*"])
def test_removing_ends_all_subscriptions_of_a_function(event):
    listeners = table()
    entry, _ = add(listeners, event, print)
    add(listeners, event, print, once=True)
    add(listeners, event, repr)

    assert listeners.remove(event, print) == [entry]
    assert listeners.remove(event, print) == []
    assert not listeners.hearing(event.removesuffix("*")).once
    assert heard(listeners, event.removesuffix("*")) == [repr]


def test_a_function_that_cannot_be_hashed_can_listen():
    class Unhashable:
        __hash__ = None

        def __call__(self, data):
            """Hear."""

    one, two = Unhashable(), Unhashable()
    listeners = table()
    for fn in (one, one, two):
        add(listeners, "a:b", fn)
        add(listeners, "a:*", fn)

    assert listeners.count("a:b") == 2


def test_equal_methods_of_two_objects_are_two_functions():
    one, two = [1], [1]
    listeners = table()
    add(listeners, "a", one.append)
    add(listeners, "a", two.append)

    assert listeners.count("a") == (2 if one.append != two.append else 1)


def test_so_many_names_that_they_are_not_all_remembered(monkeypatch):
    monkeypatch.setattr(rules, "MOST_HEARD", 3)
    listeners = table()
    add(listeners, "a:*", print)
    for _ in range(2):
        for number in range(10):
            assert heard(listeners, f"a:{number}") == [print]

    assert len(listeners.heard) == 3


def tap(listeners, event):
    told = []
    added = Tap(event, lambda name, data: told.append((name, data)), lambda fn: "tap")
    listeners.add_tap(added)
    return added, told


def test_a_tap_hears_before_the_listeners_and_is_told_the_name():
    listeners = table()
    add(listeners, "a:b", print)
    _, told = tap(listeners, "a:*")
    hearing = listeners.hearing("a:b")

    assert [entry.listener for entry in hearing.entries] == ["tap", "kept"]
    hearing.fns[0]("data")
    assert told == [("a:b", "data")]


def test_a_tap_is_no_listener():
    listeners = table()
    add(listeners, "a", print)
    tap(listeners, "*")
    listeners.hearing("a")

    assert (listeners.count(), listeners.count("a"), listeners.count("b")) == (1, 1, 0)
    assert listeners.events() == ["a"]
    listeners.clear()
    assert len(listeners.hearing("a").entries) == 1


@pytest.mark.parametrize(
    ("tapped", "names"),
    [("*", ["a", "a:b", "ab", 1]), ("a", ["a"]), ("a:*", ["a:b"]), ("a*", ["a", "a:b", "ab"]), ("b", [])],
)
@pytest.mark.parametrize("wild", ["*", ":*"])
def test_a_tap_hears_what_it_was_made_for(tapped, names, wild):
    listeners = Listeners[str](wild=wild)
    tap(listeners, tapped)

    heard_names = [name for name in ["a", "a:b", "ab", 1] if listeners.hearing(name).entries]
    assert heard_names == ([] if (tapped, wild) == ("a*", ":*") else names)


def test_a_tap_that_is_gone_hears_nothing_and_others_hear_on():
    listeners = table()
    (first, _), (second, _) = tap(listeners, "*"), tap(listeners, "*")
    listeners.hearing("a")
    listeners.remove_tap(first)
    listeners.remove_tap(first)

    assert [entry.key for entry in listeners.hearing("a").entries] == [second]


def functions(count):
    return [lambda data, number=number: number for number in range(count)]


class AgainstAList(RuleBasedStateMachine):
    """Subscriptions as a list of (serial of the listener, event, fn, once)."""

    held = Bundle("held")
    events = st.sampled_from(["a", "a:", "a:b", "a:b:c", "b", "a:*", "a:b:*", "*", "a*"])
    names = st.sampled_from(["a", "a:", "a:b", "a:b:c", "ab", "b", "c"])
    fns = st.integers(0, 3)

    def __init__(self):
        super().__init__()
        self.listeners = table()
        self.functions = functions(4)
        self.serials = itertools.count()
        self.model = []

    def find(self, event, fn):
        return [held for held in self.model if held[1:3] == (event, fn)]

    @rule(target=held, event=events, fn=fns, once=st.booleans())
    def add(self, event, fn, once):
        function = self.functions[fn]
        same = self.find(event, function)
        entry, holder = add(self.listeners, event, function, once=once)
        record = (same[0][0] if same else next(self.serials), event, function, once, holder)
        self.model.append(record)
        return entry, holder, record

    @rule(given=consumes(held))
    def release(self, given):
        entry, holder, record = given
        there = record in self.model
        self.model = [held for held in self.model if held is not record]
        gone = self.listeners.release(entry, holder)
        assert gone == (there and not self.find(record[1], record[2]))

    @rule(event=events, fn=fns)
    def remove(self, event, fn):
        gone = self.find(event, self.functions[fn])
        removed = self.listeners.remove(event, self.functions[fn])
        assert [entry.fn for entry in removed] == ([self.functions[fn]] if gone else [])
        self.model = [held for held in self.model if held not in gone]

    @rule(event=st.none() | events)
    def clear(self, event):
        gone = [held for held in self.model if event is None or held[1] == event]
        assert len(self.listeners.clear(event)) == len({held[0] for held in gone})
        self.model = [held for held in self.model if held not in gone]

    @rule(event=names)
    def emit(self, event):
        hearing = self.listeners.hearing(event)
        self.listeners.spend(hearing)
        serials = {(entry.event, entry.fn) for entry in hearing.entries}
        self.model = [held for held in self.model if not (held[3] and (held[1], held[2]) in serials)]

    def hearing(self, event):
        found = {}
        for serial, name, fn, _, _ in sorted(self.model, key=lambda held: held[0]):
            if name == event or (name.endswith("*") and event.startswith(name[:-1])):
                found.setdefault(fn, serial)
        return list(found)

    @invariant()
    def same(self):
        for event in ("a", "a:", "a:b", "a:b:c", "ab", "b", "c"):
            assert heard(self.listeners, event) == self.hearing(event)
            assert self.listeners.count(event) == len(self.hearing(event))
            hearing = self.listeners.hearing(event)
            kept = {(entry.event, entry.fn) for entry in hearing.entries}
            assert hearing.once == any(held[3] and (held[1], held[2]) in kept for held in self.model)
        assert self.listeners.count() == len({held[0] for held in self.model})


TestAgainstAList = AgainstAList.TestCase
TestAgainstAList.settings = settings(max_examples=60, stateful_step_count=30)


@pytest.mark.parametrize("event", ["a", "a:*"])
def test_find(event):
    listeners = table()
    entry, _ = add(listeners, event, print)

    assert listeners.find(event, print) is entry
    assert listeners.find(event, repr) is None
    assert listeners.find("b", print) is None


# As 0.1.x has it, on gevent.


def test_a_subscription_of_a_known_key_is_the_same_one():
    listeners = table()
    entry, first = listeners.add("a", print, str, holder="one")
    _, second = listeners.add("a", print, str, holder="one")
    _, other = listeners.add("a", print, str, holder="other")

    assert first is second
    assert not listeners.release(entry, first)
    assert not listeners.release(entry, second)
    assert listeners.release(entry, other)


def test_a_known_key_that_lasts_no_longer_than_one_event():
    listeners = table()
    listeners.add("a", print, str, holder="one")
    listeners.add("a", print, str, holder="one", once=True)
    listeners.spend(listeners.hearing("a"))

    assert listeners.count() == 0


def test_another_end_of_a_name_can_make_it_a_prefix():
    listeners = Listeners[str](wild=":*")
    for event, fn in {"a:*": print, "a*": repr, "*": str}.items():
        add(listeners, event, fn)

    assert heard(listeners, "a:b") == [print]
    assert heard(listeners, "a*") == [repr]
    assert heard(listeners, "*") == [str]


@pytest.mark.parametrize("event", [None, 3, ("a", "b"), b"a:b"])
def test_any_key_can_be_an_event(event):
    listeners = table()
    add(listeners, event, print)
    add(listeners, "*", repr)

    assert heard(listeners, event) == [print]
    assert listeners.remove(event, print)


def test_each_subscription_for_one_event_can_be_a_call_of_its_own():
    listeners = Listeners[str](once_apart=True)
    add(listeners, "a", print)
    for fn in (print, repr, repr, str):
        add(listeners, "a", fn, once=fn is not str)

    assert heard(listeners, "a") == [print, print, repr, repr, str]
    assert listeners.count("a") == listeners.count() == 5
    listeners.spend(listeners.hearing("a"))
    assert heard(listeners, "a") == [print, str]


# What a reader has not read yet.


def test_unread_data_comes_in_order():
    unread = Unread(2)
    unread.add(1)
    unread.add(2)

    assert (len(unread), unread.take(), unread.take(), unread.dropped) == (2, 1, 2, 0)


def test_the_oldest_unread_data_is_dropped_and_counted():
    unread = Unread(2)
    for number in range(5):
        unread.add(number)

    assert (unread.take(), unread.take(), len(unread), unread.dropped) == (3, 4, 0, 3)


@pytest.mark.parametrize("maxsize", [0, -1])
def test_nothing_unread_cannot_be_kept(maxsize):
    with pytest.raises(ValueError, match=f"maxsize must be 1 or more, got {maxsize}"):
        Unread(maxsize)


@pytest.mark.parametrize("maxsize", [None, 1.5, "1"])
def test_how_many_are_kept_is_a_whole_number(maxsize):
    with pytest.raises(TypeError, match="maxsize must be a whole number, got"):
        Unread(maxsize)


def test_a_listener_of_another_table_takes_no_other_along():
    one, other = table(), table()
    entry, holder = add(one, "a", print)
    add(other, "a", print)

    assert other.release(entry, holder)
    assert heard(other, "a") == [print]
    assert table().release(*add(one, "b", print))


def test_listeners_are_taken_over_in_their_order_and_with_their_subscriptions():
    before, listeners = Listeners(), Listeners()
    called = []
    first, passing, other = (partial(called.append, name) for name in ("first", "passing", "other"))
    _, holder = before.add("a", first, lambda: "kept")
    before.add("b:*", other, lambda: "unwanted")
    before.add("a:*", passing, lambda: "kept", once=True)
    listeners.take_over(before, lambda entry: entry.listener + " again", lambda entry: entry.listener == "kept")

    assert listeners.events() == ["a", "a:*"]
    assert [entry.listener for entry in listeners.hearing("a").entries] == ["kept again"]
    listeners.spend(listeners.hearing("a:1"))
    assert listeners.events() == ["a"]
    assert listeners.release(listeners.find("a", first), holder)
    assert (listeners.events(), before.events()) == ([], ["a", "b:*", "a:*"])
