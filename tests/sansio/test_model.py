"""The tree of a model against a reference that copies everything each time."""

import copy
from collections import OrderedDict, defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from specter.sansio.copies import MAX_LEVELS, copied
from specter.sansio.model import MISSING, Change, Tree, parts

keys = st.sampled_from("abc")
paths = st.lists(keys, max_size=4).map(tuple)
values = st.recursive(
    st.none() | st.integers(-2, 2) | st.booleans(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
roots = st.dictionaries(keys, values, max_size=3)


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("a.b", ("a", "b")),
        ("a", ("a",)),
        ("", ()),
        (".a..b.", ("a", "b")),
        (" a ", (" a ",)),
        (("a", "b"), ("a", "b")),
        (["a.b", 1, None, ""], ("a.b", 1, None, "")),
        ((), ()),
    ],
    ids=repr,
)
def test_a_path_is_a_dotted_string_or_a_sequence_of_keys(path: Any, keys: tuple[Any, ...]) -> None:
    assert parts(path) == keys


@pytest.mark.parametrize("path", [None, 3, b"a", {"a": 1}, {"a"}, iter("a")], ids=lambda path: type(path).__name__)
def test_another_path_is_refused(path: Any) -> None:
    with pytest.raises(TypeError, match=f"Path must be str/list/tuple, got {type(path).__name__}"):
        parts(path)


def test_a_key_that_cannot_be_one_is_refused_before_anything_changes() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        parts(("a", [1]))


@pytest.mark.parametrize("root", [3, [("a", 1)], "a"], ids=repr)
def test_a_root_that_is_no_dict_is_refused(root: Any) -> None:
    with pytest.raises(TypeError, match=f"initial_state must be a dict, got {type(root).__name__}"):
        Tree(root)


def test_without_a_root_the_tree_is_empty() -> None:
    assert Tree().root == {}


@pytest.mark.parametrize(
    ("path", "found"),
    [("a.b", 1), ("a", {"b": 1}), ("", {"a": {"b": 1}, "l": [5]}), ("l", [5]), ("n", MISSING), ("a.b.c", MISSING)],
    ids=repr,
)
def test_find(path: str, found: Any) -> None:
    assert Tree({"a": {"b": 1}, "l": [5]}).find(parts(path)) == found


@pytest.mark.parametrize("path", [("l", 0), ("l", "0"), ("l", 0, "x")], ids=repr)
def test_paths_do_not_lead_into_lists(path: Any) -> None:
    tree = Tree({"l": [{"x": 1}]})

    assert tree.find(path) is MISSING
    assert tree.remove(path) is None


def test_what_is_in_the_way_and_no_dict_is_replaced() -> None:
    tree = Tree({"a": [1, 2]})

    change = tree.put(("a", 0, "x"), 5)

    assert tree.root == {"a": {0: {"x": 5}}}
    assert change == [Change(("a", 0, "x"), MISSING, 5)]


def test_put_at_no_path_is_refused() -> None:
    with pytest.raises(ValueError, match=r"set\(\) requires a non-empty path"):
        Tree().put((), {})


@pytest.mark.parametrize("partial", [None, 3, [("a", 1)]], ids=repr)
def test_a_patch_that_is_no_dict_is_refused(partial: Any) -> None:
    with pytest.raises(TypeError, match=rf"patch\(\) requires a dict, got {type(partial).__name__}"):
        Tree().merge(partial)


def test_a_patch_is_not_deep_and_its_keys_are_no_paths() -> None:
    tree = Tree({"a": {"b": 1}, "c": 1})

    assert tree.merge({"a": {"d": 2}, "x.y": 3}) == [
        Change(("a",), {"b": 1}, {"d": 2}),
        Change(("x.y",), MISSING, 3),
    ]
    assert tree.root == {"a": {"d": 2}, "c": 1, "x.y": 3}


@pytest.mark.parametrize("path", ["", "n", "a.n", "a.b.c"])
def test_nothing_is_removed_where_nothing_is(path: str) -> None:
    tree = Tree({"a": {"b": 1}})

    assert tree.remove(parts(path)) is None
    assert tree.root == {"a": {"b": 1}}


