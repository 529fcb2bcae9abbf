"""Subscribers of a model: who hears of which slice, and in which order."""

import threading

import anyio
import pytest
from anyio.lowlevel import checkpoint

from specter import Model, Runtime, Service, bus


def hear(heard, model, name, **options):
    return model.subscribe(lambda value, source: heard.append((name, value)), **options)


def test_each_subscriber_hears_of_its_slice_in_the_order_in_which_they_came(model, heard):
    hear(heard, model, "d", selector="a.c.d")
    hear(heard, model, "all")
    hear(heard, model, "b", selector=("a", "b"))
    hear(heard, model, "a", selector="a")
    hear(heard, model, "size", selector=len)
    model.set("a.c.d", 3)

    assert heard == [
        ("d", 3),
        ("all", {"a": {"b": 1, "c": {"d": 3}}, "list": [1, {"x": 2}], "n": None}),
        ("a", {"b": 1, "c": {"d": 3}}),
    ]


@pytest.mark.parametrize(
    ("change", "slices"),
    [
        (lambda model: model.set("a.b", 1.0), []),
        (lambda model: model.set("a.c", {"d": 2}), []),
        (lambda model: model.set("a", {"b": 5}), ["a", "b", "size"]),
        (lambda model: model.patch({"a": {"b": 1}}), ["a", "size"]),
        (lambda model: model.patch({}), []),
        (lambda model: model.update(lambda draft: draft["a"].update(b=7)), ["a", "b"]),
        (lambda model: model.update(lambda draft: None), []),
        (lambda model: model.update(lambda draft: {"a": {"b": 1}}), ["a", "size"]),
        (lambda model: model.delete("a.b"), ["a", "b", "size"]),
        (lambda model: model.delete("a.x"), []),
        (lambda model: model.clear(), ["a", "b", "size"]),
    ],
    ids=[
        "equal",
        "equal dict",
        "set",
        "patch",
        "patch nothing",
        "update",
        "no edit",
        "dict",
        "delete",
        "missing",
        "clear",
    ],
)
def test_a_slice_that_is_equal_is_not_heard_of(model, heard, change, slices):
    hear(heard, model, "a", selector="a")
    hear(heard, model, "b", selector="a.b")
    hear(heard, model, "size", selector=lambda snapshot: len(snapshot.get("a", ())))
    change(model)

    assert [name for name, _ in heard] == slices


def test_a_failed_change_leaves_the_model_as_it_was_and_is_not_heard_of(model, heard):
    hear(heard, model, "all")
    before = model.snapshot()

    def mutate(draft):
        draft["a"]["b"] = 9
        raise LookupError

    for call, error in (
        (lambda: model.update(mutate), LookupError),
        (lambda: model.update(lambda draft: [draft.clear()]), TypeError),
        (lambda: model.update(3), TypeError),
        (lambda: model.set("", 1), ValueError),
        (lambda: model.set("a.b", threading.Lock()), TypeError),
        (lambda: model.patch({"a": 1, "b": threading.Lock()}), TypeError),
        (lambda: model.patch([1]), TypeError),
    ):
        with pytest.raises(error):
            call()

    assert model.snapshot() == before
    assert heard == []


def test_immediate_and_watch_tell_of_the_present_slice(model, heard):
    hear(heard, model, "quiet", selector="a.b")
    hear(heard, model, "path", selector="a.b", immediate=True)
    hear(heard, model, "function", selector=lambda snapshot: snapshot["a"]["b"], immediate=True)
    hear(heard, model, "missing", selector="x", immediate=True)
    model.watch(lambda value, source: heard.append(("watch", value)), selector="a.c")
    model.watch(lambda value, source: heard.append(("quiet watch", value)), selector="a.c", immediate=False)

    assert heard == [("path", 1), ("function", 1), ("missing", None), ("watch", {"d": 2})]


def test_a_function_that_fails_when_it_subscribes_is_told_so(model):
    with pytest.raises(KeyError):
        model.subscribe(print, selector=lambda snapshot: snapshot["x"])
    assert not model._subscribers


def test_a_function_that_fails_later_is_logged_and_selects_again_with_the_next_change(model, heard, caplog):
    hear(heard, model, "function", selector=lambda snapshot: snapshot["a"]["b"])
    hear(heard, model, "all", selector="x")
    model.delete("a")
    model.set("x", 1)
    model.set("a.b", 2)

    assert heard == [("all", 1), ("function", 2)]
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "hear.<locals>.<lambda>" in caplog.records[0].getMessage()


def test_a_function_is_not_called_where_nothing_changed(model):
    calls = []
    model.subscribe(print, selector=lambda snapshot: calls.append(1))
    model.set("a.b", 1)
    model.delete("x")

    assert calls == [1]


