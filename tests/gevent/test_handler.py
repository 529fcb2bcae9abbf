"""A handler's events come and go together, and with them what it owns."""

from types import SimpleNamespace
from unittest.mock import MagicMock

import gevent
import pytest
from flask import Flask
from flask_socketio import SocketIO
from gevent.event import Event
from greenlets import ended, turns

from specter_gevent.handler import Handler
from specter_gevent.service_registry import registry
from specter_gevent.socket_ingress import SocketIngress


class Site:
    """An application with a server; clients of it."""

    def __init__(self):
        self.app = Flask("app")
        self.server = SocketIO(self.app, async_mode="threading")

    def client(self):
        return self.server.test_client(self.app)


@pytest.fixture
def site():
    return Site()


@pytest.fixture
def ingress():
    """The one that handlers find in the registry."""
    return registry.provide("socket_ingress", SocketIngress())


class Chat(Handler):
    name = "chat"
    events = {"said": "on_said", "asked": "on_asked"}

    def __init__(self):
        super().__init__()
        self.log = []

    def on_said(self, data="nothing"):
        self.log.append(data)

    def on_asked(self):
        return "answer"

    def on_setup(self):
        self.log.append(("setup", self.registered, self.socketio is not None))

    def on_teardown(self):
        self.log.append(("teardown", self.registered, self.socketio is not None))


SET_UP, TORN_DOWN = ("setup", True, True), ("teardown", True, True)


# With an ingress.


def test_its_events_are_heard_from_setup_to_teardown(ingress):
    chat = Chat()
    assert chat.setup("server") is chat
    assert (chat.registered, chat.socketio) == (True, "server")
    assert ingress.dispatch("asked", "more than it takes") == "answer"

    assert chat.teardown() is chat
    assert (chat.registered, chat.socketio, chat._registered_handlers) == (False, None, [])
    assert ingress.dispatch("asked") is None
    assert chat.log == [SET_UP, TORN_DOWN]


def test_setup_and_teardown_do_nothing_the_second_time(ingress):
    chat = Chat().teardown().setup("server").setup("other").teardown().stop()

    assert chat.log == [SET_UP, TORN_DOWN]


def test_it_can_be_set_up_again(ingress):
    chat = Chat()
    for _ in range(2):
        chat.setup(None)
        assert ingress.dispatch("asked") == "answer"
        chat.stop()
        assert ingress.dispatch("asked") is None


def test_priorities_are_the_class_s(ingress):
    log = []

    class First(Chat):
        event_priorities = {"said": 1}

    chat, first = Chat().setup(None), First().setup(None)
    chat.on_said("")
    chat.log = first.log = log
    ingress.dispatch("said", "x")

    assert [each.fn.__self__ for each in ingress._subscribers["said"]] == [first, chat]
    assert log == ["x", "x"]


def test_a_method_that_is_missing_is_logged_and_stepped_over(ingress, caplog):
    class Half(Chat):
        events = {"missing": "on_missing", "no function": "name", "asked": "on_asked"}

    half = Half().setup(None)

    assert half._registered_handlers == [("asked", half.on_asked)]
    assert caplog.messages[:2] == [
        (
            "[SPECTER:handler] Handler 'chat' declares event 'missing' → method 'on_missing', "
            "but the method does not exist."
        ),
        "[SPECTER:handler] Handler 'chat' attribute 'name' is not callable.",
    ]


# Without.


def test_without_an_ingress_events_come_from_the_server(site):
    chat = Chat().setup(site.server)
    client = site.client()
    client.emit("said", 1)

    assert client.emit("asked", callback=True) == "answer"
    assert chat.log == [SET_UP, 1]


def test_after_the_teardown_no_event_arrives(site):
    chat = Chat().setup(site.server)
    client = site.client()
    chat.teardown()
    client.emit("said", 1)

    assert chat.log == [SET_UP, TORN_DOWN]
    assert site.server.server.handlers == {"/": {}}


def test_the_last_handler_of_an_event_is_the_one_that_hears_it(site):
    first, second = Chat().setup(site.server), Chat().setup(site.server)
    first.teardown()
    site.client().emit("said", 1)

    assert first.log == [SET_UP, TORN_DOWN]
    assert second.log == [SET_UP, 1]


def test_a_server_without_an_application_yet_remembers_and_forgets():
    server = SocketIO()
    kept, gone = Chat().setup(server), Chat().setup(server).teardown()
    app = Flask("app")
    server.init_app(app, async_mode="threading")
    server.test_client(app).emit("said", 1)

    assert kept.log == [SET_UP, 1]
    assert gone.log == [SET_UP, TORN_DOWN]


