"""Stopping a service: whoever asks, and whatever happens to who asks."""

import gevent
import pytest
from greenlets import ended, kill_everywhere, turns
from logged import errors
from parts_gevent import Part

from specter_gevent import bus
from specter_gevent.testing import eventually

# Who asks.


def test_stops_at_once_all_wait_for_the_one():
    log = []
    part = Part(log=log, stop=lambda: gevent.sleep(0.005) or log.append("stopped")).start()
    stops = [gevent.spawn(lambda: log.append(part.stop())) for _ in range(3)]
    gevent.joinall(stops, timeout=10)

    assert [entry for entry in log if entry in ("part stops", "stopped", part)] == [
        "part stops",
        "stopped",
        *[part] * 3,
    ]
    assert part.is_clean()


def test_who_waits_for_a_stop_does_not_wait_for_the_next_one():
    log = []
    part = Part(stop=lambda: gevent.sleep(0)).start()

    def stop_twice():
        part.stop()
        part.start()
        part.stop_hook = lambda: gevent.sleep(60)
        part.stop()

    greenlet = gevent.spawn(stop_twice)
    gevent.spawn(lambda: part.stop() and log.append("back"))
    eventually(lambda: log)
    greenlet.kill()

    assert part.is_clean()


@pytest.mark.parametrize("step", ["hook", "cleanup", "listener", "child", "subscriber"])
def test_a_stop_within_the_stop_comes_back_at_once(step):
    part, log = Part().start(), []

    def stop(*args):
        log.append(part.stop())

    if step == "hook":
        part.stop_hook = stop
    elif step == "cleanup":
        part.add_cleanup(stop)
    elif step == "listener":
        part.listen("enough", stop)
        part.stop_hook = lambda: bus.emit("enough")
    elif step == "child":
        part.child.on_stop = stop
    else:
        part.subscribe(stop)
        part.add_cleanup(lambda: part.set_state({}))
    part.stop()

    assert log == [part]
    assert part.is_clean()


def test_an_own_task_that_on_stop_waits_for_may_stop_the_service():
    part = Part(stop=lambda: part.spawn(part.stop).join(timeout=10)).start()
    part.stop()

    assert part.is_clean()


def test_two_services_whose_hooks_stop_each_other():
    first = Part("first", stop=lambda: gevent.sleep(0) or second.stop()).start()
    second = Part("second", stop=lambda: gevent.sleep(0) or first.stop()).start()
    gevent.joinall([gevent.spawn(first.stop), gevent.spawn(second.stop)], timeout=10)

    assert first.is_clean()
    assert second.is_clean()


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "waits"])
def test_a_service_stopped_by_its_own_task_is_stopped_whole_and_the_task_ends_last(waits):
    log = []
    part = Part(log=log, stop=lambda: gevent.sleep(0) if waits else None).start()
    turns()

    def end():
        part.stop()
        log.append("after stop")
        try:
            gevent.sleep(60)
        finally:
            log.append("cut")

    greenlet = part.spawn(end)
    eventually(lambda: greenlet.dead)

    assert part.is_clean()
    order = [entry for entry in log if entry != "part task ends"]
    assert order == ["part stops", "part cleans up", "after stop", "cut"]


def test_a_cleanup_that_waits_is_whole_when_an_own_task_stops():
    log = []
    part = Part(log=log).start()
    part.add_cleanup(lambda: log.append("begins") or gevent.sleep(0.005) or log.append("ends"))
    ended(part.spawn(part.stop))

    assert [entry for entry in log if entry != "part task ends"] == ["part stops", "begins", "ends", "part cleans up"]
    assert part.is_clean()


def test_a_service_stopped_by_the_task_of_its_child_is_stopped_whole():
    log = []
    part = Part(log=log).start()
    part.add_cleanup(lambda: gevent.sleep(0))
    greenlet = part.child.spawn(lambda: part.stop() and log.append("after stop"))
    ended(greenlet)

    assert part.is_clean()
    assert log[-1] == "after stop"


