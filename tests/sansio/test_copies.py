"""Copies share nothing that can change."""

import copy
import datetime
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.copies import MAX_LEVELS, Node, TooDeep, copied, noded

atoms = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=3)
values = st.recursive(
    atoms | st.sets(st.integers(), max_size=1) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=2) | st.integers(), inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=10,
)


def mutables(value: Any) -> list[int]:
    """Identities of the dicts, lists and sets in *value*."""
    if isinstance(value, dict):
        return [id(value), *(found for inner in value.values() for found in mutables(inner))]
    if isinstance(value, list | tuple):
        return [*([id(value)] * isinstance(value, list)), *(found for inner in value for found in mutables(inner))]
    return [id(value)] * isinstance(value, set)


@given(values)
def test_a_copy_is_equal_of_the_same_types_and_shares_nothing_that_can_change(value: Any) -> None:
    new = copied(value)

    assert repr(new) == repr(value)
    assert not set(mutables(new)) & set(mutables(value))


class Thing:
    """An object of an application's own."""

    def __init__(self) -> None:
        self.parts = [1]


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x], lambda x: {"a": x}, lambda x: (x,)])
def test_an_object_is_copied_as_deepcopy_does(wrap: Any) -> None:
    thing = Thing()

    (new,) = (found for found in _things(copied(wrap(thing))))

    assert new is not thing
    assert new.parts == [1]
    assert new.parts is not thing.parts


def _things(value: Any) -> list[Thing]:
    if isinstance(value, Thing):
        return [value]
    return [found for inner in (value.values() if isinstance(value, dict) else value) for found in _things(inner)]


def test_a_subclass_of_dict_keeps_its_type() -> None:
    assert type(copied(OrderedDict(a=[1]))) is OrderedDict


def test_a_node_of_a_model_comes_out_as_a_plain_dict() -> None:
    new = copied(noded({"a": {"b": 1}}))

    assert type(new) is dict
    assert type(new["a"]) is dict
    assert new == {"a": {"b": 1}}


def test_each_dict_that_a_path_leads_to_becomes_a_node_and_no_other() -> None:
    node = noded({"a": {"b": 1}, "list": [{"c": 1}], "own": OrderedDict(d={})})

    assert [type(part) for part in (node, node["a"], node["list"][0], node["own"], node["own"]["d"])] == [
        Node,
        Node,
        dict,
        OrderedDict,
        dict,
    ]
    assert (node.flat, node["a"].flat) == (False, True)
    assert noded([{}]) == [{}]


def test_a_value_without_mutable_parts_is_copied_all_the_same() -> None:
    day = datetime.date(2026, 11, 23)

    assert copied({"day": day}) == {"day": day}


@pytest.mark.parametrize("wrap", [lambda x: [x], lambda x: {"a": x}, lambda x: (x,)], ids=["list", "dict", "tuple"])
def test_the_levels_are_counted(wrap: Any) -> None:
    value: Any = 1
    for _ in range(MAX_LEVELS):
        value = wrap(value)

    assert copied(value) == value
    with pytest.raises(TooDeep):
        copied(wrap(value))


def test_a_value_that_contains_itself_is_too_deep() -> None:
    loop: list[Any] = []
    loop.append(loop)

    with pytest.raises(TooDeep):
        copied(loop)


def test_deepcopy_of_a_node_works_too() -> None:
    node = noded({"a": [1]})

    assert copy.deepcopy(node) == {"a": [1]}


def test_what_a_model_holds_is_copied_as_deep_as_it_may_be():
    value: Any = {"end": [1]}
    for _ in range(MAX_LEVELS + 1):
        value = {"inner": value}

    with pytest.raises(TooDeep):
        copied(noded(value))
