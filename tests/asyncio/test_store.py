"""Store: who hears what, and in which order."""

import logging

import anyio
import pytest
from anyio.lowlevel import checkpoint

from specter import Runtime, Store, bus, create_store


def test_it_is_made_by_name_and_state():
    given = {"a": 1}
    store = create_store("settings", given, change_event="settings:new")
    given["a"] = 2

    assert store.name == "settings"
    assert store.get() == {"a": 1}
    assert repr(store) == "<Store 'settings' keys=1>"
    assert Store("empty").snapshot() == {}


@pytest.mark.parametrize(("key", "default", "found"), [("a", 5, 1), ("x", None, None), ("x", 5, 5), ("", 7, 7)])
def test_get(key, default, found):
    assert Store("s", {"a": 1}).get(key, default) == found


def test_values_are_the_applications_own_objects():
    value = object()
    store = Store("s", {"a": value})

    assert store.get("a") is value
    assert store.snapshot()["a"] is value


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda store: store.set({"b": 2}), {"a": 1, "b": 2}),
        (lambda store: store.replace({"c": 3}), {"c": 3}),
        (lambda store: store.delete("a", "unknown"), {}),
        (lambda store: store.delete("unknown"), {"a": 1}),
        (lambda store: store.clear(), {}),
        (lambda store: store.update(lambda draft: draft.update(d=4)), {"a": 1, "d": 4}),
        (lambda store: store.update(lambda draft: {"e": 5}), {"e": 5}),
    ],
    ids=["set", "replace", "delete", "delete nothing", "clear", "update a draft", "update by a dict"],
)
def test_a_change_returns_a_snapshot_that_is_the_callers(change, state):
    store = Store("s", {"a": 1})

    snapshot = change(store)

    assert snapshot == store.snapshot() == store.get() == state
    snapshot["mine"] = True
    assert store.snapshot() == state


def test_subscribers_hear_each_change_with_a_snapshot_of_their_own():
    store = Store("s")
    heard = []

    def spoil(snapshot, source):
        heard.append((dict(snapshot), source))
        snapshot["spoiled"] = True

    store.subscribe(spoil)
    store.subscribe(lambda snapshot, source: heard.append((snapshot, source)))
    store.set({"a": 1})
    store.set({"a": 1})
    store.delete("unknown")
    store.clear()

    assert heard == [({"a": 1}, store)] * 4 + [({}, store)] * 2
    assert store.snapshot() == {}


def test_an_error_in_a_subscriber_is_logged_and_the_others_hear_the_change(caplog):
    store = Store("s")
    heard = []

    def fails(snapshot, source):
        raise LookupError("on purpose")

    store.subscribe(fails)
    store.subscribe(lambda snapshot, source: heard.append(snapshot))
    store.set({"a": 1})

    assert heard == [{"a": 1}]
    (record,) = caplog.records
    assert "fails" in record.getMessage()
    assert record.exc_info is not None


def test_a_subscriber_that_ended_hears_nothing():
    store = Store("s")
    heard = []
    unsubscribe = store.subscribe(lambda snapshot, source: heard.append(snapshot))

    unsubscribe()
    unsubscribe()
    store.set({"a": 1})

    assert heard == []


def test_one_that_is_ended_by_an_earlier_one_does_not_hear_that_change():
    store = Store("s")
    heard = []
    store.subscribe(lambda snapshot, source: unsubscribe())
    unsubscribe = store.subscribe(lambda snapshot, source: heard.append(snapshot))

    store.set({"a": 1})

    assert heard == []


def test_one_function_is_called_once_until_its_last_subscription_ends():
    store = Store("s")
    heard = []

    def hear(snapshot, source):
        heard.append(snapshot)

    first, second = store.subscribe(hear), store.subscribe(hear)
    store.set({"n": 1})
    first()
    first()
    store.set({"n": 2})
    second()
    store.set({"n": 3})

    assert heard == [{"n": 1}, {"n": 2}]
    assert not store._subscribers


def test_immediate_and_watch_tell_of_the_present_state():
    store = Store("s", {"a": 1})
    heard = []

    store.subscribe(lambda snapshot, source: heard.append(("quiet", snapshot)))
    store.subscribe(lambda snapshot, source: heard.append(("immediate", snapshot)), immediate=True)
    store.watch(lambda snapshot, source: heard.append(("watch", snapshot)))
    store.watch(lambda snapshot, source: heard.append(("quiet watch", snapshot)), False)

    assert heard == [("immediate", {"a": 1}), ("watch", {"a": 1})]


