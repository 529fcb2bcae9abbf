"""The keys of a dict as a set."""

from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.ordered_set import OrderedSet


def test_it_is_the_set_of_the_keys_in_their_order():
    items = OrderedSet({"b": None, "a": None})

    assert list(items) == ["b", "a"]
    assert (len(items), "a" in items, "c" in items) == (2, True, False)
    assert items == {"a", "b"}
    assert repr(items) == "OrderedSet(['b', 'a'])"


def test_changes_are_those_of_the_dict():
    keys = {"a": None}
    items = OrderedSet(keys)
    items.add("b")
    items.add("a")
    items.discard("c")

    assert list(keys) == ["a", "b"]
    items.discard("a")
    assert list(keys) == ["b"]


@given(st.lists(st.integers(0, 5)), st.sets(st.integers(0, 5)))
def test_it_equals_a_set_of_the_same_items(items, other):
    view = OrderedSet(dict.fromkeys(items))

    assert (view == other) == (other == view) == (set(items) == other)
    assert (view == OrderedSet(dict.fromkeys(other))) == (set(items) == other)
