"""Controllers."""

from flask import Flask
from flask_socketio import SocketIO
from observing import Part, dies, differs, raised
from specter.core.controller import _ControllerHandler

from specter import Controller, Field, Handler, Model, Schema, ServiceManager, SocketIngress, Store, registry


class _Library(Controller):
    name = "library"
    url_prefix = "/ignored"
    schemas = {"add": Schema("add", {"path": Field(str, required=True)}), "list": Schema("list", {})}

    def __init__(self):
        super().__init__()
        self.log = []

    def on_start(self):
        self.log.append("on_start")

    def on_stop(self):
        self.log.append("on_stop")

    def build_routes(self, router):
        self.log.append("build_routes")

        @router.route("/media")
        def media():
            return {"of": self.name}

    def build_events(self, handler):
        self.log.append("build_events")
        handler.on("said", self.said).on("asked", lambda data: {"answer": data}, priority=5)

    def said(self, data):
        self.log.append(data)


def _served():
    app = Flask("app")
    server = SocketIO(app, async_mode="threading")
    return app, server, lambda: server.test_client(app)


def a_new_controller():
    plain, library = Controller(), _Library()

    return (
        plain.name,
        Controller("mine").name,
        library.name,
        plain.schemas,
        plain.url_prefix,
        library.log,
        library._handler_instance,
    )


def the_blueprint_is_built_once():
    library = _Library()
    blueprint = library.build_blueprint()
    same = library.build_blueprint() is blueprint
    app = Flask("app")
    app.register_blueprint(blueprint)

    return (
        same,
        blueprint.name,
        library.log,
        app.test_client().get("/media").get_json(),
        library._blueprint is blueprint,
    )


def the_handler_is_created_once():
    library = _Library()
    handler = library.create_handler()
    same = library.create_handler() is handler, library.build_handler() is handler, library._handler_instance is handler
    events = [(event, priority) for event, _, priority in handler._events]

    return (
        same,
        handler.name,
        events,
        library.log,
        isinstance(handler, Handler),
        handler.registered,
        type(handler).__name__,
    )


def the_handler_knows_its_controller():
    library = _Library()
    handler = library.create_handler()

    return handler._controller is library, handler._socketio, isinstance(handler, _ControllerHandler)


def build_handler_binds_to_a_server():
    _, server, client = _served()
    library = _Library()
    handler = library.build_handler(server)
    one = client()
    one.emit("said", 1)

    return handler.registered, library.log, one.emit("asked", 5, callback=True), library.socketio is server


def build_handler_goes_through_an_ingress():
    _, server, client = _served()
    ingress = registry.provide("socket_ingress", SocketIngress(server))
    library = _Library()
    library.build_handler(object())
    one = client()
    one.emit("said", 1)
    ingress.dispatch("said", 2)

    return library.log


def stop_tears_the_handler_down_first():
    log = []

    class Told(_Library):
        def on_stop(self):
            log.append(("on_stop", self._handler_instance))

        def build_events(self, handler):
            handler.on_teardown = lambda: log.append("on_teardown")

    _, server, _ = _served()
    told = Told().start()
    told.build_handler(server)
    told.stop()

    return log, told._handler_instance


@differs(
    "`Controller.stop()` returns `None`, where that of each service returns itself.",
    ours=True,
)
def stop_gives_the_controller():
    controller = Controller("c").start()

    return controller.stop() is controller


def a_failing_teardown_of_the_handler_is_stepped_over():
    class Fails(_Library):
        def create_handler(self):
            self._handler_instance = handler
            return handler

    class Stubborn(Handler):
        def teardown(self):
            raise ValueError("no")

    handler = Stubborn()
    fails = Fails().start()
    fails.build_handler(None)
    fails.stop()

    return fails.running, fails.log, fails._handler_instance


def a_stopped_controller_makes_another_handler():
    _, server, client = _served()
    registry.provide("socket_ingress", SocketIngress(server))
    library = _Library().start()
    first = library.build_handler(server)
    library.stop()
    library.start()
    second = library.build_handler(server)
    client().emit("said", "once")

    return first is second, first.registered, second.registered, library.log


def schemas_by_name():
    library = _Library()

    return library.schema("add").name, raised(library.schema, "x"), raised(Controller("c").schema, "x")


def models_and_stores_are_owned():
    controller = Controller("c").start()
    model, store = controller.create_model("m", {"a": 1}), controller.create_store("s", {"a": 1}, emit_events=True)
    kinds = isinstance(model, Model), isinstance(store, Store), store._emit_events
    before = model.get("a"), store.get("a")
    controller.stop()

    return kinds, before, model.get(), store.get()


def health_tells_of_the_parts():
    library = _Library().start()
    before = library.health()
    library.build_blueprint()
    library.create_handler()

    return before, library.health(), Controller("c").health()


def how_it_shows():
    library = _Library()
    before = repr(library)
    library.build_blueprint()
    library.create_handler()

    return before, repr(library), repr(Controller("c"))


def the_server_is_that_of_the_handler_or_the_manager():
    _, server, _ = _served()
    controller = Controller("c")
    without = controller.socketio
    registry.provide("service_manager", ServiceManager(None, "the manager's"))
    with_manager = controller.socketio
    controller.build_handler(server)

    return without, with_manager, controller.socketio is server


def overrides_can_be_told():
    return (
        _Library.build_events is not Controller.build_events,
        _Library.build_routes is not Controller.build_routes,
        Part.on_start is not Controller.on_start,
        Controller("c").build_events(None),
        Controller("c").build_routes(None),
    )


def a_failing_build_raises():
    class Fails(Controller):
        build_routes = dies("routes")
        build_events = dies("events")

    fails = Fails("f")

    return raised(fails.build_blueprint), raised(fails.create_handler), fails._handler_instance, fails._blueprint


def hooks_of_the_handler_are_called():
    log = []

    class Hooks(Controller):
        def build_events(self, handler):
            handler.on_setup = lambda: log.append("on_setup")
            handler.on_teardown = lambda: log.append("on_teardown")

    _, server, _ = _served()
    handler = Hooks("h").build_handler(server)
    same = handler.setup(server) is handler
    handler.teardown()

    return same, log, handler.registered, len(handler._events)


def a_failing_on_setup_leaves_it_set_up():
    class Fails(Controller):
        def build_events(self, handler):
            handler.on_setup = dies("no")

    _, server, _ = _served()

    return Fails("f").build_handler(server).registered


def a_service_adopts_a_controller():
    owner, library = Part("owner").start(), _Library()
    owner.adopt(library)
    owner.stop()

    return library.log, library.running


@differs(
    "A controller's event without a function keeps all later events from being subscribed.",
    ours=[True, ["first", "third"]],
)
def an_event_without_a_function():
    log = []

    class Half(Controller):
        def build_events(self, handler):
            handler.on("first", log.append).on("second", None).on("third", log.append)

    ingress = registry.provide("socket_ingress", SocketIngress())
    handler = Half("half").create_handler()
    try:
        handler.setup(None)
    except TypeError:
        pass
    registered = handler.registered
    ingress.dispatch("first", "first")
    ingress.dispatch("third", "third")
    handler.teardown()
    ingress.dispatch("first", "after")

    return registered, log
