"""Cache on gevent: whose turn it is, who is told of a failure, and by which clock values age."""

import logging
import sys
import time
from threading import get_native_id
from types import SimpleNamespace
from unittest import mock

import gevent
import pytest
from gevent.event import Event
from greenlets import ended, turns

from specter_gevent import Cache, _time, bus, cache, create_cache


@pytest.fixture
def clock(monkeypatch):
    """Both clocks of the module, moved by hand."""
    moved = SimpleNamespace(now=1000.0, today=5e8, time=lambda: moved.today)
    monkeypatch.setitem(_time.moved, get_native_id(), lambda: moved.now)
    monkeypatch.setattr(cache, "time", moved)
    monkeypatch.setattr(cache, "_clocks", (moved.time, time.monotonic))
    return moved


class Work:
    """A factory that ends when it is told to."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.begun = 0
        self.go = Event()

    def __call__(self):
        self.begun += 1
        answer = self.answers.pop(0)
        assert self.go.wait(10)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_values_age_by_the_monotonic_clock_and_tell_the_time_of_day(clock):
    values = create_cache("c", ttl=10)
    assert values.updated_at == 0
    values.set("value")
    clock.now, clock.today = 1009.9, clock.today + 1e6
    assert (values.get(), values.is_valid(), values.updated_at) == ("value", True, 5e8)

    clock.now = 1010
    assert (values.is_valid(), values.get(), values.updated_at) == (False, None, 0)


def test_values_age_by_the_wall_clock_while_time_machine_moves_it(clock, monkeypatch):
    hatch = SimpleNamespace(is_travelling=lambda: travels)
    monkeypatch.setitem(sys.modules, "time_machine", SimpleNamespace(escape_hatch=hatch))
    travels, values = True, create_cache("c", ttl=10)
    values.set("value")
    clock.today += 11
    gone = values.is_valid()
    values.set("value")
    travels = False
    clock.today += 11

    assert (gone, values.is_valid()) == (False, True)


def test_a_value_has_a_time_of_its_own_if_it_is_stored_with_one(clock):
    values = create_cache("c", ttl=10)
    values.set("short", ttl=1)
    clock.now += 1
    assert values.get() is None

    values.get_or_compute(lambda: "computed", ttl="2")
    clock.now += 1
    assert values.get() == "computed"
    clock.now += 1
    assert values.get() is None

    values.set("for ever", ttl=-1)
    clock.now += 1e9
    assert (values.get(), values.ttl) == ("for ever", 10)


def test_a_value_that_is_read_while_it_expires_is_not_lost_if_it_is_new(clock):
    values = create_cache("c", ttl=1)
    values.set("old")
    old = values._specter_slot.entry
    clock.now += 1
    values.set("new")
    values._specter_expire(old)

    assert values.get() == "new"


def test_waiting_callers_get_the_value_of_the_one_whose_turn_it_is():
    values, work = create_cache("c"), Work("value")
    asking = [gevent.spawn(values.get_or_compute, work) for _ in range(5)]
    turns(1)
    work.go.set()

    assert [ended(greenlet) for greenlet in asking] == ["value"] * 5
    assert work.begun == 1


def test_a_failure_is_raised_to_its_own_caller_and_the_next_computes(hub_errors):
    values, work = create_cache("c"), Work(LookupError("first"), LookupError("second"), "value")
    asking = [gevent.spawn(values.get_or_compute, work) for _ in range(4)]
    turns(1)
    work.go.set()
    gevent.joinall(asking, timeout=10)

    assert [str(greenlet.exception or greenlet.value) for greenlet in asking] == ["first", "second", "value", "value"]
    assert len(hub_errors) == 2
    hub_errors.clear()


def test_who_waits_longest_stays_the_first_when_another_comes_before_it():
    values, first, second, began = create_cache("c"), Work(None), Work(None), []

    def twice():
        values.get_or_compute(first)
        values.get_or_compute(second)  # the first of those who wait is woken by now, and has not gone on yet

    asking = [
        gevent.spawn(twice),
        *[gevent.spawn(values.get_or_compute, lambda number=number: began.append(number)) for number in range(3)],
    ]
    turns(1)
    first.go.set()
    turns()
    second.go.set()
    gevent.joinall(asking, timeout=10)

    assert (second.begun, began) == (1, [0, 1, 2])


def test_a_killed_factory_leaves_its_turn_to_the_next():
    values, work = create_cache("c"), Work("never", "value")
    killed = gevent.spawn(values.get_or_compute, work)
    waiting = gevent.spawn(values.get_or_compute, work)
    turns(1)
    killed.kill()
    work.go.set()

    assert ended(waiting) == "value"
    assert not cache._running


def test_reading_setting_and_invalidating_do_not_wait_for_a_computation():
    values, work = create_cache("c"), Work("computed", "computed")
    asking = gevent.spawn(values.get_or_compute, work)
    turns(1)

    assert (values.get("nothing"), values.is_valid(), repr(values)) == (
        "nothing", False, "<Cache 'c' valid=False ttl=0.0s>",
    )  # fmt: skip
    values.set("set")
    assert values.get_or_compute(work) == "set"
    work.go.set()
    assert (ended(asking), values.get()) == ("computed", "set")


@pytest.mark.parametrize("end", [lambda values: values.invalidate(), lambda values: values.destroy()])
def test_what_is_computed_when_the_cache_is_emptied_is_its_callers_alone(end):
    values, work = create_cache("c"), Work("computed")
    asking = gevent.spawn(values.get_or_compute, work)
    turns(1)
    end(values)
    work.go.set()

    assert ended(asking) == "computed"
    assert (values.get(), values.updated_at) == (None, 0)


def test_a_factory_that_asks_for_what_it_computes_is_told_so():
    values = create_cache("c")

    with pytest.raises(RuntimeError, match=r"cache 'c' would wait for itself \(c -> c\)"):
        values.get_or_compute(lambda: values.get_or_compute(lambda: 1))
    assert values.get_or_compute(lambda: 2) == 2


def test_two_factories_that_ask_for_each_other_in_two_greenlets_do_not_stand_still():
    first, second = create_cache("first"), create_cache("second")

    def ask(other):
        def factory():
            create_cache("beside").get_or_compute(lambda: 0)
            gevent.sleep(0)
            return other.get_or_compute(lambda: "inner") + "!"

        return factory

    asking = [gevent.spawn(values.get_or_compute, ask(other)) for values, other in ((first, second), (second, first))]
    gevent.joinall(asking, timeout=10)

    assert sorted(str(greenlet.exception or greenlet.value) for greenlet in asking) == [
        "cache 'first' would wait for itself (second -> first -> second): a factory cannot ask for what it computes",
        "inner!",
    ]


def test_a_factory_that_waits_is_known_to_wait_for_the_computations_that_come_before_it_too():
    first, second = create_cache("first"), create_cache("second")
    nothing = Work(None)
    gevent.spawn(first.get_or_compute, nothing)
    turns()
    next_in_line = gevent.spawn(first.get_or_compute, lambda: second.get_or_compute(lambda: "never"))
    turns()
    last_in_line = gevent.spawn(second.get_or_compute, lambda: first.get_or_compute(lambda: "first") + " for second")
    turns()
    nothing.go.set()

    with pytest.raises(RuntimeError, match=r"cache 'second' would wait for itself \(first -> second -> first\)"):
        ended(next_in_line)
    assert ended(last_in_line) == "first for second"


@pytest.fixture(autouse=True)
def expected_errors(hub_errors):
    """What greenlets of these tests raise is looked at there."""
    yield
    hub_errors[:] = [error for error in hub_errors if "would wait for itself" not in error]


def test_a_greenlet_that_a_factory_started_and_does_not_wait_for_gets_the_value():
    values, started = create_cache("c"), []

    def factory():
        started.append(gevent.spawn(values.get_or_compute, lambda: "its own"))
        gevent.sleep(0)
        return "value"

    assert values.get_or_compute(factory) == "value"
    assert ended(started[0]) == "value"


def test_a_factory_may_ask_other_caches_and_then_more():
    first, second, third = (create_cache(name) for name in "abc")

    def factory():
        return first.get_or_compute(lambda: 1) + second.get_or_compute(lambda: third.get_or_compute(lambda: 2))

    assert create_cache("d").get_or_compute(factory) == 3
    assert not cache._running


def test_a_factory_that_gave_up_a_wait_may_be_waited_for():
    first, second, go = create_cache("first"), create_cache("second"), Event()

    def give_up():
        with gevent.Timeout(0.01, False):
            return second.get_or_compute(lambda: "never")
        go.set()
        turns()
        return "first"

    def ask():
        assert go.wait(10)
        return first.get_or_compute(lambda: "never") + " of second"

    asking = [gevent.spawn(second.get_or_compute, ask), gevent.spawn(first.get_or_compute, give_up)]

    assert [ended(greenlet) for greenlet in asking] == ["first of second", "first"]


def test_a_timeout_round_a_wait_for_the_turn_goes_through_as_itself():
    values, work = create_cache("c"), Work("value")
    asking = gevent.spawn(values.get_or_compute, work)
    turns(1)
    with pytest.raises(gevent.Timeout) as found, gevent.Timeout(0.01) as timeout:
        values.get_or_compute(work)

    assert found.value is timeout
    work.go.set()
    assert ended(asking) == "value"


def test_a_string_is_the_name_of_one_event():
    values = create_cache("c", depends_on="storage:mounts")
    values.set("value")
    bus.emit("s")
    assert values.is_valid()
    bus.emit("storage:mounts", {"any": "data"})

    assert not values.is_valid()


def test_a_cycle_of_dependencies_ends_where_it_began_also_when_a_callback_waits():
    log = []
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        values = create_cache(name, depends_on=[f"{other}:invalidated"])
        values.on_invalidate(lambda name=name: (log.append(name), gevent.sleep(0)))
    values.invalidate()
    assert log == ["c", "b", "a"]

    gevent.joinall([gevent.spawn(values.invalidate) for _ in range(2)])
    assert sorted(log) == sorted("abc" * 3)


def test_callbacks_are_called_in_order_each_as_often_as_it_was_added(caplog):
    values, log = create_cache("c"), []

    def call():
        log.append(1)

    ends = [values.on_invalidate(call), values.on_invalidate(lambda: 1 / 0), values.on_invalidate(call)]
    values.invalidate()
    assert log == [1, 1]
    (record,) = [record for record in caplog.records if record.exc_info]
    assert (record.name, record.levelno) == ("specter.core.cache", logging.ERROR)

    for end in ends * 2:
        end()
    values.invalidate()
    assert log == [1, 1]


def test_a_callback_may_end_itself_and_the_others_are_called():
    values, log = create_cache("c"), []
    ends = [values.on_invalidate(lambda: ends[0]()), values.on_invalidate(lambda: log.append(1))]
    values.invalidate()

    assert log == [1]


def test_destroy_takes_the_cache_off_the_bus():
    values = Cache("c", depends_on=["a", "b"])
    values.on_invalidate(lambda: pytest.fail("it is called"))
    values.destroy()
    values.set("value")
    bus.emit("a")

    assert values.get() == "value"
    assert bus.listener_count() == len(values._bus_unsubs) == 0


def test_the_bus_is_looked_up_in_the_module_at_each_invalidation():
    values = create_cache("c")
    with mock.patch("specter_gevent.cache.bus") as replaced:
        values.invalidate()

    replaced.emit.assert_called_once_with("c:invalidated")


@pytest.mark.parametrize("ttl", [None, 0, -5, ""], ids=repr)
def test_no_time_to_live_is_for_ever(ttl):
    values = create_cache("c", ttl)
    values.set("value")

    assert (values.ttl, values.is_valid()) == (0.0, True)
    assert values.updated_at == pytest.approx(time.time(), abs=60)


async def later():
    """A coroutine function."""


def test_a_coroutine_function_is_refused_by_the_name_of_the_switch():
    values = create_cache("c")

    with pytest.raises(TypeError, match="a factory must be a plain function on gevent, .* later, .*use_backend"):
        values.get_or_compute(later)
    with pytest.raises(TypeError, match="a callback must be a plain function on gevent, .* later, .*use_backend"):
        values.on_invalidate(later)
    assert (values.get(), values.get_or_compute(lambda: 1)) == (None, 1)


@pytest.mark.parametrize("fn", [None, 3], ids=repr)
def test_what_cannot_be_called_is_refused(fn):
    values = create_cache("c")

    with pytest.raises(TypeError, match="a factory must be callable"):
        values.get_or_compute(fn)
    with pytest.raises(TypeError, match="a callback must be callable"):
        values.on_invalidate(fn)
    values.set("value")
    assert values.get_or_compute(fn) == "value"
