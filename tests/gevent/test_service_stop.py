"""Stopping a service: whole, in order, whatever fails in it."""

import gevent
import pytest
from greenlets import turns
from logged import errors
from parts_gevent import Part

from specter.sansio.ledger import MOST_ROUNDS
from specter_gevent import Service, bus


def test_what_a_service_owns_goes_in_order():
    log = []
    part = Part("a", log, stop=lambda: part.listen("event", print)).start()
    part.child.on_stop = lambda: log.append("child")
    part.adopt(Part("b", log, stop=lambda: log.append(f"listens {bus.has_listeners('event')}")))
    part.subscribe(lambda state, of: log.append("told"))
    part.add_cleanup(lambda: part.set_state({"n": 1}))
    turns()
    assert part.stop() is part
    part.set_state({"n": 2})

    assert log == ["a stops", "b stops", "listens False", "b cleans up", "child", "told", "a cleans up"]
    turns()
    assert log[7:] == ["a task ends", "b task ends"]
    assert part.is_clean()


def test_listeners_go_first_first():
    part, log = Service("a").start(), []
    part._bus_unsubs.append(lambda: log.append(1))
    part._bus_unsubs.append(lambda: log.append(2))
    part.stop()

    assert log == [1, 2]


def test_an_error_in_a_step_is_logged_and_the_next_one_runs(caplog):
    def fail():
        raise ValueError("no")

    part = Part("a", stop=fail).start()
    part.child.on_stop = fail
    part.child.stop = lambda: part.child.__class__.stop(part.child) and fail()
    part._bus_unsubs.append(fail)
    part.add_cleanup(fail)
    part.stop()

    assert part.is_clean()
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("ERROR", "[SPECTER] Error in Service 'a' on_stop: no"),
        ("WARNING", "[SPECTER] Failed to unsub bus listener for 'a': no"),
        ("ERROR", "[SPECTER] Error in Service 'a's child' fail: no"),
        ("ERROR", "[SPECTER] Error stopping child service 'a's child' (owned by 'a'): no"),
        ("WARNING", "[SPECTER] Failed to run cleanup for 'a': no"),
    ]
    assert all(record.exc_info for record in caplog.records)


def test_the_log_names_the_hook_that_failed(caplog):
    class Fails(Service):
        def on_stop(self):
            raise ValueError("no")

    Fails("a").start().stop()

    assert errors(caplog) == ["[SPECTER] Error in Service 'a' on_stop: no"]


def test_an_override_of_the_stop_of_a_child_is_called():
    class Child(Service):
        def stop(self):
            log.append("override")
            return super().stop()

    log = []
    part = Service("a").start()
    part.adopt(Child("child"))
    part.stop()

    assert log == ["override"]


# What a step acquires.


def test_what_a_cleanup_acquires_is_released_too():
    log = []
    part = Part(log=log).start()
    late = Part("late", log)
    part.add_cleanup(lambda: part.adopt(late))
    part.add_cleanup(lambda: part.spawn(gevent.sleep, 60))
    part.add_cleanup(lambda: part.add_cleanup(lambda: log.append("late cleanup")))
    part.stop()

    assert log.index("late cleanup") < log.index("part cleans up")
    assert part.is_clean()
    assert late.is_clean()


def test_a_cleanup_that_adds_itself_for_ever_is_given_up(caplog):
    count = []

    def again():
        count.append(1)
        part.add_cleanup(again)

    part = Service("a").start()
    part.add_cleanup(again)
    part.stop()

    assert not part.running
    assert len(count) >= MOST_ROUNDS
    assert errors(caplog) == ["[SPECTER] stop of 'a' gave up: each of its steps acquires something new"]


def test_a_tree_is_stopped_to_its_deepest_service():
    root = deepest = Service("root").start()
    for number in range(150):
        child = Service(str(number))
        deepest.adopt(child)
        deepest = child
    root.stop()

    assert not deepest.running


def test_leaving_the_block_stops_the_service_also_with_an_error():
    with pytest.raises(ValueError, match="mine"), Part() as part:
        assert part.running
        raise ValueError("mine")

    assert part.is_clean()


def test_what_drains_before_the_hook_of_the_application():
    log = []

    class Drains(Service):
        _specter_stop_hooks = ("drain", *Service._specter_stop_hooks)

        def drain(self):
            log.append("drains")

        def on_stop(self):
            log.append("on_stop")

    Drains("a").start().stop()

    assert log == ["drains", "on_stop"]
