"""The heap of due times, against a sorted list."""

import itertools
import math

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from specter.sansio import timers as rules
from specter.sansio.timers import Timer, Timers, new_key


def timer(name="timer", period=None):
    return Timer(lambda: None, period, name, "owner")


def test_without_timers_nothing_is_due():
    timers = Timers()

    assert timers.due(1e9) == []
    assert timers.next_due() == math.inf
    assert len(timers) == 0


def test_a_timer_is_due_at_its_moment_and_not_before():
    timers, one = Timers(), timer()
    timers.add(one, 10)

    assert timers.due(9.999) == []
    assert timers.due(10) == [one]
    assert timers.due(10) == []


def test_the_earliest_comes_first():
    timers = Timers()
    made = {due: timer(str(due)) for due in (3, 1, 2)}
    for due, one in made.items():
        timers.add(one, due)

    assert timers.next_due() == 1
    assert timers.due(5) == [made[1], made[2], made[3]]


def test_timers_of_one_moment_keep_the_order_in_which_they_were_added():
    timers, made = Timers(), [timer(str(number)) for number in range(10)]
    for one in made:
        timers.add(one, 1.0004)

    assert timers.due(2) == made


def test_a_moment_is_rounded_up_to_a_millisecond():
    timers = Timers()

    assert timers.add(timer(), 1.0001) == 1.001
    assert timers.add(timer(), 1.001) == 1.001
    assert timers.due(1.0009) == []
    assert len(timers.due(1.001)) == 2


def test_a_sum_that_misses_a_millisecond_by_a_hair_is_that_millisecond():
    timers = Timers()

    assert timers.add(timer(), 0.1 + 0.2) == 0.3
    assert len(timers.due(0.3)) == 1


def test_what_is_slept_for_is_due_when_the_clock_says_that_moment():
    for number in range(2000):
        timers = Timers()
        timers.add(timer(), 0.001 * number)

        assert len(timers.due(timers.next_due())) == 1


def test_a_cancelled_timer_is_never_given_out():
    timers, one, two = Timers(), timer(), timer()
    timers.add(one, 1)
    timers.add(two, 1)
    timers.cancel(one)
    timers.cancel(one)

    assert len(timers) == 1
    assert timers.due(2) == [two]
    assert len(timers) == 0


def test_a_timer_that_is_not_queued_can_be_cancelled():
    timers, one = Timers(), timer()
    timers.cancel(one)

    assert one.cancelled
    assert len(timers) == 0
    timers.add(one := timer(), 1)
    timers.due(1)
    timers.cancel(one)
    assert len(timers) == 0


def test_a_timer_can_be_added_again_when_it_was_due():
    timers, one = Timers(), timer(period=1)
    timers.add(one, 1)
    assert timers.due(1) == [one]
    timers.add(one, 2)

    assert timers.due(2) == [one]


def test_intervals_that_were_called_fall_due_again_their_period_later():
    timers, slow, fast = Timers(), timer("slow", period=2), timer("fast", period=1)
    timers.wind([slow, fast], 10.0)

    assert timers.due(11) == [fast]
    assert timers.due(12) == [slow]


def test_intervals_that_are_wound_together_fall_due_together():
    timers, made = Timers(), [timer(str(number), period=0.1) for number in range(100)]
    for number, one in enumerate(made):
        timers.add(one, 1 + number / 10_000)
    assert len(timers._heap) > 1
    timers.wind(timers.due(1.01), 1.0123)

    assert len(timers._heap) == 1
    assert timers.due(1.2) == made


def test_an_interval_that_was_cancelled_since_it_was_called_is_not_wound():
    timers, gone, goes_on = Timers(), timer("gone", period=1), timer("goes on", period=1)
    timers.cancel(gone)
    timers.wind([gone, goes_on], 10.0)

    assert len(timers) == 1
    assert timers.due(11) == [goes_on]


