"""Model: reading and changing it by path or function."""

import copy

import pytest

from specter import Model, create_model


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


def test_changes_return_nothing(model):
    assert model.set("x", 1) is None
    assert model.patch({"x": 2}) is None
    assert model.update(lambda draft: {"y": 1}) is None
    assert model.delete("y") is None
    assert model.clear() is None


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
