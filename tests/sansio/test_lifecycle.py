"""The states of a service."""

import itertools

import pytest

from specter.sansio.lifecycle import RUNNING, STARTING, STOPPED, STOPPING, move

STATES = (STOPPED, STARTING, RUNNING, STOPPING)
EVENTS = ("start", "started", "stop", "stopped")
ALLOWED = {
    (STOPPED, "start"): STARTING,
    (STARTING, "started"): RUNNING,
    (STARTING, "stop"): STOPPING,
    (RUNNING, "stop"): STOPPING,
    (STOPPING, "stopped"): STOPPED,
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(STATES, EVENTS)))
def test_moves(state, event):
    if (state, event) in ALLOWED:
        assert move(state, event) == ALLOWED[state, event]
    else:
        with pytest.raises(KeyError):
            move(state, event)


def test_every_state_can_be_reached_and_left():
    assert {move(*pair) for pair in ALLOWED} == {state for state, _ in ALLOWED} == set(STATES)
