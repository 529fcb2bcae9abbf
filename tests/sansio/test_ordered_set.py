"""The keys of a dict as a set."""

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
