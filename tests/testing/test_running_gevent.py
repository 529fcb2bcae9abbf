"""`running` on gevent boots what is under test, and shuts it down again."""

from __future__ import annotations

import gevent
import pytest
from flask import Flask
from flask_socketio import SocketIO

from specter_gevent import Service, ServiceManager, boot, registry
from specter_gevent.manager import booted_managers
from specter_gevent.testing import cancel_everywhere, http, running


class Part(Service):
    def __init__(self, name="part"):
        super().__init__(name)
        self.log = []

    def on_start(self):
        gevent.sleep(0)
        self.log.append("start")

    def on_stop(self):
        gevent.sleep(0)
        self.log.append("stop")


class Broken(Service):
    def on_start(self):
        raise OSError("port in use")


def application():
    app = Flask(__name__)
    return app, SocketIO(app, async_mode="threading")


def test_a_service_runs_in_the_block():
    part = Part()

    with running(part) as it:
        assert it is part
        assert part.running
    assert part.log == ["start", "stop"]


def test_an_error_of_a_start_is_itself():
    with pytest.raises(OSError, match="port in use"), running(Broken("broken")):
        pytest.fail("entered")


def test_an_error_of_the_block_is_itself():
    part = Part()

    with pytest.raises(KeyError, match="own"), running(part):
        raise KeyError("own")
    assert part.log == ["start", "stop"]


def test_a_manager_boots():
    part = Part()
    manager = ServiceManager(*application()).register_service(part)

    with running(manager) as it:
        assert it is manager
        assert registry.require("part") is part
    assert part.log == ["start", "stop"]
    assert manager not in booted_managers()


def test_what_boot_has_booted_is_shut_down_by_the_block():
    part = Part()
    app, server = application()
    boot(app, server, services=[part])

    with running(app) as it:
        assert it is app
        assert part.log == ["start"]
    assert part.log == ["start", "stop"]


def test_blocks_round_one_application_share_a_boot():
    part = Part()
    app, server = application()
    manager = boot(app, server, services=[part])

    with running(app):
        with running(manager), http(app):
            assert part.log == ["start"]
        assert part.log == ["start"]
    assert part.log == ["start", "stop"]


def test_a_block_may_be_left_in_another_greenlet():
    part = Part()
    block = running(ServiceManager(*application()).register_service(part))

    gevent.spawn(block.__enter__).get()
    assert part.running
    gevent.spawn(block.__exit__, None, None, None).get()
    assert part.log == ["start", "stop"]


def test_an_application_without_a_manager_has_nothing_to_boot():
    app, _ = application()

    with running(app) as it:
        assert it is app


def test_an_application_killed_at_any_switch_is_shut_down():
    made, booted = [], booted_managers()

    def scenario():
        app, server = application()
        manager = ServiceManager(app, server).register_service(part := Part())
        made.append(part)
        with running(manager):
            gevent.sleep(0)

    def check():
        assert not made.pop().running
        assert booted_managers() == booted
        assert registry.list() == []

    assert cancel_everywhere(scenario, check) >= 3


@pytest.mark.parametrize("given", ["app", None, Flask, object()], ids=["text", "None", "class", "object"])
def test_what_cannot_run_is_refused(given):
    with pytest.raises(TypeError, match="a manager or a Flask application is needed"), running(given):
        pytest.fail("entered")


def test_a_quart_application_is_told_of_the_backend_switch():
    quart = pytest.importorskip("quart")  # old applications have none

    with pytest.raises(TypeError, match="asyncio"), running(quart.Quart(__name__)):
        pytest.fail("entered")
