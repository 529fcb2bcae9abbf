"""Children, listeners, resources, contexts, processes: what a service owns beside its greenlets."""

import subprocess
import sys
from contextlib import contextmanager

import gevent
import pytest
from greenlets import PATIENCE, turns

from specter_gevent import Service, bus

# Children.


def test_a_child_is_started_and_stops_with_its_owner(service):
    child = Service("child")
    assert service.adopt(child) is service
    assert child.running
    assert service._children == [child]
    service.stop()

    assert not child.running
    assert service._children == []


def test_a_child_need_not_be_started(service):
    child = Service("child")
    service.adopt(child, start=False)

    assert not child.running
    child.start()
    service.stop()
    assert not child.running


def test_none_is_no_child_and_a_stranger_is_refused(service):
    assert service.adopt(None) is service
    with pytest.raises(TypeError, match=r"^\[SPECTER\] 'a' can only adopt Service instances, got str$"):
        service.adopt("text")

    assert service._children == []


def test_children_stop_last_first(service):
    log = []
    for name in ("first", "second", "third"):
        child = Service(name)
        child.on_stop = lambda name=name: log.append(name)
        service.adopt(child)
    service.stop()

    assert log == ["third", "second", "first"]


def test_a_service_that_adopts_itself_stops(service):
    service.adopt(service)
    service.stop()

    assert not service.running


# Listeners.


def test_listeners_end_with_the_service(service):
    heard = []
    assert service.listen("event", heard.append) is service
    assert service.emit("event", 1) is service
    assert service.emit_nowait("event", 2) is service
    service.stop()
    bus.emit("event", 3)

    assert heard == [1, 2]
    assert not bus.has_listeners("event")


def test_one_function_of_two_services_is_called_once_until_both_have_stopped(service):
    heard = []
    with Service("b") as other:
        service.listen("event", heard.append)
        other.listen("event", heard.append)
        bus.emit("event", 1)
        assert heard == [1]
        other.stop()
        bus.emit("event", 2)

    assert heard == [1, 2]
    service.stop()
    bus.emit("event", 3)
    assert heard == [1, 2]


def test_a_listener_that_is_a_coroutine_function_is_refused(service):
    async def waits(data):
        """Do nothing."""

    with pytest.raises(TypeError, match="a listener must be a plain function on gevent"):
        service.listen("event", waits)

    assert service._bus_unsubs == []


# Resources and cleanups.


class Resource:
    def __init__(self, **methods):
        vars(self).update(methods)


def test_own_gives_the_resource_and_ends_it_at_stop(service):
    log = []
    resource = Resource(close=lambda: log.append("closed"), hang_up=lambda: log.append("hung up"))

    assert service.own(resource) is resource
    assert service.own(resource, stop_method="hang_up") is resource
    assert service.own(None) is None
    service.stop()
    assert log == ["hung up", "closed"]


def test_own_refuses_what_has_no_end(service):
    with pytest.raises(TypeError, match="Could not resolve cleanup method for Resource"):
        service.own(Resource(aclose=turns))

    assert service._cleanups == []


async def waits():
    """Do nothing."""


def test_a_cleanup_that_is_a_coroutine_function_is_refused(service):
    with pytest.raises(TypeError, match="a cleanup must be a plain function on gevent, got .*waits.*use_backend"):
        service.add_cleanup(waits)
    with pytest.raises(TypeError, match="a cleanup must be a plain function on gevent"):
        service.own(Resource(stop=waits))

    assert service._cleanups == []


def test_what_cannot_be_called_is_no_cleanup(service):
    assert service.add_cleanup(None) is service

    assert service._cleanups == []


def test_a_cleanup_can_be_forgotten(service):
    log = []
    service.add_cleanup(log.append)
    service._specter_forget_cleanup(log.append)
    service._specter_forget_cleanup(log.append)
    service.stop()

    assert log == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_cleanups", [turns]),
        ("_children", []),
        ("_bus_unsubs", [turns]),
        ("_intervals", {}),
        ("_subscribers", {turns}),
    ],
)
def test_the_tables_can_be_set_from_outside(service, name, value):
    service.add_cleanup(turns)
    setattr(service, name, value)
    assert getattr(service, name) == value
    # What was set is a copy: it may be what is there already.
    setattr(service, name, getattr(service, name))

    assert getattr(service, name) == value


# Contexts.


def test_a_context_is_left_at_stop(service):
    log = []

    @contextmanager
    def context():
        log.append("enters")
        yield "value"
        log.append("leaves")

    assert service.enter(context()) == "value"
    service.add_cleanup(lambda: log.append("cleanup"))
    service.stop()

    assert log == ["enters", "cleanup", "leaves"]


def test_a_context_that_fails_to_be_entered_is_not_left(service):
    @contextmanager
    def context():
        raise ValueError("no")
        yield

    with pytest.raises(ValueError, match="no"):
        service.enter(context())

    assert service._cleanups == []


def test_what_is_no_context_is_refused(service):
    with pytest.raises(TypeError, match="a context manager is needed, got int"):
        service.enter(5)


def test_an_async_context_is_refused_with_the_switch(service):
    class Waits:
        async def __aenter__(self):
            """Do nothing."""

        async def __aexit__(self, *error):
            """Do nothing."""

    with pytest.raises(TypeError, match="Waits is an async one: .*use_backend"):
        service.enter(Waits())


def test_nothing_can_be_entered_before_the_start():
    with pytest.raises(RuntimeError, match="cannot enter .* in 'a': it is not started"):
        Service("a").enter(contextmanager(lambda: iter([1]))())


# Processes.


def test_a_process_ends_with_the_service(service):
    process = service.start_process(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, name="child"
    )
    assert process.running
    assert process.name == "child"
    other = service.start_process([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert other.name == "a:process"
    with gevent.Timeout(PATIENCE):
        service.stop()

    assert not process.running
    assert not other.running


# The rest.


def test_health(service):
    assert service.health() == {"status": "ok", "name": "a"}
    service.stop()
    assert service.health() == {"status": "stopped", "name": "a"}


def test_subclasses_may_take_names_for_themselves():
    class Mine(Service):
        emit = get = set = disconnect = on = request = "mine"

        def __init__(self):
            super().__init__("mine")
            self.app = self.store = self.queue = self._app = self._socketio = self._events = "mine"
            self.priority = 1
            self.subscribe = None
            self._started = self._starting = self._stopping = self._stopped = self._ledger = self._state = "mine"
            self._heard = self._hooks = self._stop_hooks = self._refused = self._tasks = self._timers = "mine"

        def on_start(self):
            self.listen("event", turns)
            self.watch(turns)
            self.interval(turns, 60)

    with Mine() as service:
        assert service.priority == 1

    assert not any(service._specter.held)
