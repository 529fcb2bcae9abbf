"""Who hears of a change, against a reference that compares all slices before and after."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.model import MISSING, Change, Tree
from specter.sansio.slices import Selected, Slices, equal

keys = st.sampled_from("abc")
paths = st.lists(keys, max_size=3).map(tuple)
values = st.recursive(
    st.none() | st.integers(0, 1) | st.just(1.0) | st.booleans(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
roots = st.dictionaries(keys, values, max_size=3)
changes = st.one_of(
    st.tuples(st.just("put"), paths.filter(bool), values),
    st.tuples(st.just("remove"), paths),
    st.tuples(st.just("merge"), roots),
    st.tuples(st.just("replace"), roots),
)


def apply(tree: Tree, call: tuple[Any, ...]) -> list[Change]:
    name, *args = call
    changed: list[Change] | None = getattr(tree, name)(*args)
    return changed or []


def hear(slices: Slices[Any], tree: Tree, changed: list[Change] | None) -> list[tuple[Any, Any]]:
    return slices.heard(tree.root, changed or [])


def slice_of(root: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        root = root.get(key) if isinstance(root, dict) else None
    return root


@given(roots, st.lists(paths, max_size=8), st.lists(changes, max_size=6))
def test_those_hear_whose_slice_differs_in_the_order_in_which_they_came(
    root: dict[str, Any], watched: list[tuple[str, ...]], calls: list[tuple[Any, ...]]
) -> None:
    tree = Tree(root)
    slices: Slices[int] = Slices()
    for watcher, path in enumerate(watched):
        slices.add(watcher, path)

    for call in calls:
        before = copy.deepcopy(tree.root)
        changed = apply(tree, call)
        heard = slices.heard(tree.root, changed)

        assert heard == [
            (watcher, slice_of(tree.root, path))
            for watcher, path in enumerate(watched)
            if slice_of(before, path) != slice_of(tree.root, path)
        ]


@given(st.lists(paths, max_size=8), st.data())
def test_a_watcher_that_was_removed_hears_nothing_and_leaves_nothing(
    watched: list[tuple[str, ...]], data: st.DataObject
) -> None:
    slices: Slices[int] = Slices()
    for watcher, path in enumerate(watched):
        slices.add(watcher, path)
    left = dict(enumerate(watched))
    while left:
        gone = data.draw(st.sampled_from(sorted(left)))
        del left[gone]
        slices.remove(gone)
        slices.remove(gone)
        tree = Tree()

        heard = hear(slices, tree, tree.replace({"a": {"a": {"a": 1}}, "b": {"b": {"b": 1}}, "c": 1}))

        assert {watcher for watcher, _ in heard} <= set(left)
    assert not vars(slices)["_top"].below


def test_a_change_that_makes_no_difference_is_heard_by_nobody() -> None:
    tree = Tree({"a": {"b": 1}})
    slices: Slices[str] = Slices()
    slices.add("whole", ())
    slices.add("path", ("a", "b"))

    assert hear(slices, tree, tree.put(("a", "b"), 1.0)) == []


def test_who_is_told_of_every_change_is_told_even_if_it_makes_no_difference() -> None:
    tree = Tree({"a": 1})
    slices: Slices[str] = Slices()
    slices.add("function", None)
    slices.add("path", ("b",))

    assert hear(slices, tree, tree.put(("a",), True)) == [("function", tree.root)]
    assert hear(slices, tree, tree.put(("a",), True)) == []


def test_a_value_that_is_none_and_one_that_is_missing_are_the_same_slice() -> None:
    tree = Tree()
    slices: Slices[str] = Slices()
    slices.add("n", ("n",))
    slices.add("below", ("n", "m"))
    slices.add("whole", ())

    assert hear(slices, tree, tree.put(("n",), None)) == [("whole", {"n": None})]
    assert hear(slices, tree, tree.put(("n", "m"), 1)) == [("n", {"m": 1}), ("below", 1), ("whole", tree.root)]
    changed = tree.remove(("n", "m"))
    assert changed == [Change(("n", "m"), 1, MISSING)]
    assert hear(slices, tree, changed) == [("n", {}), ("below", None), ("whole", tree.root)]


def test_slices_that_the_change_does_not_touch_are_not_looked_at() -> None:
    class Untouchable:
        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

        def __deepcopy__(self, memo: Any) -> "Untouchable":
            return self

    tree = Tree({"beside": {"x": Untouchable()}, "a": {"beside": Untouchable(), "b": 1}})
    slices: Slices[str] = Slices()
    for path in (("beside", "x"), ("a", "beside"), ("a", "b"), ("a",)):
        slices.add(".".join(path), path)

    heard = hear(slices, tree, tree.put(("a", "b"), 2))

    assert [watcher for watcher, _ in heard] == ["a.b", "a"]


def test_clearing_gives_all_watchers() -> None:
    slices: Slices[str] = Slices()
    slices.add("path", ("a", "b"))
    slices.add("function", None)
    tree = Tree()

    assert [*slices] == ["path", "function"]
    assert slices.clear() == ["path", "function"]
    assert len(slices) == 0
    assert hear(slices, tree, tree.put(("a", "b"), 1)) == []


class NoAnswer:
    def __eq__(self, other: object) -> bool:
        raise ValueError("the truth value is ambiguous")


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [(1, 1.0, True), ([1], [1], True), ([1], [2], False), (None, 0, False), (NoAnswer(), NoAnswer(), False)],
    ids=["number", "list", "other list", "none", "no answer"],
)
def test_equal(one: Any, other: Any, answer: bool) -> None:
    assert equal(one, other) is answer
    assert equal(one, one) is True


def test_what_a_function_selects_has_changed_when_it_differs() -> None:
    selected = Selected(lambda snapshot: snapshot["a"] % 2, {"a": 1})

    assert selected.value == 1
    assert not selected.changed({"a": 3})
    assert selected.changed({"a": 4})
    assert selected.value == 0


def test_a_function_that_selects_gets_a_snapshot_of_its_own_and_may_keep_its_slice() -> None:
    kept: list[list[int]] = []

    def select(snapshot: dict[str, list[int]]) -> list[int]:
        kept.append(snapshot["a"])
        return snapshot["a"]

    root = {"a": [1]}
    selected = Selected(select, root)
    kept[0].append(2)

    assert root == {"a": [1]}
    assert selected.value == [1]
    assert not selected.changed(root)


def test_a_function_that_fails_leaves_the_slice_as_it_was_known() -> None:
    selected = Selected(lambda snapshot: snapshot["a"], {"a": 1})

    with pytest.raises(KeyError):
        selected.changed({})
    assert selected.value == 1
