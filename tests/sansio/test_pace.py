"""When virtual time jumps, stands still and flows."""

import math

import pytest

from specter.sansio.pace import MOST_BETWEEN_LOOKS, Move, Pace

CHILD = ["child"]
BOTH = ["child", "thread"]
# Less than is allowed between two looks, and whole fractions of it are exact. Seconds.
PATIENCE = 2**-4


def moves(pace, *looks):
    """What it does at these moments, which are counted in `PATIENCE`."""
    return [pace.next_move(at_work, now * PATIENCE)[0] for at_work, now in looks]


def test_time_jumps_when_nobody_is_at_work():
    assert moves(Pace(PATIENCE), ([], 0.0), ([], 5.0)) == [Move.JUMP, Move.JUMP]


def test_time_stands_still_until_patience_ends():
    pace = Pace(PATIENCE)

    assert moves(pace, (CHILD, 10.0), (CHILD, 10.875), (CHILD, 11.0)) == [Move.STAND, Move.STAND, Move.FLOW]


def test_who_is_given_up_is_told_once():
    pace = Pace(PATIENCE)
    pace.next_move(BOTH, 0.0)

    assert pace.next_move(BOTH, PATIENCE) == (Move.FLOW, ["child", "thread"])
    assert pace.next_move(BOTH, 2 * PATIENCE) == (Move.FLOW, [])


def test_what_is_heard_renews_patience():
    pace = Pace(PATIENCE)
    pace.next_move(CHILD, 0.0)
    pace.hear(0.75 * PATIENCE)

    assert moves(pace, (CHILD, 1.5), (CHILD, 1.75)) == [Move.STAND, Move.FLOW]


def test_while_this_process_itself_does_not_run_nobody_is_silent():
    pace = Pace(2 * MOST_BETWEEN_LOOKS)
    pace.next_move(CHILD, 0.0)

    assert [pace.next_move(CHILD, now)[0] for now in (3600.0, 7200.0)] == [Move.STAND, Move.FLOW]


def test_what_is_heard_of_nobody_in_particular_begins_no_wait():
    pace = Pace(PATIENCE)
    pace.hear(0.0)

    assert moves(pace, (CHILD, 5.0), (CHILD, 5.875)) == [Move.STAND, Move.STAND]


def test_who_begins_beside_one_given_up_is_waited_for():
    pace = Pace(PATIENCE)
    moves(pace, (CHILD, 0.0), (CHILD, 1.0))

    assert moves(pace, (BOTH, 2.0), (BOTH, 2.875), (CHILD, 2.9375)) == [Move.STAND, Move.STAND, Move.FLOW]
    assert moves(pace, (BOTH, 5.0), (BOTH, 5.875)) == [Move.STAND, Move.STAND]


def test_who_comes_back_has_the_whole_patience_again():
    pace = Pace(PATIENCE)
    moves(pace, (CHILD, 0.0), (CHILD, 1.0), ([], 1.5))

    assert moves(pace, (CHILD, 2.0), (CHILD, 2.875), (CHILD, 3.0)) == [Move.STAND, Move.STAND, Move.FLOW]


def test_no_patience_flows_at_once_and_endless_patience_never():
    assert moves(Pace(0), (CHILD, 0.0)) == [Move.FLOW]
    assert moves(Pace(math.inf), (CHILD, 0.0), (CHILD, 1e9)) == [Move.STAND, Move.STAND]


@pytest.mark.parametrize(
    "patience, error",
    [(-1, ValueError), (math.nan, ValueError), ("1", TypeError), (True, TypeError), (None, TypeError)],
    ids=repr,
)
def test_what_is_no_patience_is_refused(patience, error):
    with pytest.raises(error, match="patience"):
        Pace(patience)
