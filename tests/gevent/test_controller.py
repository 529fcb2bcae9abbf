"""Routes, events, schemas and state under one life."""

from unittest.mock import MagicMock

import pytest
from flask import Flask
from flask_socketio import SocketIO

from specter_gevent.controller import Controller, _ControllerHandler
from specter_gevent.handler import Handler
from specter_gevent.http import HTTPError, expect_json
from specter_gevent.manager import ServiceManager
from specter_gevent.model import Model
from specter_gevent.schema import Field, Schema
from specter_gevent.service_registry import registry
from specter_gevent.socket_ingress import SocketIngress
from specter_gevent.store import Store


class Library(Controller):
    name = "library"
    url_prefix = "/ignored"
    schemas = {"add": Schema("add", {"path": Field(str, required=True)})}

    def __init__(self):
        super().__init__()
        self.log = []

    def on_stop(self):
        self.log.append(("on_stop", self._handler_instance))

    def build_routes(self, router):
        self.log.append("build_routes")

        @router.route("/media", methods=["POST"], json_errors="no")
        def add():
            return {"accepted": self.schema("add").require(expect_json())["path"]}, 202

    def build_events(self, handler):
        self.log.append("build_events")
        handler.on("said", self.said).on("asked", lambda data: {"answer": data}, priority=5)
        handler.on_teardown = lambda: self.log.append("on_teardown")

    def said(self, data):
        self.log.append(data)


@pytest.fixture
def ingress():
    """The one that handlers find in the registry."""
    return registry.provide("socket_ingress", SocketIngress())


@pytest.fixture
def served():
    app = Flask("app")
    return app, SocketIO(app, async_mode="threading")


# Routes.


def test_the_blueprint_is_built_once_and_answers(served):
    app, _ = served
    library = Library()
    blueprint = library.build_blueprint("/api")
    app.register_blueprint(blueprint)
    client = app.test_client()

    assert library.build_blueprint() is blueprint is library._blueprint
    assert library.log == ["build_routes"]
    assert client.post("/media", json={"path": "a"}).get_json() == {"accepted": "a"}
    answer = client.post("/media", json={"other": 1})
    assert (answer.status_code, list(answer.get_json()["errors"])) == (400, ["path"])


def test_one_controller_serves_one_application_after_the_other(served):
    library = Library()
    for name in ("first", "second"):
        app = Flask(name)
        app.register_blueprint(library.build_blueprint())
        assert app.test_client().post("/media", json={"path": name}).status_code == 202


# Events.


def test_the_handler_is_created_once_and_knows_its_controller():
    library = Library()
    assert library._handler_instance is None
    handler = library.create_handler()

    assert library.create_handler() is library.build_handler() is library._handler_instance is handler
    assert isinstance(handler, _ControllerHandler) and isinstance(handler, Handler)
    assert (handler.name, handler._controller, handler._socketio) == ("library_events", library, None)
    assert [(event, priority) for event, _, priority in handler._events] == [("said", 100), ("asked", 5)]
    assert library.log == ["build_events"]


def test_events_go_through_the_ingress_whatever_the_server_is(ingress):
    library = Library()
    bridge = object()
    handler = library.build_handler(bridge)
    ingress.dispatch("said", 1)

    assert (library.log, library.socketio) == (["build_events", 1], bridge)
    assert ingress.dispatch("asked", 5) == {"answer": 5}
    assert handler._registered_handlers[0] == ("said", library.said)


def test_without_an_ingress_events_come_from_the_server(served):
    app, server = served
    library = Library().start()
    library.build_handler(server)
    client = server.test_client(app)
    client.emit("said", 1)
    assert client.emit("asked", 5, callback=True) == {"answer": 5}

    library.stop()
    client.emit("said", 2)
    assert 2 not in library.log


def test_without_an_ingress_a_fake_server_gets_the_callbacks():
    library, server = Library(), MagicMock()
    library.build_handler(server)

    server.on_event.assert_any_call("said", library.said)
    assert server.on_event.call_count == 2


def test_what_is_no_function_is_logged_and_stepped_over(ingress, caplog):
    class Half(Library):
        def build_events(self, handler):
            handler.on("missing", None).on("said", self.said)

    half = Half()
    assert half.build_handler(None).setup(None).registered
    ingress.dispatch("said", 1)

    assert half.log == [1]
    assert "[SPECTER:controller] 'library_events' has no function for event 'missing', but None" in caplog.text


