"""Store on gevent: who waits for whom, who hears what in which order, and what is refused."""

import logging
import sys
from types import MappingProxyType
from unittest import mock

import gevent
import pytest
from gevent.monkey import get_original
from greenlets import ended, turns

from specter_gevent import Store, bus, create_store
from specter_gevent.testing import eventually


class Owner:
    """Takes cleanups, and runs them when it stops."""

    def __init__(self):
        self.cleanups = []

    def add_cleanup(self, fn):
        self.cleanups.append(fn)

    def stop(self):
        while self.cleanups:
            self.cleanups.pop()()


@pytest.mark.parametrize(
    "given", [MappingProxyType({"a": 1}), [("a", 1)], {"a": 1}], ids=lambda given: type(given).__name__
)
def test_a_first_state_is_whatever_a_dict_can_be_made_of(given):
    assert Store("s", given).get() == {"a": 1}


def test_reading_does_not_wait_for_a_mutator_that_waits():
    store = create_store("s", {"n": 1})
    updating = gevent.spawn(store.update, lambda draft: gevent.sleep(60))
    turns(1)

    assert (store.get("n"), store.get(), store.snapshot()) == (1, {"n": 1}, {"n": 1})
    updating.kill()


def test_a_change_waits_for_the_reader_and_the_mutator_of_others():
    store, log, go = create_store("s", {"n": 1}), [], gevent.event.Event()
    reading = gevent.spawn(store.access, lambda state: go.wait(10) and log.append(dict(state)))
    turns(1)
    changing = gevent.spawn(store.set, {"n": 2})
    turns()
    assert log == []

    go.set()
    gevent.joinall([reading, changing], timeout=10)

    assert log == [{"n": 1}]
    assert store.get("n") == 2


def test_a_mutator_reads_its_store_by_every_way_there_is():
    store = create_store("s", {"n": 1})

    def mutate(draft):
        return {"get": store.get("n"), "snapshot": store.snapshot(), "access": store.access(len)}

    assert ended(gevent.spawn(store.update, mutate)) == {"get": 1, "snapshot": {"n": 1}, "access": 1}


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.set({"a": 1}),
        lambda store: store.replace({}),
        lambda store: store.delete("n"),
        lambda store: store.clear(),
        lambda store: store.update(lambda draft: None),
        lambda store: store.destroy(),
    ],
    ids=["set", "replace", "delete", "clear", "update", "destroy"],
)
@pytest.mark.parametrize("way", ["update", "access"])
def test_a_change_by_its_own_mutator_or_reader_is_refused_where_it_would_wait_for_itself(way, change):
    store = create_store("s", {"n": 1})
    calling = gevent.spawn(getattr(store, way), lambda state: change(store))

    with pytest.raises(RuntimeError, match="'s' cannot be changed by a reader, or by a mutator but through its draft"):
        ended(calling)
    assert store.get() == {"n": 1}
    assert ended(gevent.spawn(store.set, {"n": 2})) == {"n": 2}


@pytest.fixture(autouse=True)
def expected_errors(request, hub_errors):
    """What greenlets of these tests raise is raised again by `ended`."""
    yield
    hub_errors[:] = [error for error in hub_errors if "cannot be changed by a reader" not in error]


def test_what_a_failed_mutator_edited_within_a_value_stays_as_others_may_have_edited_it_too():
    store = create_store("s", {"list": [1]})

    def mutate(draft):
        draft["list"].append(2)
        draft["more"] = 3
        raise LookupError

    with pytest.raises(LookupError):
        store.update(mutate)

    assert store.get() == {"list": [1, 2]}


def test_a_state_may_be_put_in_its_place_by_a_test():
    store = create_store("s", {"a": 1})
    store._state = {"b": 2}
    store._state["c"] = 3

    assert store.set({"d": 4}) == {"b": 2, "c": 3, "d": 4}


