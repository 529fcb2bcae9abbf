"""The handlers of a Socket.IO server while they run, and those that are about to."""

import time
from types import SimpleNamespace

import gevent
import pytest
from gevent.event import Event
from greenlets import ended, turns

from specter_gevent.serving.clients import Clients


class Server:
    """As python-socketio's server is, which runs each event in a task of its own."""

    eio = None

    def __init__(self):
        self.ran = []
        self.go = Event()

    def start_background_task(self, target, *args):
        return gevent.spawn(target, *args)

    def handle(self, name):
        try:
            self.go.wait()
        finally:
            self.ran.append(name)


@pytest.fixture
def server():
    return Server()


def test_a_handler_that_runs_is_killed_and_told_of(server):
    clients = Clients(server)
    server.start_background_task(server.handle, "first")
    turns()

    (told,) = clients.describe()
    assert told.startswith("a socket handler, waits at test_serving_clients.py:")
    assert told.endswith("in handle")
    clients.end_handlers()
    clients.wait_until_idle()
    assert server.ran == ["first"]


def test_a_handler_that_has_not_begun_by_the_end_never_begins(server):
    clients = Clients(server)
    server.start_background_task(server.handle, "first")

    assert clients.describe() == ["a socket handler, which has not begun"]
    clients.end_handlers()
    server.go.set()
    clients.wait_until_idle()
    assert server.ran == []
    assert clients.describe() == []


def test_after_the_end_none_is_started(server):
    clients = Clients(server)
    clients.end_handlers()

    assert server.start_background_task(server.handle, "first") is None
    turns()
    assert server.ran == []


def test_a_task_of_the_application_is_left_alone(server):
    clients = Clients(server)
    ran = []
    server.start_background_task(ran.append, "task")

    assert clients.describe() == []
    clients.end_handlers()
    turns()
    assert ran == ["task"]


def test_clients_have_their_time_to_go_although_the_hub_was_away_before(server):
    went = []

    def disconnect(sid):
        gevent.sleep(0.001)
        went.append(sid)

    def end():
        gevent.sleep(0.001)  # the hub looks at the clock before it goes on here, and not again
        time.sleep(1.1)
        Clients(server).disconnect(1)

    server.eio = SimpleNamespace(sockets={"a": None, "b": None}, disconnect=disconnect)
    ended(gevent.spawn(end))

    assert sorted(went) == ["a", "b"]
