"""Who waits for whom, against a search through all pairs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.waits import Waits


class Node:
    """Equal to every other: only its identity counts."""

    __hash__ = None

    def __eq__(self, other):
        return True


def test_who_waits_for_nothing_waits_for_itself_alone():
    waits, one, two = Waits(), Node(), Node()

    assert waits.leads(one, one)
    assert not waits.leads(one, two)
    assert len(waits) == 0


def test_a_wait_leads_one_way():
    waits, one, two, three = Waits(), Node(), Node(), Node()
    waits.add(one, two)
    waits.add(two, three)

    assert waits.leads(one, two)
    assert waits.leads(one, three)
    assert not waits.leads(three, one)
    assert not waits.leads(two, one)


def test_a_wait_that_has_ended_leads_nowhere():
    waits, one, two, three = Waits(), Node(), Node(), Node()
    waits.add(one, two)
    waits.add(one, three)
    waits.remove(one, two)
    assert not waits.leads(one, two)
    assert waits.leads(one, three)
    waits.remove(one, three)

    assert len(waits) == 0


def test_one_may_wait_twice_for_the_same():
    waits, one, two = Waits(), Node(), Node()
    waits.add(one, two)
    waits.add(one, two)
    waits.remove(one, two)

    assert waits.leads(one, two)


def test_a_list_stands_for_all_that_is_in_it_at_any_time():
    waits, one, two, three = Waits(), Node(), Node(), Node()
    group = [two]
    waits.add(one, group)
    assert waits.leads(one, two)
    assert not waits.leads(one, three)
    group.append(three)
    assert waits.leads(one, three)


def test_a_circle_ends_the_search():
    waits, one, two, three = Waits(), Node(), Node(), Node()
    waits.add(one, two)
    waits.add(two, one)

    assert not waits.leads(one, three)


def test_removing_what_was_not_added_is_an_error():
    waits, one, two = Waits(), Node(), Node()
    with pytest.raises(KeyError):
        waits.remove(one, two)


@given(st.lists(st.tuples(st.integers(0, 6), st.lists(st.integers(0, 6), max_size=3)), max_size=12))
def test_leads_is_what_a_search_through_all_pairs_finds(pairs):
    nodes = [Node() for _ in range(7)]
    waits, reach = Waits(), [[first == last for last in range(7)] for first in range(7)]
    for waiter, awaited in pairs:
        found = [nodes[index] for index in awaited]
        waits.add(nodes[waiter], found[0] if len(found) == 1 else found)
        for index in awaited:
            reach[waiter][index] = True
    for middle in range(7):
        for first in range(7):
            for last in range(7):
                reach[first][last] |= reach[first][middle] and reach[middle][last]

    for first in range(7):
        for last in range(7):
            assert waits.leads(nodes[first], nodes[last]) == reach[first][last]