def test_dead_timers_are_swept_out_when_they_are_the_most():
    timers, alive = Timers(), timer("alive")
    timers.add(alive, 1000)
    for number in range(10_000):
        one = timer()
        timers.add(one, number)
        timers.cancel(one)

    assert len(timers) == 1
    assert len(timers._heap) < 100
    assert timers.due(1e6) == [alive]


def test_a_hundred_thousand_intervals_of_one_second_are_a_thousand_entries():
    timers = Timers()
    for number in range(100_000):
        timers.add(timer(), number / 100_000)

    assert len(timers._heap) <= 1001


def test_a_timer_shows_its_key_and_owner():
    assert repr(timer("timeout_1")) == "<Timer timeout_1 of 'owner'>"


def test_a_key_says_its_kind_and_is_not_taken(monkeypatch):
    drawn = iter([1, 1, 0xABC])
    monkeypatch.setattr(rules._random, "getrandbits", lambda bits: next(drawn))
    first = new_key("interval", {})

    assert first == "interval_00000001"
    assert new_key("interval", {first}) == "interval_00000abc"


def test_a_key_is_never_given_twice(monkeypatch):
    numbers = iter([1, 1, 2**32 - 1])
    monkeypatch.setattr("specter.sansio.timers._random.getrandbits", lambda bits: next(numbers))

    assert new_key("interval", {"interval_00000001"}) == "interval_ffffffff"


class AgainstASortedList(RuleBasedStateMachine):
    """The same calls to the heap and to a list that is sorted at each look."""

    def __init__(self):
        super().__init__()
        self.timers = Timers()
        self.now = 0.0
        # (moment in milliseconds, serial, timer)
        self.waiting = []
        self.given = []
        self.serial = 0

    @rule(after=st.integers(0, 50) | st.integers(0, 50_000), count=st.integers(1, 80))
    def add(self, after, count):
        for _ in range(count):
            one = timer(str(self.serial))
            due = self.timers.add(one, self.now + after / 1000)
            assert -2e-6 < due - (self.now + after / 1000) < 0.001
            self.waiting.append((round(due * 1000), self.serial, one))
            self.serial += 1

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), count=st.integers(1, 80))
    def cancel(self, data, count):
        for _ in range(min(count, len(self.waiting))):
            _, _, one = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
            self.timers.cancel(one)

    @precondition(lambda self: self.given)
    @rule(periods=st.lists(st.integers(0, 1000), min_size=1, max_size=3))
    def wind(self, periods):
        for one, after in zip(self.given, itertools.cycle(periods), strict=False):
            one.period = after / 1000
            self.waiting.append((math.ceil((self.now + one.period) * 1000 - 1e-3), self.serial, one))
            self.serial += 1
        self.timers.wind(self.given, self.now)
        self.given = []

    @rule(seconds=st.integers(0, 5000))
    def look(self, seconds):
        self.now += seconds / 1000
        ready = sorted(entry for entry in self.waiting if entry[0] / 1000 <= self.now + 1e-6)
        self.waiting = [entry for entry in self.waiting if entry not in ready]
        found = self.timers.due(self.now)
        assert found == [one for _, _, one in ready]
        assert not any(one.cancelled or one.queued for one in found)
        self.given += found

    @invariant()
    def knows_how_many_and_what_is_next(self):
        assert len(self.timers) == len(self.waiting)
        first = min((due for due, _, _ in self.waiting), default=math.inf)
        assert self.timers.next_due() <= first / 1000  # a dead one may come before


TestAgainstASortedList = AgainstASortedList.TestCase
TestAgainstASortedList.settings = settings(max_examples=30, stateful_step_count=30)


@given(st.lists(st.floats(0, 1e6, allow_nan=False), max_size=50))
def test_a_timer_is_never_early_and_at_most_a_millisecond_late(moments):
    timers = Timers()
    for moment in moments:
        due = timers.add(timer(), moment)
        assert moment - 2e-6 <= due <= moment + 0.001 + 1e-6
