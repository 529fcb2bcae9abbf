"""A manager shuts down what it has booted, whatever fails or cuts it."""

import atexit
import logging
from unittest.mock import patch

import gevent
import pytest
from booted_gevent import Noted, Part, fails, served
from gevent.event import Event
from greenlets import ended, turns

from specter_gevent.manager import ServiceManager, boot, booted_managers
from specter_gevent.service import Service
from specter_gevent.service_registry import registry

pytestmark = pytest.mark.usefixtures("shut_down")


def test_shutdown_forgets_all():
    manager = boot(*served(), services=[Part("a")], handlers=[Noted("h", [])])
    registry.provide("mine", 1)
    manager.shutdown()

    assert (manager._services, manager._handlers, registry.list()) == ([], [], [])
    assert manager.socket_ingress.socketio is None
    assert manager.health() == {"status": "stopped", "services": {}, "handlers": {}}
    assert manager not in booted_managers()


def test_errors_of_the_shutdown_are_logged_and_the_rest_ends(caplog):
    class Stubborn(Part):
        def stop(self):
            raise ValueError("stays")

    log = []
    manager = boot(None, None, services=[Part("a", log), Stubborn("stubborn"), Part("b", log, stop=fails)])
    manager.shutdown()

    assert log == ["a starts", "b starts", "b stops", "a stops"]
    assert "[SPECTER] ✗ Service 'stubborn' stop failed: stays" in caplog.text


def test_a_shutdown_inside_of_a_shutdown_or_a_boot_comes_back_at_once():
    log = []

    def shut_down():
        registry.require("service_manager").shutdown()

    part = Part("a", log, start=shut_down, stop=shut_down)
    manager = ServiceManager().register_service(part).boot()
    assert (manager.booted, part.running) == (True, True)

    manager.shutdown()
    assert log == ["a starts", "a stops"]


def test_two_shutdowns_at_once_are_one_and_a_boot_waits_for_it():
    log, go_on = [], Event()
    manager = boot(None, None, services=[Part("a", log, stop=go_on.wait)])
    going = [gevent.spawn(manager.shutdown), gevent.spawn(manager.shutdown), gevent.spawn(manager.boot)]
    turns()
    assert not any(greenlet.ready() for greenlet in going)
    assert not manager.booted
    go_on.set()
    for greenlet in going:
        ended(greenlet)

    assert log == ["a starts", "a stops"]
    assert manager.booted


def test_a_kill_cuts_one_step_of_the_shutdown_and_the_rest_ends():
    log = []
    handler = Noted("h", log)
    handler.on_teardown = lambda: gevent.sleep(60)
    manager = boot(*served(), services=[Part("a", log)], handlers=[handler])
    going = gevent.spawn(manager.shutdown)
    turns()
    going.kill()

    assert log == ["a starts", "h set up", "a stops"]
    assert (manager.running, handler.registered, registry.list()) == (False, False, [])
    assert isinstance(ended(going), gevent.GreenletExit)


def test_a_shutdown_while_another_greenlet_boots_leaves_nothing_running():
    log, go_on = [], Event()
    slow = Part("slow", log, start=go_on.wait)
    manager = ServiceManager().register_service(Part("a", log)).register_service(slow).register_service(Part("b", log))
    booting = gevent.spawn(manager.boot)
    turns()
    ending = gevent.spawn(manager.shutdown)
    turns()
    go_on.set()
    ended(booting)
    ended(ending)

    assert (manager.booted, manager.running, slow.running) == (False, False, False)
    assert "b starts" not in log


def test_what_the_manager_owns_ends_with_it():
    log = []
    manager = ServiceManager()
    registry.provide("early", 1, owner=manager)
    manager.add_cleanup(lambda: log.append("cleanup"))
    manager.boot().adopt(Part("child", log))
    assert registry.has("early")
    manager.shutdown()

    assert log == ["child starts", "child stops", "cleanup"]


def test_the_end_of_the_program_shuts_it_down_and_only_until_then_is_it_kept():
    calls = []
    with patch.object(atexit, "register", calls.append), patch.object(atexit, "unregister") as unregister:
        part = Part("a")
        manager = boot(None, None, services=[part])
        manager.boot()
        assert manager._atexit_registered
        assert len(calls) == 1
        raised = logging.raiseExceptions
        calls[0]()

    assert part.log == ["a starts", "a stops"]
    assert logging.raiseExceptions is raised
    unregister.assert_called_once_with(calls[0])


def test_health_asks_each_service(caplog):
    class Sick(Service):
        def health(self):
            raise ValueError("ill")

    manager = boot(None, None, services=[Sick("sick"), Service("well")])

    assert manager.health()["status"] == "ok"
    assert manager.health()["services"]["sick"] == {"status": "error", "error": "ill"}
    assert manager.health()["services"]["well"]["status"] == "ok"
    assert "ValueError: ill" in caplog.text