def test_a_server_may_be_a_fake():
    server = MagicMock()
    chat = Chat().setup(server)

    assert [call.args for call in server.on.call_args_list] == [("said",), ("asked",)]
    server.on.return_value.assert_any_call(chat.on_said)
    chat.teardown()


def test_errors_are_the_server_s_matter(site):
    told = []
    site.server.on_error_default(lambda error: told.append(str(error)))

    class Fails(Chat):
        def on_said(self, data):
            raise ValueError("no")

    Fails().setup(site.server)
    site.client().emit("said", 1)

    assert told == ["no"]


# What it owns, and how it ends.


def test_cleanups_run_last_first_and_an_error_is_stepped_over(ingress, caplog):
    chat = Chat().setup(None)
    owned = SimpleNamespace(close=lambda: chat.log.append("close"))

    assert chat.add_cleanup(lambda: chat.log.append("first")) is chat
    assert chat.own(owned) is owned
    assert chat.own(None) is None
    chat.add_cleanup(lambda: 1 / 0).add_cleanup(None)
    chat.teardown()
    chat.setup(None).teardown()

    assert chat.log[1:4] == [("teardown", True, False), "close", "first"]
    assert "ZeroDivisionError" in caplog.text
    with pytest.raises(TypeError, match="Could not resolve cleanup method for int"):
        chat.own(5)


def test_failing_hooks_are_logged(ingress, caplog):
    class Fails(Chat):
        def on_setup(self):
            raise ValueError("no setup")

        def on_teardown(self):
            raise ValueError("no teardown")

    fails = Fails().setup(None)
    assert fails.registered
    assert ingress.dispatch("asked") == "answer"

    fails.teardown()
    assert not fails.registered
    assert "ValueError: no setup" in caplog.text and "ValueError: no teardown" in caplog.text


def test_two_teardowns_at_once_are_one(ingress):
    going, go_on = Event(), Event()

    class Slow(Chat):
        def on_teardown(self):
            self.log.append("teardown")
            self.teardown()
            going.set()
            go_on.wait()

    slow = Slow().setup(None)
    first = gevent.spawn(slow.teardown)
    going.wait()
    second = gevent.spawn(slow.teardown)
    turns()
    assert not second.ready()
    go_on.set()

    assert ended(first) is ended(second) is slow
    assert slow.log == [("setup", True, False), "teardown"]


def test_a_kill_cuts_one_step_and_the_rest_is_released(ingress):
    chat = Chat().setup(None)
    chat.on_teardown = lambda: gevent.sleep(60)
    chat.add_cleanup(lambda: chat.log.append("cleanup")).add_cleanup(lambda: gevent.sleep(60))
    going = gevent.spawn(chat.teardown)
    turns()
    going.kill(block=False)
    turns()
    assert chat.registered
    going.kill(block=False)
    ended(going)

    assert not chat.registered
    assert chat.log == [("setup", True, False), "cleanup"]
    assert ingress.dispatch("asked") is None
    assert chat.setup(None).registered


def test_the_registry_is_at_hand():
    registry.provide("a", 1)

    assert (Handler().require("a"), Handler().resolve("b")) == (1, None)
    with pytest.raises(KeyError):
        Handler().require("b")


# What is refused.


async def waits(*args): ...


@pytest.mark.parametrize("name", ["on_setup", "on_teardown"])
def test_coroutine_hooks_are_refused_with_the_switch(ingress, name):
    waiting = type("Waits", (Chat,), {name: waits})()
    with pytest.raises(TypeError, match=rf"{name} of 'chat' must be a plain .*use_backend\('asyncio'\)"):
        waiting.setup(None)

    assert not waiting.registered


def test_a_coroutine_callback_is_refused_and_nothing_stays_subscribed(ingress, site):
    class Waits(Chat):
        on_asked = waits

    for server in (None, site.server):
        waiting = Waits()
        with pytest.raises(TypeError, match="a socket callback must be a plain function on gevent"):
            waiting.setup(server)
        assert (waiting.registered, waiting._registered_handlers, waiting._cleanups) == (False, [], [])
        assert ingress._subscribers == {}
        registry.unregister("socket_ingress")
    assert site.server.server.handlers == {"/": {}}


def test_a_server_of_the_other_runtime_is_refused_with_the_switch():
    socketio = pytest.importorskip("socketio")

    with pytest.raises(TypeError, match=r"got AsyncServer, which needs the asyncio runtime: .*use_backend"):
        Chat().setup(socketio.AsyncServer(async_mode="asgi"))