def test_a_change_by_a_subscriber_is_heard_by_all_in_the_order_of_the_changes():
    store, heard = create_store("s", emit_events=True), []

    def count_up(state, source):
        heard.append(("first", state["n"]))
        if state["n"] < 3:
            source.set({"n": state["n"] + 1})
            assert ("second", state["n"] + 1) in heard

    store.subscribe(count_up)
    store.subscribe(lambda state, source: heard.append(("second", state["n"])))
    bus.on("s:changed", lambda state: heard.append(("bus", state["n"])))
    store.set({"n": 1})

    for who in ("first", "second", "bus"):
        assert [n for name, n in heard if name == who] == [1, 2, 3]


def test_a_change_made_while_a_subscriber_waits_is_heard_after_the_one_before():
    store, heard, go = create_store("s"), [], gevent.event.Event()

    def wait(state, source):
        if state["n"] == 1:
            go.wait(10)

    store.subscribe(wait)
    store.subscribe(lambda state, source: heard.append(state["n"]))
    first = gevent.spawn(store.set, {"n": 1})
    turns(1)
    store.set({"n": 2})

    assert heard == [1, 2]
    go.set()
    ended(first)
    assert heard == [1, 2]


def test_what_a_killed_greenlet_did_not_tell_is_told_with_the_next_change():
    store, heard = create_store("s"), []

    def wait_once(state, source):
        if state["n"] == 1:
            gevent.sleep(60)

    store.subscribe(wait_once)
    store.subscribe(lambda state, source: heard.append(state["n"]))
    killed = gevent.spawn(store.set, {"n": 1})
    turns(1)
    killed.kill()
    store.set({"n": 2})

    assert heard == [1, 2]


def test_one_that_is_ended_by_an_earlier_one_still_hears_that_change():
    store, heard = create_store("s"), []
    store.subscribe(lambda state, source: unsubscribe())
    unsubscribe = store.subscribe(lambda state, source: heard.append(state))
    store.set({"a": 1})
    store.set({"a": 2})

    assert heard == [{"a": 1}]


def test_a_function_hears_until_its_last_owner_stops():
    store, heard, first, second = create_store("s"), [], Owner(), Owner()

    def hear(state, source):
        heard.append(state["n"])

    store.subscribe(hear, owner=first)
    store.subscribe(hear, owner=second)
    store.set({"n": 1})
    first.stop()
    store.set({"n": 2})
    second.stop()
    store.set({"n": 3})

    assert heard == [1, 2]
    assert not store._subscribers


def test_unsubscribing_ends_all_that_a_function_has_of_its_own_and_leaves_an_owner_his():
    store, heard, owner = create_store("s"), [], Owner()

    def hear(state, source):
        heard.append(state["n"])

    store.subscribe(hear)
    unsubscribe = store.subscribe(hear)
    unsubscribe()
    store.set({"n": 1})
    store.subscribe(hear, owner=owner)
    store.subscribe(hear)()
    store.set({"n": 2})

    assert heard == [2]


def test_an_end_that_comes_late_leaves_a_later_subscription_alone():
    store, heard = create_store("s"), []

    def hear(state, source):
        heard.append(state["n"])

    unsubscribe = store.subscribe(hear)
    store.destroy()
    store.subscribe(hear)
    unsubscribe()
    store.set({"n": 1})

    assert heard == [1]


def test_destroy_empties_the_store_and_ends_all_subscriptions():
    store = create_store("s", {"a": 1})
    store.subscribe(lambda state, source: pytest.fail("it hears"), owner=Owner())
    store.destroy()

    assert (store.get(), len(store._subscribers)) == ({}, 0)
    store.set({"b": 1})


def test_an_error_of_a_subscriber_is_a_warning_with_its_traceback(caplog):
    store = create_store("s")
    store.subscribe(lambda state, source: 1 / 0)
    store.set({"a": 1})

    (record,) = caplog.records
    assert (record.name, record.levelno) == ("specter.core.store", logging.WARNING)
    assert record.getMessage() == "[SPECTER:store] Error in subscriber for 's': division by zero"
    assert record.exc_info[0] is ZeroDivisionError


