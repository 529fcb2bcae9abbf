"""Waits between tries."""

from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.backoff import FIRST, JITTER, Backoff

seconds = st.floats(min_value=0, max_value=1e6, allow_nan=False)
chances = st.floats(min_value=0, max_value=1, exclude_max=True, allow_nan=False)


def test_waits_double_up_to_the_longest():
    backoff = Backoff(longest=10)

    assert [backoff.next_wait(0, 0) for _ in range(6)] == [1, 2, 4, 8, 10, 10]


def test_what_worked_longer_than_its_last_wait_begins_anew():
    backoff = Backoff(longest=30)
    for _ in range(4):
        backoff.next_wait(0, 0)

    assert backoff.next_wait(8, 0) == 16
    assert backoff.next_wait(16.1, 0) == 1


def test_a_longest_below_the_first_is_kept():
    backoff = Backoff(longest=0.2)

    assert [backoff.next_wait(0, 0) for _ in range(3)] == [0.2, 0.2, 0.2]


@given(longest=st.floats(min_value=0.01, max_value=1e4), tries=st.lists(st.tuples(seconds, chances), max_size=30))
def test_every_wait_is_in_bounds(longest, tries):
    backoff = Backoff(longest)
    first = min(FIRST, longest)

    for worked_for, chance in tries:
        assert first * (1 - JITTER) <= backoff.next_wait(worked_for, chance) <= longest


@given(chances=st.lists(chances, min_size=1, max_size=30))
def test_without_work_waits_grow_as_jitter_allows(chances):
    backoff = Backoff(longest=30)

    for number, chance in enumerate(chances):
        whole = min(2**number, 30)
        assert whole * (1 - JITTER) <= backoff.next_wait(0, chance) <= whole
