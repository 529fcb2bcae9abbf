"""How the time of a stop is divided."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.deadline import LEAST_SECONDS, half_way


def test_a_step_leaves_half_of_the_time_to_those_after_it():
    assert half_way(10, 14) == 12


@pytest.mark.parametrize("until", [9, 10, 10.001])
def test_a_step_that_begins_late_gets_a_little_all_the_same(until):
    assert half_way(10, until) == 10 + LEAST_SECONDS / 2


def test_without_an_end_there_is_no_limit():
    assert half_way(10, math.inf) == math.inf


@given(st.floats(0.1, 1000), st.integers(1, 50))
def test_many_steps_that_use_all_their_time_end_in_time(seconds, steps):
    now = 0.0
    for _ in range(steps):
        now = half_way(now, seconds)

    assert now <= seconds + steps * LEAST_SECONDS / 2