def test_the_bus_is_looked_up_in_the_module_at_each_change():
    store = create_store("s", emit_events=True)
    with mock.patch("specter_gevent.store.bus") as replaced:
        store.set({"a": 1})

    replaced.emit.assert_called_once_with("s:changed", {"a": 1})


async def later(*args):
    """A coroutine function."""


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda store: store.subscribe(later), "a subscriber"),
        (lambda store: store.watch(later), "a subscriber"),
        (lambda store: store.update(later), "a mutator"),
        (lambda store: store.access(later), "a reader"),
    ],
    ids=["subscribe", "watch", "update", "access"],
)
def test_a_coroutine_function_is_refused_by_the_name_of_the_switch(call, what):
    store = create_store("s", {"a": 1})

    with pytest.raises(TypeError, match=f"{what} must be a plain function on gevent, .* later, .*use_backend"):
        call(store)
    assert not store._subscribers
    assert store.set({"a": 2}) == {"a": 2}


@pytest.mark.parametrize("fn", [None, 3], ids=repr)
def test_a_subscriber_that_cannot_be_called_is_refused(fn):
    store = create_store("s")

    with pytest.raises(TypeError, match=f"a subscriber must be callable, got {type(fn).__name__}"):
        store.subscribe(fn)
    with pytest.raises(TypeError, match=r"access\(\) requires a callable reader"):
        store.access(fn)
    assert not store._subscribers


def test_threads_lose_no_change_and_each_is_heard():
    store, heard, done = create_store("s"), [], []
    store.subscribe(lambda state, source: heard.append(len(state)))

    def change(first):
        for number in range(first, first + 200):
            store.set({number: number})
        done.append(first)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for first in (0, 200):
            get_original("_thread", "start_new_thread")(change, (first,))
        change(400)
        eventually(lambda: len(done) == 3)
    finally:
        sys.setswitchinterval(interval)

    assert store.get() == {number: number for number in range(600)}
    assert sorted(heard) == [*range(1, 601)]


def test_changes_that_wait_are_made_in_the_order_in_which_they_were_asked_for():
    store, order = create_store("s"), []

    def mutator(number):
        def mutate(draft):
            gevent.sleep(0)
            order.append(number)

        return mutate

    gevent.joinall([gevent.spawn(store.update, mutator(number)) for number in range(10)], timeout=10)

    assert order == [*range(10)]


def test_a_greenlet_that_is_killed_when_it_was_just_woken_leaves_the_store_to_the_next():
    store, go = create_store("s"), gevent.event.Event()
    holding = gevent.spawn(store.update, lambda draft: go.wait(10) and None)
    turns(1)
    killed = gevent.spawn(store.set, {"killed": 1})
    waiting = gevent.spawn(store.set, {"waiting": 1})
    holding.link(lambda _: killed.kill(block=False))
    turns()
    go.set()
    gevent.joinall([holding, killed], timeout=10)

    assert ended(waiting)["waiting"] == 1


def test_threads_wait_for_a_mutator_that_waits_in_another():
    store, done = create_store("s", {"a": 0, "b": 0}), []

    def add(draft):
        draft["a"] += 1
        gevent.sleep(0)
        draft["b"] += 1

    def whole(state):
        a = state["a"]
        gevent.sleep(0)
        return a == state["a"] == state["b"]

    def change():
        done.append([store.update(add) and store.access(whole) for _ in range(100)])

    for _ in range(3):
        get_original("_thread", "start_new_thread")(change, ())
    gevent.spawn(change)
    eventually(lambda: len(done) == 4)

    assert store.get() == {"a": 400, "b": 400}
    assert done == [[True] * 100] * 4
