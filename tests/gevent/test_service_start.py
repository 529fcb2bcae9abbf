"""Starting a service: once, whoever asks, and with nothing left of a start that failed."""

import gevent
import pytest
from greenlets import ended, turns

from specter_gevent import Service, bus


class Part(Service):
    """Acquires one of everything, then calls *then*."""

    def __init__(self, name="part", then=lambda: None):
        super().__init__(name)
        self.then = then
        self.log = []
        self.child = Service("child")

    def on_start(self):
        self.log.append("starts")
        self.spawn(gevent.sleep, 60)
        self.spawn_later(60, turns)
        self.interval(turns, 60)
        self.timeout(turns, 60)
        self.listen("event", print)
        self.adopt(self.child)
        self.watch(lambda state, service: None)
        self.add_cleanup(lambda: self.log.append("cleanup"))
        self.then()

    def on_stop(self):
        self.log.append("stops")

    def is_clean(self):
        return not (self.running or self.child.running or any(self._specter.held) or bus.has_listeners("event"))


def fail():
    raise ValueError("no disk")


def test_a_failed_start_releases_what_it_has_acquired_and_raises(caplog):
    part = Part(then=fail)
    with pytest.raises(ValueError, match="no disk"):
        part.start()

    assert part.is_clean()
    assert part.log == ["starts", "cleanup"]
    record = next(record for record in caplog.records if record.levelname == "ERROR")
    assert record.message == "[SPECTER] Service 'part' failed to start: no disk"
    assert record.exc_info


def test_a_failed_start_can_be_tried_again():
    part = Part(then=fail)
    with pytest.raises(ValueError, match="no disk"):
        part.start()
    part.then = lambda: None

    assert part.start().running
    part.stop()
    assert part.is_clean()


@pytest.mark.parametrize("error", [gevent.GreenletExit, gevent.Timeout, KeyboardInterrupt, SystemExit])
def test_a_start_that_is_cut_releases_what_it_has_acquired(error, caplog):
    def cut():
        raise error

    part = Part(then=cut)
    with pytest.raises(error):
        part.start()

    assert part.is_clean()
    assert not any(record.levelname == "ERROR" for record in caplog.records)


def test_a_timeout_around_a_start_goes_through():
    part = Part(then=lambda: gevent.sleep(60))
    with pytest.raises(gevent.Timeout) as found, gevent.Timeout(0.01) as timeout:
        part.start()

    assert found.value is timeout
    assert part.is_clean()


def test_a_kill_while_a_failed_start_is_released_is_not_lost():
    part = Part(then=fail)
    part.add_cleanup(lambda: gevent.sleep(60))
    greenlet = gevent.spawn(part.start)
    turns()
    greenlet.kill()

    assert isinstance(greenlet.value, gevent.GreenletExit)
    assert part.is_clean()


def test_starts_after_the_first_wait_for_it():
    log = []
    part = Part(then=lambda: gevent.sleep(0) or log.append("ready"))
    starts = [gevent.spawn(lambda: log.append(part.start())) for _ in range(3)]
    gevent.joinall(starts, timeout=10)

    assert log == ["ready", part, part, part]
    assert part.log == ["starts"]
    part.stop()


def test_a_second_start_tries_itself_when_the_first_has_failed():
    errors = [ValueError("no"), None]

    def once():
        gevent.sleep(0)
        if error := errors.pop(0):
            raise error

    part = Part(then=once)
    first, second = gevent.spawn(part.start), gevent.spawn(part.start)
    gevent.joinall([first, second], timeout=10)

    assert isinstance(first.exception, ValueError)
    assert second.value is part
    assert part.running
    part.stop()


@pytest.fixture(autouse=True)
def quiet(hub_errors):
    """What a greenlet of a test is meant to raise."""
    yield
    hub_errors[:] = [error for error in hub_errors if "ValueError: no" not in error]


def test_a_start_in_its_own_hook_comes_back_at_once():
    part = Part(then=lambda: part.start())

    assert part.start().running
    part.stop()


def test_a_start_in_a_task_that_the_hook_waits_for_comes_back_at_once():
    part = Part(then=lambda: part.spawn(part.start).join(timeout=10))
    part.start()

    assert part.log == ["starts"]
    part.stop()


def test_two_starts_that_need_each_other_come_back():
    first = Part("first", then=lambda: gevent.sleep(0) or second.start())
    second = Part("second", then=lambda: gevent.sleep(0) or first.start())
    gevent.joinall([gevent.spawn(first.start), gevent.spawn(second.start)], timeout=10)

    assert first.running
    assert second.running
    first.stop()
    second.stop()


