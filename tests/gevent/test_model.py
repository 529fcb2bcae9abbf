"""Model on gevent: who waits for whom, who hears what in which order, and what is refused."""

import copy
import logging
import sys
from unittest import mock

import gevent
import pytest
from gevent.event import Event
from gevent.monkey import get_original
from greenlets import ended, turns

from specter_gevent import Model, bus, create_model
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


@pytest.fixture
def model():
    return create_model("m", {"a": {"b": 1}, "list": [1, {"x": 2}]})


@pytest.mark.parametrize("given", [None, {}, [], 0, ""], ids=repr)
def test_nothing_is_a_first_state_of_nothing(given):
    assert Model("m", given).get() == {}


def test_every_change_gives_a_snapshot_that_is_the_callers(model):
    snapshots = [
        model.set("a.c", 2),
        model.patch({"d": {"e": 3}}),
        model.update(lambda draft: draft["a"].update(b=4)),
        model.delete("a.c"),
        model.delete("unknown"),
        model.clear(),
    ]

    assert [sorted(snapshot) for snapshot in snapshots] == [["a", "list"], *[["a", "d", "list"]] * 4, []]
    before = copy.deepcopy(model.set("a", {"b": {"c": [1]}}))
    spoiled = model.set("x", 1)
    spoiled["a"]["b"]["c"].append(2)
    spoiled["a"]["b"]["d"] = 3
    assert model.get("a") == before["a"]


def test_a_default_that_stands_in_is_copied(model):
    default = {"items": []}
    model.get("unknown", default)["items"].append(1)
    model.select("unknown", default)["items"].append(1)

    assert default == {"items": []}


def test_reading_and_subscribing_do_not_wait_for_a_mutator_that_waits(model):
    updating = gevent.spawn(model.update, lambda draft: gevent.sleep(60))
    turns(1)

    assert (model.get("a.b"), model.snapshot() == model.get(), model.select("a.b")) == (1, True, 1)
    model.subscribe(print, selector="a")()
    updating.kill()


def test_a_change_waits_for_the_mutator_of_another(model):
    go = Event()

    def mutate(draft):
        go.wait(10)
        draft["a"]["b"] += 1

    updating = gevent.spawn(model.update, mutate)
    turns(1)
    changing = gevent.spawn(model.set, "a.c", 5)
    turns()
    assert not changing.ready()

    go.set()
    assert ended(updating)["a"] == {"b": 2}
    assert ended(changing)["a"] == {"b": 2, "c": 5}


def test_a_mutator_reads_its_model(model):
    def mutate(draft):
        return {"get": model.get("a.b"), "select": model.select(len), "subscribed": model.subscribe(print)()}

    assert ended(gevent.spawn(model.update, mutate)) == {"get": 1, "select": 2, "subscribed": None}


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.set("x", 1),
        lambda model: model.patch({"x": 1}),
        lambda model: model.delete("a"),
        lambda model: model.clear(),
        lambda model: model.update(lambda draft: {}),
        lambda model: model.destroy(),
    ],
    ids=["set", "patch", "delete", "clear", "update", "destroy"],
)
def test_a_change_by_its_own_mutator_is_refused_where_it_would_wait_for_itself(model, change, hub_errors):
    before = model.get()
    changing = gevent.spawn(model.update, lambda draft: change(model))

    with pytest.raises(RuntimeError, match="'m' cannot be changed by a reader, or by a mutator but through its draft"):
        ended(changing)
    assert model.get() == before
    assert ended(gevent.spawn(model.set, "a.b", 2))["a"] == {"b": 2}
    hub_errors.clear()


def test_a_selector_reads_its_model_where_it_is_called(model):
    heard = []
    model.subscribe(
        lambda value, source: heard.append(value), selector=lambda state: (state["a"]["b"], model.get("a.b"))
    )
    model.set("a.b", 2)

    assert heard == [(2, 2)]


def test_a_change_by_a_subscriber_is_heard_by_all_in_the_order_of_the_changes():
    model, heard = create_model("m", emit_events=True), []

    def count_up(n, source):
        heard.append(("first", n))
        if n < 3:
            source.set("n", n + 1)
            assert ("last", n + 1) in heard

    model.subscribe(count_up, selector="n")
    model.subscribe(lambda n, source: heard.append(("function", n)), selector=lambda state: state.get("n"))
    model.subscribe(lambda state, source: heard.append(("last", state["n"])))
    bus.on("m:changed", lambda state: heard.append(("bus", state["n"])))
    model.set("n", 1)

    for who in ("first", "function", "last", "bus"):
        assert [n for name, n in heard if name == who] == [1, 2, 3]


def test_a_slice_is_as_it_was_at_the_change_when_a_later_one_comes_first():
    model, heard = create_model("m", {"a": {"n": 0}}), []

    def change_again(value, source):
        if value["n"] == 1:
            source.set("a.n", 2)

    model.subscribe(change_again, selector="a")
    model.subscribe(lambda value, source: heard.append((value, source.get("a"))), selector="a")
    model.set("a.n", 1)

    assert heard == [({"n": 1}, {"n": 2}), ({"n": 2}, {"n": 2})]