def test_hooks_may_be_put_on_the_handler(ingress):
    log = []

    class Hooks(Controller):
        def build_events(self, handler):
            handler.on_setup = lambda: log.append("on_setup")

    Hooks("h").build_handler("server")

    assert log == ["on_setup"]


# Its life.


def test_stop_tears_the_handler_down_first(ingress):
    library = Library().start()
    library.build_handler("server")

    assert library.stop() is library
    assert library.log == ["build_events", "on_teardown", ("on_stop", None)]
    assert ingress.dispatch("asked", 5) is None


def test_a_stop_before_the_start_tears_the_handler_down_too(ingress):
    library = Library()
    handler = library.build_handler("server")
    library.stop()

    assert (handler.registered, library._handler_instance) == (False, None)


def test_a_stopped_controller_makes_another_handler(ingress):
    library = Library()
    for _ in range(3):
        library.start()
        library.build_handler("server")
        assert ingress.dispatch("asked", 5) == {"answer": 5}
        library.stop()

    assert library.log.count("build_events") == 3
    assert library._cleanups == []


def test_a_start_that_fails_takes_its_events_along(ingress):
    class Fails(Library):
        def on_start(self):
            self.build_handler("server")
            raise ValueError("no")

    fails = Fails()
    with pytest.raises(ValueError, match="no"):
        fails.start()

    assert ingress.dispatch("asked", 5) is None
    assert not fails._handler_instance.registered
    fails.stop()


def test_a_handler_that_cannot_be_torn_down_does_not_keep_it_from_stopping(caplog):
    class Stubborn(Handler):
        def teardown(self):
            raise ValueError("no")

    class Own(Library):
        def create_handler(self):
            self._handler_instance = Stubborn()
            return self._handler_instance

    own = Own().start()
    own.build_handler()
    own.stop()

    assert (own.running, own._handler_instance, own.log) == (False, None, [("on_stop", None)])
    assert "[SPECTER:controller] 'library' handler teardown error: no" in caplog.text


def test_models_and_stores_end_with_it():
    library = Library().start()
    model = library.create_model("m", {"a": 1}, emit_events=True)
    store = library.create_store("s", {"a": 1}, change_event="s:new")
    assert (type(model), type(store)) == (Model, Store)
    assert (model.get("a"), store.get("a")) == (1, 1)
    library.stop()

    assert (model.get(), store.get()) == ({}, {})


# What it tells.


def test_schemas_are_found_by_name():
    assert Library().schema("add").name == "add"
    with pytest.raises(KeyError) as info:
        Library().schema("x")
    assert info.value.args == ("[SPECTER:controller] 'library' has no schema 'x'. Available: ['add']",)


def test_a_payload_that_does_not_fit_is_an_http_error():
    with pytest.raises(HTTPError):
        Library().schema("add").require({})


def test_health_and_text_tell_of_its_parts():
    library, plain = Library().start(), Controller("c")
    assert repr(library) == "<Controller 'library', 1 schemas>"
    assert plain.health() == {"status": "stopped", "name": "c", "has_blueprint": False, "has_handler": False}

    library.build_blueprint()
    library.create_handler()
    assert library.health() == {
        "status": "ok",
        "name": "library",
        "has_blueprint": True,
        "has_handler": True,
        "schemas": ["add"],
    }
    assert repr(library) == "<Controller 'library', 1 schemas, routes, events>"
    library.stop()


def test_the_server_is_that_of_the_handler_else_of_the_manager():
    library = Library()
    assert library.socketio is None

    registry.provide("service_manager", ServiceManager(None, "the manager's"))
    assert library.socketio == "the manager's"
    library.build_handler(server := MagicMock())
    assert library.socketio is server


def test_what_a_subclass_overrides_can_be_told():
    assert Library.build_events is not Controller.build_events
    assert Controller("c").build_routes.__func__ is Controller.build_routes


@pytest.mark.parametrize("name", ["build_routes", "build_events"])
def test_coroutine_hooks_are_refused_with_the_switch(name, served):
    async def waits(self, subject): ...

    waiting = type("Waits", (Library,), {name: waits})()
    with pytest.raises(TypeError, match=rf"{name} of 'library' must be a plain .*use_backend\('asyncio'\)"):
        ServiceManager(*served).register_controller(waiting)


def test_coroutine_callbacks_are_refused_where_they_are_registered():
    async def waits(data): ...

    with pytest.raises(TypeError, match="the callback of socket event 'said' must be a plain function on gevent"):
        Library().create_handler().on("said", waits)
