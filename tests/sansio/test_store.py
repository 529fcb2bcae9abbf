"""The rules of a flat state."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.sansio import store

NO_DICTS = pytest.mark.parametrize("value", [None, 3, "a", [("a", 1)]], ids=repr)

keys = st.sampled_from("abcd")
values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3) | st.sets(st.integers()),
    max_leaves=8,
)
states = st.dictionaries(keys, values)


def test_the_first_state_is_a_copy() -> None:
    given_state = {"a": 1}

    state = store.initial(given_state)

    assert state == given_state
    assert state is not given_state


def test_no_first_state_is_an_empty_one() -> None:
    assert store.initial(None) == {}


@pytest.mark.parametrize("value", [3, "a", [], [("a", 1)]], ids=repr)
def test_a_first_state_that_is_no_dict_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=f"initial_state must be a dict, got {type(value).__name__}"):
        store.initial(value)


def test_a_replacement_is_a_copy() -> None:
    new = {"b": 2}

    state = store.replaced({"a": 1}, new)

    assert state == new
    assert state is not new


@NO_DICTS
def test_what_is_no_dict_is_refused_by_name(value: Any) -> None:
    kind = type(value).__name__

    with pytest.raises(TypeError, match=rf"set\(\) requires a dict, got {kind}"):
        store.merge({}, value)
    with pytest.raises(TypeError, match=rf"replace\(\) requires a dict, got {kind}"):
        store.replaced({}, value)


def test_without_keys_leaves_the_old_state_as_it_was() -> None:
    old = {"a": 1, "b": 2, "c": 3}

    assert store.without(old, ["a", "c", "nope"]) == {"b": 2}
    assert store.without(old, ["nope"]) is store.without(old, []) is None
    assert old == {"a": 1, "b": 2, "c": 3}


def test_merge_and_drop_edit_the_state_itself() -> None:
    state: dict[str, Any] = {"a": 1, "b": 2}

    assert store.merge(state, {"b": 3, "c": 4}) is state
    assert store.drop(state, ["a", "a", "nope"]) is state
    assert state == {"b": 3, "c": 4}
    assert store.drop(state, ["a"]) is store.drop(state, []) is None


def test_a_mutator_edits_a_draft() -> None:
    old = {"a": 1}

    assert store.updated(old, lambda draft: draft.update(b=2)) == {"a": 1, "b": 2}
    assert old == {"a": 1}


def test_a_dict_that_a_mutator_returns_takes_the_place_of_the_state() -> None:
    new = {"z": 1}

    def mutate(draft: dict[str, Any]) -> dict[str, Any]:
        draft["dropped"] = True
        return new

    state = store.updated({"a": 1}, mutate)

    assert state == {"z": 1}
    assert state is not new


def test_a_mutator_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match=r"update\(\) requires a callable mutator"):
        store.updated({}, 3)  # type: ignore[arg-type]


def test_a_mutator_that_returns_neither_a_dict_nor_none_changes_nothing() -> None:
    inner = [1]

    def mutate(draft: dict[str, Any]) -> Any:
        draft["inner"].append(2)
        return [3]

    with pytest.raises(TypeError, match=r"update\(\) mutator must return a dict or None"):
        store.updated({"inner": inner}, mutate)
    assert inner == [1]


def test_what_a_mutator_has_edited_before_it_raised_may_be_left_to_it() -> None:
    inner = [1]

    def mutate(draft: dict[str, Any]) -> None:
        draft["inner"].append(2)
        raise LookupError

    with pytest.raises(LookupError):
        store.updated({"inner": inner}, mutate, restore=False)
    assert inner == [1, 2]


def test_a_mutator_that_succeeds_edits_the_values_themselves() -> None:
    jobs: list[int] = []

    state = store.updated({"jobs": jobs}, lambda draft: draft["jobs"].append(1))

    assert state["jobs"] is jobs
    assert jobs == [1]


def edits(container: Any) -> Callable[[], None]:
    """Something that changes *container* in place."""
    if isinstance(container, list):
        return lambda: container.append("edited")
    if isinstance(container, dict):
        return lambda: container.update(edited=True, a="edited")
    return lambda: container.add("edited")


def containers(value: Any) -> list[Any]:
    """All dicts, lists and sets below *value*."""
    if not isinstance(value, dict | list | set):
        return []
    inner = value.values() if isinstance(value, dict) else value
    return [value, *(found for each in inner for found in containers(each))]


@given(states, st.data())
def test_a_mutator_that_raises_leaves_the_state_as_it_was(state: dict[str, Any], data: st.DataObject) -> None:
    before = copy.deepcopy(state)
    identities = [*map(id, containers(state))]

    def mutate(draft: dict[str, Any]) -> None:
        for container in containers(draft)[1:]:
            if data.draw(st.booleans()):
                edits(container)()
        draft.clear()
        raise LookupError("on purpose")

    with pytest.raises(LookupError, match="on purpose"):
        store.updated(state, mutate)

    assert state == before
    assert [*map(id, containers(state))] == identities


def test_a_container_that_contains_itself_is_put_back() -> None:
    loop: dict[str, Any] = {"n": 1}
    loop["loop"] = loop

    def mutate(draft: dict[str, Any]) -> None:
        draft["loop"]["n"] = 2
        raise LookupError

    with pytest.raises(LookupError):
        store.updated({"loop": loop}, mutate)

    assert loop["n"] == 1
    assert loop["loop"] is loop
