"""What a service owns, and in which order it goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.ledger import MOST_ROUNDS, Ledger


def steps(ledger, *hooks, do=lambda step: None):
    """All steps, each carried out by *do*; tasks and subscribers go when it is their turn."""
    found = []
    for step in ledger.teardown(*hooks):
        found.append(step)
        if step[0] == "tasks":
            ledger.tasks.clear()
        elif step[0] == "subscribers":
            ledger.subscribers.clear()
        do(step)
    return found


def test_a_new_ledger_is_empty():
    ledger = Ledger()

    assert not ledger
    assert steps(ledger) == [("tasks", None)]


HELD = ("intervals", "timeouts", "tasks", "bus_unsubs", "children", "cleanups", "subscribers")


@pytest.mark.parametrize("name", HELD)
def test_a_ledger_with_anything_in_it_is_not_empty(name):
    ledger = Ledger()
    held = getattr(ledger, name)
    held.append(1) if isinstance(held, list) else held.update({1: 1})

    assert ledger
    steps(ledger)
    assert not ledger


def full():
    ledger = Ledger()
    ledger.intervals.update(i1="interval 1", i2="interval 2")
    ledger.timeouts["t"] = "timeout"
    ledger.tasks["task"] = None
    ledger.bus_unsubs.append("unsub")
    ledger.children.update({1: "child 1", 2: "child 2"})
    ledger.cleanups += ["cleanup 1", "cleanup 2"]
    ledger.subscribers["fn"] = "subscriber"
    return ledger


def test_the_order():
    assert steps(full(), "before", "on_stop") == [
        ("hook", "before"),
        ("hook", "on_stop"),
        ("timers", ["interval 1", "interval 2", "timeout"]),
        ("tasks", None),
        ("unsubscribe", "unsub"),
        ("child", "child 2"),
        ("child", "child 1"),
        ("cleanup", "cleanup 2"),
        ("cleanup", "cleanup 1"),
        ("subscribers", None),
    ]


def test_listeners_go_first_first_and_children_that_are_a_list_last_first():
    ledger = Ledger(children=["child 1", "child 2"])
    ledger.bus_unsubs += ["unsub 1", "unsub 2"]

    assert steps(ledger) == [
        ("tasks", None),
        ("unsubscribe", "unsub 1"),
        ("unsubscribe", "unsub 2"),
        ("child", "child 2"),
        ("child", "child 1"),
    ]


def test_what_a_step_takes_out_itself_is_not_asked_for_again():
    ledger = full()

    def do(step):
        if step == ("child", "child 2"):
            ledger.children.clear()
        if step == ("cleanup", "cleanup 2"):
            ledger.cleanups.clear()

    found = steps(ledger, do=do)

    assert ("child", "child 1") not in found
    assert ("cleanup", "cleanup 1") not in found


def test_what_a_step_adds_is_released():
    ledger = full()

    def do(step):
        if step == ("cleanup", "cleanup 1"):
            ledger.children[3] = "late child"
            ledger.cleanups.append("late cleanup")
        if step == ("child", "late child"):
            ledger.tasks["late task"] = None

    found = steps(ledger, do=do)

    assert not ledger
    assert found.index(("child", "late child")) < found.index(("cleanup", "late cleanup"))
    assert found.count(("tasks", None)) == 3


def test_a_step_that_adds_for_ever_is_given_up():
    ledger = Ledger()
    ledger.cleanups.append("again")

    def do(step):
        if step[0] == "cleanup":
            ledger.cleanups.append("again")

    found = steps(ledger, do=do)

    assert found.count(("cleanup", "again")) == MOST_ROUNDS
    assert found[-1] == ("endless", None)
    assert ledger


@given(
    counts=st.lists(st.integers(0, 4), min_size=7, max_size=7),
    extra=st.dictionaries(
        st.integers(0, 30), st.sampled_from(["children", "cleanups", "tasks", "timeouts"]), max_size=5
    ),
)
def test_everything_goes_once_and_in_order(counts, extra):
    ledger = Ledger()
    names = iter(range(1000))
    for name, count in zip(HELD, counts, strict=True):
        held = getattr(ledger, name)
        for _ in range(count):
            held.append(f"{name} {next(names)}") if isinstance(held, list) else held.update({next(names): next(names)})
    went = []

    def do(step):
        went.append(step)
        late = extra.get(len(went))
        if late is not None:
            held = getattr(ledger, late)
            held.append("late") if isinstance(held, list) else held.update({next(names): next(names)})

    found = steps(ledger, do=do)

    assert not ledger
    singles = [step for step in found if step[0] in ("unsubscribe", "child", "cleanup") and step[1] != "late"]
    assert len(singles) == len(set(singles))
    if not extra:
        kinds = [step[0] for step in found]
        assert [kind for kind in ("timers", "tasks", "child", "subscribers") if kind in kinds] == sorted(
            {kind for kind in kinds if kind not in ("unsubscribe", "cleanup")},
            key=["timers", "tasks", "child", "subscribers"].index,
        )