def test_a_service_stopped_by_its_own_interval_is_stopped_whole(clock):
    log = []
    part = Part(log=log).start()
    part.add_cleanup(lambda: gevent.sleep(1))

    def end():
        part.stop()
        log.append("after stop")
        gevent.sleep(1)
        log.append("never")

    part.interval(end, 10)
    clock.advance(100)

    assert part.is_clean()
    assert log[-1] == "after stop"


def test_a_service_stopped_by_its_own_timeout_is_stopped_whole_and_the_call_goes_on(clock):
    log = []
    part = Part(log=log).start()
    part.timeout(lambda: part.stop() and gevent.sleep(5) or log.append("goes on"), 10)
    clock.advance(100)

    assert part.is_clean()
    assert log[-1] == "goes on"


def test_a_listener_can_stop_the_service_whose_task_emits():
    part = Part().start()
    part.listen("enough", lambda data: part.stop())
    ended(part.spawn(part.emit, "enough"))

    assert part.is_clean()


# What happens to who asks.


def test_a_kill_cuts_the_step_that_waits_and_the_rest_goes_on(caplog):
    log = []
    part = Part(log=log, stop=lambda: gevent.sleep(60)).start()
    part.add_cleanup(lambda: gevent.sleep(0) or log.append("waits"))
    greenlet = gevent.spawn(part.stop)
    turns()
    greenlet.kill()

    assert isinstance(greenlet.value, gevent.GreenletExit)
    assert part.is_clean()
    assert log == ["part stops", "part task ends", "waits", "part cleans up"]
    assert errors(caplog) == ["[SPECTER] hook Part.on_stop of 'part' was cut by GreenletExit()"]


def test_each_of_two_kills_cuts_one_step():
    log = []
    part = Part(log=log, stop=lambda: gevent.sleep(60)).start()
    part.add_cleanup(lambda: gevent.sleep(60))
    greenlet = gevent.spawn(part.stop)
    turns()
    greenlet.kill(block=False)
    turns()
    greenlet.kill()

    assert part.is_clean()
    assert log[-1] == "part cleans up"


def test_a_stop_killed_at_any_switch_is_whole():
    def scenario():
        part = Part(stop=lambda: gevent.sleep(0)).start()
        part.child.on_stop = lambda: gevent.sleep(0)
        part.add_cleanup(lambda: gevent.sleep(0))
        yield part.stop
        assert part.is_clean()
        assert {"part stops", "part cleans up"} <= set(part.log)

    assert kill_everywhere(scenario) >= 3


def test_who_waits_for_the_stop_of_another_can_be_killed():
    part = Part(stop=lambda: gevent.sleep(0.005)).start()
    first, second = gevent.spawn(part.stop), gevent.spawn(part.stop)
    turns()
    second.kill()
    ended(first)

    assert isinstance(second.value, gevent.GreenletExit)
    assert part.is_clean()


def test_a_stop_goes_on_when_the_task_is_killed_that_asked_for_it():
    log = []
    other = Part("other", log, stop=lambda: gevent.sleep(0.005) or log.append("whole")).start()
    part = Part("part", log).start()
    greenlet = part.spawn(other.stop)
    turns()
    part.stop()
    turns()
    assert greenlet.dead
    assert other.running
    eventually(other.is_clean)

    assert log.index("other stops") < log.index("whole")


def test_a_timeout_around_a_stop_comes_out_of_it_when_it_is_whole():
    log = []
    part = Part(log=log, stop=lambda: gevent.sleep(60)).start()
    with pytest.raises(gevent.Timeout) as found, gevent.Timeout(0.005) as timeout:
        part.stop()

    assert found.value is timeout
    assert part.is_clean()
    assert log[-1] == "part cleans up"


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_what_ends_the_program_comes_out_of_a_stop_that_is_whole(error):
    def leave():
        raise error

    part = Part(stop=leave).start()
    with pytest.raises(error):
        part.stop()

    assert part.is_clean()


def test_what_ends_the_program_comes_out_of_a_stop_that_a_task_asked_for(hub_errors):
    class Ends(BaseException):
        """Like pytest's own."""

    def leave():
        raise Ends

    part = Part(stop=leave).start()
    with pytest.raises(Ends):
        ended(part.spawn(part.stop))

    assert part.is_clean()
    assert len(hub_errors) == 1
    hub_errors.clear()