def test_two_subscriptions_of_one_function_are_two(model, heard):
    def note(value, source):
        heard.append(value)

    first = model.subscribe(note, selector="a.b")
    model.subscribe(note, selector="a.c.d")
    model.update(lambda draft: draft.update(a={"b": 5, "c": {"d": 6}}))
    first()
    first()
    model.set("a", {"b": 7, "c": {"d": 8}})

    assert heard == [5, 6, 8]


def test_one_that_is_ended_by_an_earlier_one_does_not_hear_that_change(model, heard):
    model.subscribe(lambda value, source: unsubscribe())
    unsubscribe = hear(heard, model, "ended")

    model.set("x", 1)

    assert heard == []


@pytest.mark.parametrize("fn", [None, 3], ids=repr)
def test_a_subscriber_that_cannot_be_called_is_refused(model, fn):
    with pytest.raises(TypeError, match="a subscriber must be callable"):
        model.subscribe(fn)
    with pytest.raises(TypeError, match="got int"):
        model.subscribe(print, owner=3)
    assert not model._subscribers


def test_a_change_by_a_subscriber_is_heard_by_all_in_the_order_of_the_changes():
    model = Model("m")
    heard = []

    def count_up(n, source):
        heard.append(("first", n))
        if n < 3:
            source.set("n", n + 1)

    model.subscribe(count_up, selector="n")
    model.subscribe(lambda n, source: heard.append(("second", n)), selector=lambda snapshot: snapshot.get("n"))
    model.subscribe(lambda value, source: heard.append(("third", value["n"])))
    model.set("n", 1)

    for who in ("first", "second", "third"):
        assert [n for name, n in heard if name == who] == [1, 2, 3]


def test_a_slice_is_as_it_was_at_the_change_when_a_later_one_comes_first():
    model = Model("m", {"a": {"n": 0}})
    heard = []

    def change_again(value, source):
        if value["n"] == 1:
            source.set("a.n", 2)

    model.subscribe(change_again, selector="a")
    model.subscribe(lambda value, source: heard.append((value, source.get("a"))), selector="a")
    model.set("a.n", 1)

    assert heard == [({"n": 1}, {"n": 2}), ({"n": 2}, {"n": 2})]


def test_events_carry_a_snapshot_of_each_change():
    model = Model("m", emit_events=True)
    events = []
    bus.on("m:changed", events.append)

    model.set("a.b", 1)
    model.set("a.b", 1)
    model.delete("x")
    events[0]["a"]["b"] = "spoiled"
    model.clear()

    assert events == [{"a": {"b": "spoiled"}}, {"a": {"b": 1}}, {}]


def test_destroy_ends_all_subscriptions_and_keeps_the_state(model, heard):
    unsubscribe = hear(heard, model, "path", selector="a.b")
    hear(heard, model, "function", selector=len)
    model.destroy()
    model.set("a.b", 5)
    unsubscribe()

    assert heard == []
    assert model.get("a.b") == 5


async def test_a_service_that_stops_ends_what_it_subscribed(model, heard):
    async with Runtime(), Service("owner") as owner:
        hear(heard, model, "a", selector="a.b", owner=owner)
        ended = hear(heard, model, "b", owner=owner)
        kept = len(owner._ledger.cleanups)
        ended()
        assert len(owner._ledger.cleanups) == kept - 1
        model.set("a.b", 5)

    model.set("a.b", 6)

    assert heard == [("a", 5)]
    assert not model._subscribers


async def test_the_owner_ends_a_delivery_that_runs(model):
    async with Runtime():
        running, ended = anyio.Event(), anyio.Event()

        async def hear_slowly(value, source):
            running.set()
            try:
                await anyio.sleep_forever()
            finally:
                ended.set()

        async with Service("owner") as owner:
            model.subscribe(hear_slowly, selector=lambda snapshot: snapshot["a"], owner=owner)
            model.set("a", 1)
            await running.wait()
        assert ended.is_set()


async def test_coroutine_subscribers_hear_one_change_at_a_time_and_in_order():
    model = Model("m", {"a": {"n": 0}})
    heard = []
    async with Runtime():
        done = anyio.Event()

        async def note(value, source):
            await checkpoint()
            heard.append(value["n"])
            if value["n"] == 9:
                done.set()

        model.subscribe(note, selector="a")
        for n in range(1, 10):
            model.set("a.n", n)
        await done.wait()

    assert heard == [*range(1, 10)]


class Untouchable:
    """Raises when it is compared."""

    def __eq__(self, other):
        raise AssertionError("compared")

    def __deepcopy__(self, memo):
        return self

    __hash__ = object.__hash__


def test_selectors_by_path_that_a_change_does_not_touch_are_not_evaluated(heard):
    model = Model("m", {"beside": Untouchable(), "a": {"beside": Untouchable(), "b": 1}})
    hear(heard, model, "beside", selector="beside")
    hear(heard, model, "below", selector="a.beside")
    hear(heard, model, "b", selector="a.b")

    model.set("a.b", 2)

    assert heard == [("b", 2)]