def test_a_start_during_a_stop_waits_and_starts_again():
    part = Part()
    part.on_stop = lambda: gevent.sleep(0)
    part.start()
    stop, start = gevent.spawn(part.stop), gevent.spawn(part.start)
    gevent.joinall([stop, start], timeout=10)

    assert part.running
    assert part.log == ["starts", "cleanup", "starts"]
    part.stop()


def test_a_start_within_the_stop_does_nothing():
    part = Part()
    part.add_cleanup(part.start)
    part.start().stop()

    assert part.is_clean()
    assert part.log == ["starts", "stops", "cleanup"]


@pytest.mark.parametrize("late", [False, True])
def test_a_stop_in_the_hook_of_the_start_leaves_nothing(late):
    def stop():
        part.stop()
        if late:
            part.add_cleanup(lambda: part.log.append("late cleanup"))

    part = Part(then=stop)

    assert part.start() is part
    assert part.is_clean()
    assert part.log == ["starts", "stops", "cleanup", *(["late cleanup"] if late else [])]


def test_what_a_start_acquires_after_it_was_stopped_is_released():
    acquired = []

    def goes_on():
        gevent.sleep(0)
        part.listen("event", print)
        acquired.append(1)

    part = Part(then=goes_on)
    start = gevent.spawn(part.start)
    turns(1)
    part.stop()
    assert not part.running
    assert ended(start) is part

    assert acquired
    assert part.is_clean()


def test_a_stop_that_waits_when_the_start_comes_to_its_end():
    part = Part(then=lambda: gevent.sleep(0))
    part.on_stop = lambda: gevent.sleep(0.005)
    part.add_cleanup(lambda: part.log.append("first cleanup"))
    start = gevent.spawn(part.start)
    turns(1)
    stop = gevent.spawn(part.stop)
    gevent.joinall([start, stop], timeout=10)

    assert part.is_clean()


def test_a_stop_whose_hook_waits_for_a_child_that_starts():
    slow = Service("slow")
    slow.on_start = lambda: gevent.sleep(0.001)
    part = Part(then=lambda: part.adopt(slow))
    part.on_stop = slow.start
    start = gevent.spawn(part.start)
    turns(1)
    stop = gevent.spawn(part.stop)
    gevent.joinall([start, stop], timeout=10)

    assert start.value is stop.value is part
    assert part.is_clean()
    assert not slow.running


def test_an_own_task_may_start_the_service_again():
    part = Part()
    part.start()
    greenlet = part.spawn(lambda: part.stop().start())
    turns(5)

    assert greenlet.dead
    assert part.running
    assert part.log == ["starts", "stops", "cleanup", "starts"]
    part.stop()
    assert part.is_clean()


@pytest.mark.parametrize("name", ["on_start", "on_stop", "start", "stop"])
def test_a_child_with_a_method_that_is_a_coroutine_function_is_not_adopted(name):
    async def waits(self):
        """Do nothing."""

    with Service("a") as service:
        child = type("Waits", (Service,), {name: waits})("b")
        for start in (True, False):
            with pytest.raises(TypeError, match=rf"^{name} of 'b' must be a plain function on gevent, .*use_backend"):
                service.adopt(child, start=start)

        assert service._children == []


@pytest.mark.parametrize("hook", ["on_start", "on_stop", "stop"])
def test_a_hook_that_is_a_coroutine_function_is_refused_at_the_start(hook):
    async def waits(self):
        """Do nothing."""

    service = type("Waits", (Service,), {hook: waits})("a")
    with pytest.raises(TypeError, match=rf"^{hook} of 'a' must be a plain function on gevent, got .*use_backend"):
        service.start()

    assert not service.running


def test_a_coroutine_function_of_a_mixin_is_refused():
    class Mixin:
        async def on_start(self):
            """Do nothing."""

    class Mixed(Mixin, Service):
        """A service."""

    with pytest.raises(TypeError, match="on_start of 'a' must be a plain function"):
        Mixed("a").start()


def test_start_and_stop_are_told_at_level_info(caplog):
    caplog.set_level("INFO", "specter_gevent")
    Service("a").start().stop()

    assert caplog.messages == [
        f"[SPECTER] Service 'a' {what}" for what in ("starting", "started", "stopping", "stopped")
    ]


def test_a_service_needs_no_hub_turn_to_start_and_stop():
    log = []
    waiting = gevent.spawn(log.append, 1)
    part = Part()
    part.start().stop()

    assert log == []
    waiting.join()
    assert part.is_clean()
