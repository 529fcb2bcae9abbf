"""Stopping a service: whole, in order, in time, whoever asks and whatever happens to who asks."""

import gevent
import pytest
from greenlets import ended, kill_everywhere, turns

from specter.sansio.ledger import MOST_ROUNDS
from specter_gevent import Service, bus
from specter_gevent.testing import eventually, virtual_time


@pytest.fixture
def clock():
    with virtual_time() as clock:
        yield clock


class Part(Service):
    """Has a child and a cleanup, and keeps a log; *stop* is called in `on_stop`."""

    def __init__(self, name="part", log=None, stop=lambda: None):
        super().__init__(name)
        self.log = [] if log is None else log
        self.stop_hook = stop
        self.child = Service(f"{name}'s child")

    def on_start(self):
        self.adopt(self.child)
        self.spawn(self.work)
        self.interval(turns, 60)
        self.listen(f"{self.name}:event", print)
        self.add_cleanup(lambda: self.log.append(f"{self.name} cleans up"))

    def on_stop(self):
        self.log.append(f"{self.name} stops")
        self.stop_hook()

    def work(self):
        try:
            gevent.sleep(10_000)
        finally:
            self.log.append(f"{self.name} task ends")

    def is_clean(self):
        held = any(self._specter.held) or bus.has_listeners(f"{self.name}:event")
        return not (self.running or self.child.running or held or self._specter.stopping or self._specter.starting)


def errors(caplog):
    return [record.message for record in caplog.records if record.levelno >= 40]


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


# In time.


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
        "[SPECTER] hook Part.on_stop of 'part' did not end in time, waits at test_service_stop.py:"
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
