"""The order in which services start."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.boot_order import start_order
from specter.sansio.errors import ServiceError


def test_services_that_need_nothing_start_in_order_of_registration():
    assert start_order({"c": (), "a": (), "b": ()}) == ["c", "a", "b"]
    assert start_order({}) == []


def test_a_service_starts_after_those_it_depends_on():
    assert start_order({"web": ("cache", "store"), "cache": ("store",), "store": ()}) == ["store", "cache", "web"]


def test_what_is_needed_twice_starts_once():
    assert start_order({"a": ("c", "c"), "b": ("c",), "c": ()}) == ["c", "a", "b"]


def test_an_unknown_name_says_who_needs_it_and_what_there_is():
    with pytest.raises(
        ServiceError, match="service 'a' depends on 'x', which is not registered; there are: a, b"
    ) as found:
        start_order({"a": ("x",), "b": ()})

    assert found.value.service == "a"


@pytest.mark.parametrize(
    ("wrong", "shown"),
    [
        ("database", "'database': write a comma after it"),
        (None, "None"),
        (5, "5"),
        (([],), r"\(\[\],\)"),
        ((None, "a"), r"\(None, 'a'\)"),
    ],
    ids=repr,
)
def test_what_is_no_collection_of_names_is_told_with_its_service(wrong, shown):
    with pytest.raises(ServiceError, match=f"^service 'a' must have a tuple of names as depends_on, got {shown}$"):
        start_order({"b": (), "a": wrong})


@pytest.mark.parametrize(
    ("graph", "way"),
    [
        ({"a": ("a",)}, "a -> a"),
        ({"a": ("b",), "b": ("a",)}, "a -> b -> a"),
        ({"x": ("a",), "a": ("b",), "b": ("c",), "c": ("a",)}, "a -> b -> c -> a"),
    ],
)
def test_a_cycle_is_shown(graph, way):
    with pytest.raises(ServiceError, match=f"service 'a' depends on itself: {way}$"):
        start_order(graph)


def test_a_chain_of_ten_thousand_is_no_problem():
    chain = {str(number): (str(number + 1),) for number in range(10_000)} | {"10000": ()}

    assert start_order(chain) == [str(number) for number in range(10_000, -1, -1)]


names = st.integers(0, 12).map(str)
graphs = st.dictionaries(names, st.lists(names, max_size=4), max_size=12)


@given(graphs)
def test_an_order_or_the_reason_why_there_is_none(graph):
    try:
        order = start_order(graph)
    except ServiceError as error:
        if "not registered" in error.problem:
            assert any(needed not in graph for needed in graph[error.service])
        else:
            way = error.problem.removeprefix("depends on itself: ").split(" -> ")
            assert way[0] == way[-1] == error.service
            assert all(after in graph[before] for before, after in zip(way, way[1:], strict=False))
        return

    assert sorted(order) == sorted(graph)
    for name in graph:
        assert all(order.index(needed) < order.index(name) for needed in graph[name])


@given(graphs)
def test_names_that_nothing_orders_keep_their_order(graph):
    free = dict.fromkeys(graph, ())

    assert start_order(free) == list(free)