@pytest.mark.parametrize("fn", [None, 3, "name"], ids=repr)
def test_a_subscriber_that_cannot_be_called_is_refused(fn):
    store = Store("s")

    with pytest.raises(TypeError, match=f"a subscriber must be callable, got {type(fn).__name__}"):
        store.subscribe(fn)
    assert not store._subscribers


def test_an_owner_that_cannot_own_is_refused():
    store = Store("s")

    with pytest.raises(TypeError, match="got int"):
        store.subscribe(print, owner=3)
    assert not store._subscribers


async def later(state):
    """A coroutine function."""


@pytest.mark.parametrize(
    ("call", "what"),
    [(lambda store: store.update(later), "a mutator"), (lambda store: store.access(later), "a reader")],
    ids=["update", "access"],
)
def test_a_coroutine_function_where_the_answer_is_needed_at_once_is_refused(call, what):
    with pytest.raises(TypeError, match=f"{what} must be a plain function, got the coroutine function later"):
        call(Store("s"))


def test_a_reader_reads_the_state_itself():
    store = Store("s", {"a": 1, "b": 2})

    assert store.access(lambda state: state["a"] + state["b"]) == 3
    assert store.access(lambda state: store.get("a")) == 1
    with pytest.raises(TypeError, match=r"access\(\) requires a callable reader"):
        store.access(3)


def test_a_mutator_reads_the_store_as_it_was_and_changes_it_through_its_draft_alone():
    store = Store("s", {"a": 1})

    def mutate(draft):
        draft["a"] = store.get("a") + 1
        store.set({"b": 1})

    with pytest.raises(RuntimeError, match="'s' cannot be changed by a mutator but through its draft"):
        store.update(mutate)
    assert store.snapshot() == {"a": 1}

    store.set({"b": 2})
    assert store.snapshot() == {"a": 1, "b": 2}


def test_a_change_by_a_subscriber_is_heard_by_all_in_the_order_of_the_changes():
    store = Store("s")
    heard = []

    def count_up(snapshot, source):
        heard.append(("first", snapshot["n"]))
        if snapshot["n"] < 3:
            source.set({"n": snapshot["n"] + 1})

    store.subscribe(count_up)
    store.subscribe(lambda snapshot, source: heard.append(("second", snapshot["n"])))
    store.set({"n": 1})

    assert [n for who, n in heard if who == "first"] == [1, 2, 3]
    assert [n for who, n in heard if who == "second"] == [1, 2, 3]


@pytest.mark.parametrize(
    ("options", "event"), [({}, "s:changed"), ({"change_event": "new"}, "new")], ids=["name", "own"]
)
def test_events_carry_a_snapshot_after_the_subscribers_heard(options, event):
    store = Store("s", emit_events=True, **options)
    heard = []
    bus.on(event, lambda data: heard.append(("bus", data)))
    store.subscribe(lambda snapshot, source: heard.append(("subscriber", snapshot)))

    store.set({"a": 1})
    store.delete("unknown")
    heard[-1][1]["mine"] = True

    assert heard == [("subscriber", {"a": 1}), ("bus", {"a": 1, "mine": True})]
    assert store.snapshot() == {"a": 1}


def test_without_emit_events_the_bus_hears_nothing():
    store = Store("s", change_event="new")
    bus.on("*", lambda data: pytest.fail("an event"))

    store.set({"a": 1})


async def test_coroutine_subscribers_hear_one_change_at_a_time_and_in_order():
    store = Store("s")
    heard, running = [], []
    async with Runtime():
        done = anyio.Event()

        async def hear(snapshot, source):
            running.append(1)
            await checkpoint()
            heard.append((snapshot["n"], len(running)))
            running.pop()
            if snapshot["n"] == 9:
                done.set()

        store.subscribe(hear)
        for n in range(10):
            store.set({"n": n})
        assert heard == []
        await done.wait()

    assert heard == [(n, 1) for n in range(10)]


async def test_a_coroutine_subscriber_without_a_runtime_is_an_error_in_the_log(caplog):
    store = Store("s")
    store.subscribe(lambda snapshot, source: later(snapshot))

    store.set({"a": 1})

    assert "there is no runtime" in caplog.text
    assert caplog.records[0].levelno == logging.ERROR
