"""One slot, and one computation at a time for it."""

import itertools
import math
import traceback
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from specter.sansio.cache import Computation, Role, Slot, bent_seconds, checked_events, require_no_cycle, seconds


def clock() -> float:
    raise AssertionError("a rule read the clock")


def made(slot: Slot[Computation]) -> tuple[Computation, Role]:
    return slot.enter(lambda: Computation("c"))


@pytest.mark.parametrize(("ttl", "checked"), [(0, 0.0), (5, 5.0), (0.5, 0.5), (math.inf, 0.0)], ids=str)
def test_a_time_to_live(ttl: float, checked: float) -> None:
    assert seconds(ttl) == checked
    assert Slot(ttl).ttl == checked


@pytest.mark.parametrize(("ttl", "bent"), [(5, 5.0), ("2.5", 2.5), (-1, 0.0), (math.nan, 0.0), (True, 1.0)], ids=repr)
def test_a_time_to_live_bent_into_shape(ttl: Any, bent: float) -> None:
    assert bent_seconds(ttl) == bent


@pytest.mark.parametrize(
    ("ttl", "error"), [(-1, ValueError), (math.nan, ValueError), ("5", TypeError), (None, TypeError)], ids=repr
)
def test_what_is_no_time_to_live_is_refused(ttl: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"ttl must be .*, got "):
        seconds(ttl)
    with pytest.raises(error):
        Slot(ttl)


@pytest.mark.parametrize(("ttl", "expires_at"), [(None, 105.0), (0, None), (7, 107.0)], ids=repr)
def test_put_stores_a_value_with_its_moments(ttl: float | None, expires_at: float | None) -> None:
    slot: Slot[Computation] = Slot(5)

    slot.put("value", ttl, clock, 100.0)

    assert slot.entry == ("value", 100.0, expires_at, clock)


def test_put_refuses_a_wrong_time_to_live_and_changes_nothing() -> None:
    slot: Slot[Computation] = Slot(0)
    slot.put("old", None, clock, 0.0)

    with pytest.raises(ValueError, match="ttl must be 0 seconds or more, got -1"):
        slot.put("new", -1, clock, 0.0)
    assert slot.entry is not None
    assert slot.entry[0] == "old"


def test_none_empties_the_slot() -> None:
    slot: Slot[Computation] = Slot(0)
    slot.put("value", None, clock, 0.0)

    slot.put(None, None, clock, 1.0)

    assert slot.entry is None


def test_the_first_caller_begins_and_the_others_join() -> None:
    slot: Slot[Computation] = Slot(0)

    first, second = made(slot), made(slot)

    assert [first[1], second[1]] == [Role.BEGIN, Role.JOIN]
    assert first[0] is second[0]
    assert first[0].callers == 2


def test_the_last_caller_that_leaves_ends_it_and_who_comes_then_waits() -> None:
    slot: Slot[Computation] = Slot(0)
    computation, _ = made(slot)
    made(slot)

    assert slot.leave(computation) is False
    assert slot.leave(computation) is True
    assert made(slot) == (computation, Role.WAIT)
    slot.end(computation, None, clock, 0.0)
    assert made(slot)[1] is Role.BEGIN


def test_who_leaves_after_the_end_ends_nothing() -> None:
    slot: Slot[Computation] = Slot(0)
    computation, _ = made(slot)
    computation.succeed(1)
    slot.end(computation, None, clock, 0.0)

    assert slot.leave(computation) is False


@pytest.mark.parametrize("outdate", [Slot.empty, lambda slot: slot.put("set", None, clock, 1.0)], ids=["empty", "put"])
def test_a_value_that_was_outdated_meanwhile_is_not_stored(outdate: Any) -> None:
    slot: Slot[Computation] = Slot(0)
    computation, _ = made(slot)
    outdate(slot)
    entry = slot.entry

    assert made(slot) == (computation, Role.WAIT)
    computation.succeed("computed")
    slot.end(computation, None, clock, 2.0)

    assert slot.entry is entry
    assert computation.outcome() == "computed"


@pytest.mark.parametrize(("ttl", "expires_at"), [(None, 15.0), (0, None), (1.0, 11.0)], ids=repr)
def test_a_computed_value_is_stored_with_its_time_to_live(ttl: float | None, expires_at: float | None) -> None:
    slot: Slot[Computation] = Slot(5)
    computation, _ = made(slot)
    computation.succeed("computed")

    slot.end(computation, ttl, clock, 10.0)
    slot.end(computation, ttl, clock, 20.0)

    assert slot.entry == ("computed", 10.0, expires_at, clock)


def test_neither_an_error_nor_none_is_stored() -> None:
    slot: Slot[Computation] = Slot(0)
    failed, _ = made(slot)
    failed.fail(LookupError())
    slot.end(failed, None, clock, 0.0)
    empty, _ = made(slot)
    empty.succeed(None)
    slot.end(empty, None, clock, 0.0)

    assert slot.entry is None
    assert empty.has_outcome
    assert empty.outcome() is None


