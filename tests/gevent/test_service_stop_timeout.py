"""Stopping a service: in time, whatever hangs in it."""

import gevent
import pytest
from greenlets import ended, turns
from logged import errors
from parts_gevent import Part

from specter_gevent import Service


def test_a_step_that_hangs_is_cut_and_the_rest_goes_on(clock, caplog):
    log = []

    def hang():
        try:
            gevent.sleep(1000)
        finally:
            log.append(clock.now)

    part = Part(log=log, stop=hang).start()
    stop = gevent.spawn(part.stop)
    clock.advance(30)

    assert ended(stop) is part
    assert part.is_clean()
    # Half of the 30 seconds is for the step that hangs.
    assert log == ["part stops", 15, "part cleans up", "part task ends"]
    [message] = errors(caplog)
    assert message.startswith(
        "[SPECTER] hook Part.on_stop of 'part' did not end in time, waits at test_service_stop_timeout.py:"
    )
    assert message.endswith("in hang: cut")


def test_each_of_many_steps_that_hang_gets_its_time(clock):
    begun = []
    part = Service("a").start()
    part.stop_timeout = 4
    for number in range(10):
        part.add_cleanup(lambda number=number: begun.append((number, clock.now)) or gevent.sleep(1000))
    stop = gevent.spawn(part.stop)
    clock.advance(4.2)

    assert ended(stop) is part
    assert [number for number, _ in begun] == list(range(9, -1, -1))
    assert [moment for _, moment in begun][:3] == pytest.approx([0, 2, 3])


def test_a_step_that_follows_quick_ones_has_half_of_the_rest(clock):
    log = []
    part = Service("a").start()
    part.stop_timeout = 8
    part.add_cleanup(lambda: gevent.sleep(1000))
    part.add_cleanup(lambda: gevent.sleep(3) or log.append("whole"))
    part.add_cleanup(lambda: gevent.sleep(0) or log.append("whole"))
    stop = gevent.spawn(part.stop)
    clock.advance(8)

    assert ended(stop) is part
    assert log == ["whole", "whole"]


def test_the_time_of_a_stop_holds_for_what_it_stops(clock):
    part = Part("part")
    part.stop_timeout = 4
    part.child.on_stop = lambda: gevent.sleep(1000)
    part.start()
    grandchild = Part("grandchild", stop=lambda: gevent.sleep(1000))
    part.child.adopt(grandchild)
    other = Part("other", stop=lambda: gevent.sleep(1000)).start()
    part.add_cleanup(other.stop)
    stop = gevent.spawn(part.stop)
    clock.advance(4.1)

    assert ended(stop) is part
    assert part.is_clean()
    assert grandchild.is_clean()
    assert other.is_clean()


def test_a_child_with_less_time_has_less(clock):
    part = Part("part")
    part.child.stop_timeout = 2
    part.child.on_stop = lambda: gevent.sleep(1000)
    part.start()
    stop = gevent.spawn(part.stop)
    clock.advance(2)

    assert ended(stop) is part
    assert part.is_clean()


def test_a_hook_that_survives_the_cut_is_cut_again(clock):
    cuts = []

    def stubborn():
        for _ in range(3):
            try:
                gevent.sleep(1000)
            except gevent.Timeout:
                cuts.append(clock.now)

    part = Part(stop=stubborn).start()
    part.stop_timeout = 8
    stop = gevent.spawn(part.stop)
    clock.advance(8)

    assert ended(stop) is part
    assert cuts == [4, 6, 7]


def test_a_service_may_have_all_the_time(clock):
    part = Part(stop=lambda: gevent.sleep(5000)).start()
    part.stop_timeout = float("inf")
    stop = gevent.spawn(part.stop)
    clock.advance(5000)

    assert ended(stop) is part


@pytest.mark.parametrize("taken", [None, "soon", -1])
def test_a_stop_timeout_that_is_no_time_bounds_nothing(clock, taken):
    part = Part(stop=lambda: gevent.sleep(5000))
    part.stop_timeout = taken
    part.start()
    stop = gevent.spawn(part.stop)
    clock.advance(5000)

    assert ended(stop) is part


def test_a_stop_in_a_task_is_bounded_as_well(clock):
    part = Part(stop=lambda: gevent.sleep(1000)).start()
    part.stop_timeout = 4
    greenlet = part.spawn(part.stop)
    clock.advance(4)

    assert greenlet.dead
    assert part.is_clean()


def test_who_waits_for_a_stop_waits_as_long_as_that_may_take(clock):
    part = Part(stop=lambda: gevent.sleep(1000)).start()
    stops = [gevent.spawn(part.stop) for _ in range(2)]
    clock.advance(15)

    assert [ended(stop) for stop in stops] == [part, part]


def test_a_stop_leaves_no_timer_in_the_hub():
    before = gevent.get_hub().loop.activecnt
    part = Part(stop=lambda: gevent.sleep(0.001)).start()
    part.child.on_stop = lambda: gevent.sleep(0.001)
    part.stop()
    turns()

    assert gevent.get_hub().loop.activecnt == before