def test_a_mutator_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match=r"update\(\) requires a callable mutator"):
        Tree().update(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("result", [5, [5], "a"], ids=repr)
def test_a_mutator_that_returns_neither_a_dict_nor_none_changes_nothing(result: Any) -> None:
    tree = Tree({"a": {"b": 1}})

    def mutate(draft: dict[Any, Any]) -> Any:
        draft["a"]["b"] = 2
        return result

    with pytest.raises(TypeError, match=r"update\(\) mutator must return a dict or None"):
        tree.update(mutate)
    assert tree.root == {"a": {"b": 1}}


def test_a_mutator_that_raises_changes_nothing() -> None:
    tree = Tree({"a": {"b": 1}})

    def mutate(draft: dict[Any, Any]) -> None:
        draft["a"]["b"] = 2
        raise LookupError

    with pytest.raises(LookupError):
        tree.update(mutate)
    assert tree.root == {"a": {"b": 1}}


def test_a_draft_that_was_kept_changes_nothing_later() -> None:
    tree = Tree({"a": {"b": 1}})
    kept: list[dict[Any, Any]] = []

    tree.update(kept.append)
    kept[0]["a"]["b"] = 2

    assert tree.root == {"a": {"b": 1}}


@pytest.mark.parametrize("length", [1, MAX_LEVELS - 1])
def test_the_levels_of_path_and_value_are_counted_together(length: int) -> None:
    tree = Tree()
    path = ("k",) * length
    value: Any = 1
    for _ in range(MAX_LEVELS - length):
        value = [value]

    tree.put(path, value)
    with pytest.raises(ValueError, match="a model has at most 200 levels, got more at 'k"):
        tree.put(path, [value])
    with pytest.raises(ValueError, match="at most 200 levels"):
        tree.put(("k",) * (MAX_LEVELS + 1), 1)

    assert tree.find(path) == value


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["loop"] = loop

    with pytest.raises(ValueError, match="got more: does the value contain itself?"):
        Tree(loop)


def test_what_cannot_be_copied_is_refused_and_nothing_is_set() -> None:
    tree = Tree()

    with pytest.raises(TypeError, match="cannot pickle"):
        tree.merge({"a": 1, "b": (letter for letter in "b")})
    assert tree.root == {}


@pytest.mark.parametrize(
    "make", [OrderedDict, lambda **entries: defaultdict(dict, entries)], ids=["ordered", "default"]
)
def test_a_subclass_of_dict_keeps_its_type_when_a_path_leads_through_it(make: Any) -> None:
    tree = Tree({"a": make(b=1)})
    given = tree.give(tree.find(("a",)))

    tree.put(("a", "c"), 2)

    assert given == {"b": 1}
    assert tree.find(("a",)) == {"b": 1, "c": 2}
    assert type(tree.find(("a",))) is type(make())


def test_a_copy_shares_nothing_with_a_dict_below_a_subclass() -> None:
    tree = Tree({"a": defaultdict(dict, {"b": {"c": {"n": 1}}})})
    tree.put(("a", "b", "d"), 2)
    tree.put(("a", "e"), {"n": 3})

    for part in (tree.root, tree.find(("a", "b"))):
        spoil(copied(part))

    assert tree.root == {"a": {"b": {"c": {"n": 1}, "d": 2}, "e": {"n": 3}}}


def test_a_change_copies_no_dict_twice_and_none_beside_its_path() -> None:
    tree = Tree({"a": {"b": {"c": 1}}, "x": {"y": {}}})
    beside = tree.find(("x",))
    tree.put(("a", "b", "c"), 2)
    on_the_way = [tree.root, tree.find(("a",)), tree.find(("a", "b"))]

    tree.put(("a", "b", "d"), 3)

    assert [*map(id, on_the_way)] == [*map(id, [tree.root, tree.find(("a",)), tree.find(("a", "b"))])]
    assert tree.find(("x",)) is beside


def test_after_a_part_was_given_out_a_change_shares_what_is_not_on_its_path() -> None:
    tree = Tree({"a": {"b": 1}, "x": {"y": 1}})
    tree.put(("x", "y"), 2)
    given = tree.give(tree.root)

    tree.put(("a", "b"), 2)

    assert given == {"a": {"b": 1}, "x": {"y": 2}}
    assert tree.root is not given
    assert tree.root["x"] is given["x"]


def test_giving_out_a_value_that_cannot_change_costs_no_edition() -> None:
    tree = Tree({"a": 1})
    tree.put(("a",), 2)
    root = tree.root

    tree.give(2)
    tree.put(("a",), 3)

    assert tree.root is root


class AgainstDeepCopies(RuleBasedStateMachine):
    """Any calls, in any order; whatever was given out or taken in is kept and must never change or matter again."""

    def __init__(self) -> None:
        super().__init__()
        self.tree = Tree()
        self.reference: dict[Any, Any] = {}
        self.given: list[tuple[Any, Any]] = []

    @rule(path=paths.filter(bool), value=values)
    def put(self, path: tuple[str, ...], value: Any) -> None:
        old = copy.deepcopy(find(self.reference, path))
        node = self.reference
        for key in path[:-1]:
            if not isinstance(node.get(key), dict):
                node[key] = {}
            node = node[key]
        node[path[-1]] = copy.deepcopy(value)

        change = self.tree.put(path, value)

        assert change == [Change(path, old, value)]
        spoil(value)

    @rule(path=paths)
    def remove(self, path: tuple[str, ...]) -> None:
        change = self.tree.remove(path)

        old = find(self.reference, path)
        if not path or old is MISSING:
            assert change is None
        else:
            assert change == [Change(path, old, MISSING)]
            del find(self.reference, path[:-1])[path[-1]]

    @rule(partial=roots)
    def merge(self, partial: dict[str, Any]) -> None:
        self.reference.update(copy.deepcopy(partial))

        changes = self.tree.merge(partial)

        assert [(change.path, change.new) for change in changes] == [((key,), value) for key, value in partial.items()]
        spoil(partial)

    @rule(path=paths, value=values)
    def update_a_draft(self, path: tuple[str, ...], value: Any) -> None:
        def mutate(draft: dict[Any, Any]) -> None:
            assert draft == self.reference
            holder = find(draft, path)
            if isinstance(holder, dict):
                holder["z"] = value

        self.tree.update(mutate)

        if isinstance(holder := find(self.reference, path), dict):
            holder["z"] = copy.deepcopy(value)
        spoil(value)

    @rule(root=roots)
    def update_by_a_dict(self, root: dict[str, Any]) -> None:
        self.reference = copy.deepcopy(root)

        self.tree.update(lambda draft: root)

        spoil(root)

    @rule(path=paths)
    def give(self, path: tuple[str, ...]) -> None:
        value = self.tree.give(self.tree.find(path))
        self.given.append((value, copy.deepcopy(value)))

    @invariant()
    def the_tree_is_the_reference(self) -> None:
        assert repr(self.tree.root) == repr(self.reference)

    @invariant()
    def a_copy_shares_nothing_with_the_tree(self) -> None:
        spoil(copied(self.tree.root))
        assert repr(self.tree.root) == repr(self.reference)

    @invariant()
    def what_was_given_out_stayed_as_it_was(self) -> None:
        for value, then in self.given:
            assert value == then


def find(root: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(root, dict) or key not in root:
            return MISSING
        root = root[key]
    return root


def spoil(value: Any) -> None:
    """Change all that can be changed in what a caller handed in."""
    if isinstance(value, dict):
        for inner in value.values():
            spoil(inner)
        value["spoiled"] = True
    elif isinstance(value, list):
        for inner in value:
            spoil(inner)
        value.append("spoiled")


TestAgainstDeepCopies = AgainstDeepCopies.TestCase
TestAgainstDeepCopies.settings = settings(max_examples=50, stateful_step_count=20)


@given(roots, paths.filter(bool), values)
def test_a_change_does_not_look_at_what_is_beside_its_path(
    root: dict[str, Any], path: tuple[str, ...], new: Any
) -> None:
    tree = Tree({"beside": Untouchable(), **root})

    tree.put(path, new)

    assert tree.find(path) == new


class Untouchable(dict[Any, Any]):
    """A part of the tree that raises when it is looked into."""

    def __deepcopy__(self, memo: Any) -> "Untouchable":
        return self

    def _refuse(self, *args: Any) -> Any:
        raise AssertionError("looked beside the path")

    get = items = keys = values = copy = __iter__ = __eq__ = __getitem__ = _refuse