def test_a_computation_that_was_cut_off_has_no_outcome() -> None:
    computation = Computation("c")

    assert not computation.has_outcome
    with pytest.raises(RuntimeError, match="the computation of cache 'c' was cancelled"):
        computation.outcome()


def test_an_error_that_many_raise_has_a_traceback_that_does_not_grow() -> None:
    computation = Computation("c")
    try:
        raise LookupError("on purpose")
    except LookupError as error:
        computation.fail(error)

    lengths = set()
    for _ in range(3):
        with pytest.raises(LookupError) as raised:
            computation.outcome()
        lengths.add(len(traceback.extract_tb(raised.value.__traceback__)))

    assert len(lengths) == 1


def waiting(text: str) -> dict[str, Computation]:
    """Computations by name, from ``"a>b b>c"``: each waits for the one after it."""
    found: dict[str, Computation] = {}
    for pair in text.split():
        one, _, other = pair.partition(">")
        for name in (one, other):
            found.setdefault(name, Computation(name))
        found[one].waits_for.append(found[other])
    return found


@pytest.mark.parametrize(
    ("waits", "asking", "wanted", "way"),
    [
        ("a>x", "a", "a", "a -> a"),
        ("a>b", "ab", "a", "a -> a"),
        ("b>a", "a", "b", "a -> b -> a"),
        ("c>x c>b b>a", "a", "c", "a -> c -> b -> a"),
        ("b>c c>b b>a", "a", "c", "a -> c -> b -> a"),
    ],
)
def test_a_wait_that_would_never_end_is_refused(waits: str, asking: str, wanted: str, way: str) -> None:
    found = waiting(waits)

    with pytest.raises(RuntimeError, match=f"cache '{wanted}' would wait for itself \\({way}\\)"):
        require_no_cycle([found[name] for name in asking], found[wanted])


@pytest.mark.parametrize(
    ("waits", "asking", "wanted"), [("a>b", "", "a"), ("a>b", "a", "b"), ("b>c c>b a>x", "a", "b")]
)
def test_another_wait_is_not(waits: str, asking: str, wanted: str) -> None:
    found = waiting(waits)

    require_no_cycle([found[name] for name in asking], found[wanted])


def test_who_was_begun_by_a_computation_that_has_ended_may_ask_again() -> None:
    ended = Computation("a")
    ended.ended = True

    require_no_cycle([ended], ended)


class Callers(RuleBasedStateMachine):
    """Callers come, join, leave; computations end in any way; the slot is set and emptied."""

    def __init__(self) -> None:
        super().__init__()
        self.slot: Slot[Computation] = Slot(0)
        self.numbers = itertools.count(1)
        self.running: Computation | None = None
        self.joined: list[Computation] = []
        self.fresh_from: Any = None
        self.expected: Any = None

    @rule()
    def come(self) -> None:
        if self.slot.entry is not None:
            return
        computation, role = made(self.slot)
        if role is Role.BEGIN:
            assert self.running is None
            self.running = computation
            self.fresh_from = computation
        else:
            assert computation is self.running
        if role is Role.WAIT:
            assert computation is not self.fresh_from or not any(joined is computation for joined in self.joined)
        else:
            assert computation is self.fresh_from
            self.joined.append(computation)

    @precondition(lambda self: self.joined)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        computation = self.joined.pop(data.draw(st.integers(0, len(self.joined) - 1)))

        last = self.slot.leave(computation)

        assert last == (computation is self.running and not any(joined is computation for joined in self.joined))

    @precondition(lambda self: self.running)
    @rule(how=st.sampled_from(["value", "none", "error", "cut off"]))
    def end(self, how: str) -> None:
        assert self.running is not None
        computation, self.running = self.running, None
        number = next(self.numbers)
        if how == "value":
            computation.succeed(number)
            if computation is self.fresh_from:
                self.expected = number
        elif how == "none":
            computation.succeed(None)
            if computation is self.fresh_from:
                self.expected = None
        elif how == "error":
            computation.fail(LookupError())
        self.slot.end(computation, None, clock, 0.0)

    @rule()
    def empty(self) -> None:
        self.slot.empty()
        self.fresh_from = self.expected = None

    @rule()
    def put(self) -> None:
        self.expected = next(self.numbers)
        self.slot.put(self.expected, None, clock, 0.0)
        self.fresh_from = None

    @invariant()
    def the_slot_holds_the_newest_value(self) -> None:
        assert (self.slot.entry and self.slot.entry[0]) == self.expected

    @invariant()
    def the_slot_knows_what_runs(self) -> None:
        assert self.slot.computation is self.running


TestCallers = Callers.TestCase
TestCallers.settings = settings(max_examples=50, stateful_step_count=20)


@pytest.mark.parametrize("given", [None, [], ()], ids=repr)
def test_a_cache_may_depend_on_no_event(given: Any) -> None:
    assert checked_events(given) == []


def test_events_keep_their_order() -> None:
    assert checked_events(iter(["b", "a"])) == ["b", "a"]


@pytest.mark.parametrize("given", ["media", ["media", ""], [3]], ids=repr)
def test_what_names_no_events_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match="names of events"):
        checked_events(given)
