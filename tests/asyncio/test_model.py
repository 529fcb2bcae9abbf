"""Model: who hears of which slice, in which order, and from which thread."""

import copy
import threading

import anyio
import pytest
from anyio import to_thread
from anyio.lowlevel import checkpoint

from specter import Model, Runtime, Service, bus, create_model


@pytest.fixture(autouse=True)
def empty_bus():
    yield
    bus.clear()


@pytest.fixture
def heard():
    return []


@pytest.fixture
def model(heard):
    """A model of some depth; `hear(model, name, **options)` notes what a subscriber of that name hears."""
    return Model("m", {"a": {"b": 1, "c": {"d": 2}}, "list": [1, {"x": 2}], "n": None})


def hear(heard, model, name, **options):
    return model.subscribe(lambda value, source: heard.append((name, value)), **options)


def test_it_is_made_by_name_and_state():
    model = create_model("settings", {"a": 1}, emit_events=True)

    assert model.name == "settings"
    assert model.snapshot() == {"a": 1}
    assert repr(model) == "<Model 'settings'>"
    assert Model("empty").get() == {}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b", 1),
        (("a", "c", "d"), 2),
        (["a", "c"], {"d": 2}),
        ("list", [1, {"x": 2}]),
        ("list.0", "default"),
        ("a.b.x", "default"),
        ("n", None),
        ("x", "default"),
    ],
    ids=str,
)
def test_get_and_select_by_path(model, path, found):
    assert model.get(path, "default") == found
    assert model.select(path, "default") == found


@pytest.mark.parametrize("path", [None, "", ()], ids=repr)
def test_no_path_is_the_whole_model(model, path):
    assert model.get(path) == model.select(path) == model.snapshot() == model._state


@pytest.mark.parametrize("path", [3, {"a": 1}], ids=repr)
def test_what_is_no_path_is_refused(model, path):
    for call in (model.get, model.select, model.delete, lambda path: model.set(path, 1)):
        with pytest.raises(TypeError, match="Path must be str/list/tuple"):
            call(path)
    with pytest.raises(TypeError, match="Path must be str/list/tuple"):
        model.subscribe(print, selector=path)
    assert not model._subscribers


def test_select_by_a_function_gives_what_it_returns_and_raises_what_it_raises(model):
    assert model.select(lambda snapshot: snapshot["a"]["b"] + 1) == 2
    with pytest.raises(KeyError):
        model.select(lambda snapshot: snapshot["x"], default=3)


def test_a_default_comes_back_as_it_is(model):
    default = object()

    assert model.get("x", default) is default


def test_nothing_that_went_in_or_came_out_changes_the_model(model):
    given = {"deep": [{"n": 1}]}
    kept = []
    model.set("in", given)
    model.patch({"in2": given})
    model.update(lambda draft: kept.append(draft) or draft.update(in3=given))
    model.subscribe(lambda value, source: kept.append(value), immediate=True)
    model.subscribe(lambda value, source: kept.append(value), selector="in", immediate=True)
    model.subscribe(lambda value, source: None, selector=lambda snapshot: kept.append(snapshot) or len(snapshot))
    kept += [given, model.get(), model.get("in.deep"), model.select("in"), model.select(lambda snapshot: snapshot)]
    model.set("in.deep", [{"n": 2}])
    before = copy.deepcopy(model._state)

    for value in kept:
        spoil(value)

    assert model.snapshot() == before


def spoil(value):
    if isinstance(value, dict):
        [spoil(inner) for inner in value.values()]
        value["spoiled"] = True
    elif isinstance(value, list):
        [spoil(inner) for inner in value]
        value.append("spoiled")


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


def test_changes_return_nothing(model):
    assert model.set("x", 1) is None
    assert model.patch({"x": 2}) is None
    assert model.update(lambda draft: {"y": 1}) is None
    assert model.delete("y") is None
    assert model.clear() is None


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


async def later(state):
    """A coroutine function."""


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda model: model.update(later), "a mutator"),
        (lambda model: model.select(later), "a selector"),
        (lambda model: model.subscribe(print, selector=later), "a selector"),
    ],
    ids=["update", "select", "subscribe"],
)
def test_a_coroutine_function_where_the_answer_is_needed_at_once_is_refused(model, call, what):
    with pytest.raises(TypeError, match=f"{what} must be a plain function, got the coroutine function later"):
        call(model)


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.set("x", 1),
        lambda model: model.patch({"x": 1}),
        lambda model: model.delete("a"),
        lambda model: model.clear(),
        lambda model: model.update(lambda draft: {}),
    ],
    ids=["set", "patch", "delete", "clear", "update"],
)
def test_a_mutator_changes_the_model_through_its_draft_alone(model, change):
    before = model.snapshot()

    def mutate(draft):
        assert model.get() == before
        change(model)

    with pytest.raises(RuntimeError, match="'m' cannot be changed by a mutator but through its draft"):
        model.update(mutate)
    assert model.snapshot() == before


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


async def test_states_of_four_worker_threads_are_heard_in_the_order_of_the_changes():
    model = Model("m", {"a": {"n": 0}}, emit_events=True)
    here = threading.get_ident()
    by_path, by_function, in_a_task, events, threads = [], [], [], [], set()
    async with Runtime():
        done = anyio.Event()

        async def hear_in_a_task(value, source):
            in_a_task.append(value["n"])
            if value["n"] == 200:
                done.set()

        def note(value, source):
            threads.add(threading.get_ident())
            by_path.append(value)

        model.subscribe(note, selector="a.n")
        model.subscribe(lambda value, source: by_function.append(value), selector=lambda snapshot: snapshot["a"]["n"])
        model.subscribe(hear_in_a_task, selector="a")
        bus.on("m:changed", lambda data: events.append(data["a"]["n"]))

        def count():
            for _ in range(50):
                model.update(lambda draft: draft["a"].update(n=draft["a"]["n"] + 1))

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(to_thread.run_sync, count)
        await done.wait()

    assert by_path == by_function == in_a_task == events == [*range(1, 201)]
    assert threads == {here}


async def test_what_is_read_while_threads_change_the_model_is_of_one_state():
    model = Model("m", {"pair": {"one": 0, "other": 0}})
    stop = threading.Event()

    def change():
        for n in range(2000):
            model.set("pair", {"one": n, "other": n})
            model.set("beside", n)
        stop.set()

    def read():
        odd = []
        while not stop.is_set():
            pair = model.snapshot()["pair"]
            if pair["one"] != pair["other"]:
                odd.append(pair)
        return odd

    async with anyio.create_task_group() as group:
        group.start_soon(to_thread.run_sync, change)
        odd = await to_thread.run_sync(read)

    assert odd == []


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