def test_what_a_killed_greenlet_did_not_tell_is_told_with_the_next_change():
    model, heard = create_model("m"), []
    model.subscribe(lambda n, source: n == 1 and gevent.sleep(60), selector="n")
    model.subscribe(lambda n, source: heard.append(n), selector="n")
    killed = gevent.spawn(model.set, "n", 1)
    turns(1)
    killed.kill()
    model.set("n", 2)

    assert heard == [1, 2]


def test_one_that_is_ended_by_an_earlier_one_still_hears_that_change(model):
    heard = []
    model.subscribe(lambda value, source: unsubscribe())
    unsubscribe = model.subscribe(lambda value, source: heard.append(value), selector="a.b")
    model.set("a.b", 2)
    model.set("a.b", 3)

    assert heard == [2]


def test_values_that_cannot_be_compared_are_heard_of():
    class NoAnswer:
        def __eq__(self, other):
            raise ValueError("the truth value is ambiguous")

        __hash__ = None

    model, heard = create_model("m", {"array": NoAnswer()}), []
    model.subscribe(lambda value, source: heard.append(type(value).__name__), selector="array")
    model.set("array", NoAnswer())
    model.set("beside", 1)

    assert heard == ["NoAnswer"]


def test_the_end_of_an_owner_ends_its_subscription_alone(model):
    heard, owner = [], Owner()

    def hear(value, source):
        heard.append(value)

    model.subscribe(hear, selector="a.b", owner=owner)
    model.subscribe(hear, selector="a.b")
    owner.stop()
    model.set("a.b", 2)

    assert heard == [2]
    assert len(model._subscribers) == 1


def test_tests_may_look_at_subscribers_and_state_and_replace_them(model):
    model.subscribe(lambda value, source: pytest.fail("it hears"))
    assert (len(model._subscribers), len([*model._subscribers]), model._state["a"]["b"]) == (1, 1, 1)
    model._subscribers.clear()
    assert not model._subscribers
    model._state = {"new": 1}

    assert model.set("x", 2) == {"new": 1, "x": 2}


def test_destroy_empties_the_model_and_ends_all_subscriptions(model):
    for selector in ("a.b", len, None):
        model.subscribe(lambda value, source: pytest.fail("it hears"), selector=selector)
    model.destroy()

    assert (model.get(), len(model._subscribers)) == ({}, 0)
    model.set("a.b", 1)


def test_an_error_of_a_subscriber_is_a_warning_with_its_traceback(model, caplog):
    model.subscribe(lambda value, source: 1 / 0)
    model.subscribe(print, selector=lambda state: state["a"])
    model.delete("a")

    assert [(record.name, record.levelno, record.exc_info[0]) for record in caplog.records] == [
        ("specter.core.model", logging.WARNING, ZeroDivisionError),
        ("specter.core.model", logging.WARNING, KeyError),
    ]
    assert caplog.records[0].getMessage() == "[SPECTER:model] Error in subscriber for 'm': division by zero"


def test_the_bus_is_looked_up_in_the_module_at_each_change():
    model = create_model("m", emit_events=True)
    with mock.patch("specter_gevent.model.bus") as replaced:
        model.set("a", {"b": 1})

    replaced.emit.assert_called_once_with("m:changed", {"a": {"b": 1}})


async def later(*args):
    """A coroutine function."""


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda model: model.subscribe(later), "a subscriber"),
        (lambda model: model.watch(later), "a subscriber"),
        (lambda model: model.subscribe(print, selector=later), "a selector"),
        (lambda model: model.select(later), "a selector"),
        (lambda model: model.update(later), "a mutator"),
    ],
    ids=["subscribe", "watch", "selector", "select", "update"],
)
def test_a_coroutine_function_is_refused_by_the_name_of_the_switch(model, call, what):
    with pytest.raises(TypeError, match=f"{what} must be a plain function on gevent, .* later, .*use_backend"):
        call(model)
    assert not model._subscribers
    assert model.set("a.b", 2)["a"] == {"b": 2}


@pytest.mark.parametrize("fn", [None, 3], ids=repr)
def test_a_subscriber_that_cannot_be_called_is_refused(model, fn):
    with pytest.raises(TypeError, match=f"a subscriber must be callable, got {type(fn).__name__}"):
        model.subscribe(fn)
    with pytest.raises(TypeError, match="Path must be str/list/tuple"):
        model.subscribe(print, selector=3)
    assert not model._subscribers


def test_a_thread_that_reads_sees_no_half_of_a_change():
    model = create_model("m", {"pair": {"one": 0, "other": 0}, "n": 0})
    odd, done = [], []

    def read():
        while not done:
            pair = model.snapshot()["pair"]
            if pair["one"] != pair["other"]:
                odd.append(pair)
        done.append("read")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        get_original("_thread", "start_new_thread")(read, ())
        for n in range(500):
            model.set("pair", {"one": n, "other": n})
            model.set(f"beside{n % 7}", n)
            model.delete(f"beside{n % 5}")
        done.append("changed")
        eventually(lambda: len(done) == 2)
    finally:
        done.append("given up")
        sys.setswitchinterval(interval)

    assert odd == []
