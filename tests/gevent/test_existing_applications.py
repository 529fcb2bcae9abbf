"""What applications on specter-runtime 0.1, and their tests, rely on beyond the documented behaviour."""

import inspect
from unittest import mock

import gevent
import pytest
from flask import Flask
from flask_socketio import SocketIO
from gevent.queue import Empty, JoinableQueue
from greenlets import patched, turns

from specter_gevent import (
    Cache,
    Controller,
    EventBus,
    Field,
    Handler,
    Model,
    QueueService,
    Router,
    Schema,
    Service,
    ServiceManager,
    SocketIngress,
    SPECTERRegistry,
    Store,
    Watcher,
    boot,
    bus,
    registry,
    route,
)
from specter_gevent.controller import _ControllerHandler
from specter_gevent.testing import eventually

# Names that subclasses take for themselves.
TAKEN = (
    "_app", "_events", "_socketio", "app", "disconnect", "emit", "get", "on", "priority", "queue", "request", "set",
    "store", "subscribe",
)  # fmt: skip


def served():
    app = Flask("app")
    return app, SocketIO(app, async_mode="threading")


class Site(Controller):
    """Routes, events and a log."""

    def __init__(self, name="site"):
        super().__init__(name)
        self.log = []

    def build_routes(self, router):
        router.route("/hello", endpoint="hello")(lambda: {"from": self.name})

    def build_events(self, handler):
        handler.on("said", self.log.append)


class Ticker(Service):
    """Uses everything that a service can start."""

    def on_start(self):
        self.spawn(gevent.sleep, 60)
        self.interval(self.tick, 60)
        self.listen("event", self.tick)
        self.watch(self.tick)

    def tick(self, *args):
        pass


def owned(service):
    names = ("intervals", "timeouts", "greenlets", "bus_unsubs", "cleanups", "children", "subscribers")
    return sum(len(getattr(service, f"_{name}")) for name in names)


def test_one_process_boots_dozens_of_applications_with_the_same_parts():
    ticker, site = Ticker("ticker"), Site()
    for number in range(40):
        app, server = served()
        manager = boot(app, server, services=[ticker], controllers=[site])
        server.test_client(app).emit("said", number)
        assert app.test_client().get("/hello").get_json() == {"from": "site"}
        assert owned(ticker) > 0
        manager.shutdown()

        assert owned(ticker) == 0
        assert registry.list() == []
        assert bus.listener_count() == 0
    assert site.log == list(range(40))


def test_a_boot_without_a_shutdown_is_followed_by_the_next():
    first, second = Ticker("ticker"), Ticker("ticker")
    for ticker in (first, second):
        boot(*served(), services=[ticker])

    assert registry.require("ticker") is second
    assert registry.provide("ticker", "mine", replace=True) == "mine"
    for ticker in (first, second):
        ticker.stop()


def test_what_a_manager_is_to_own_can_be_provided_before_it_runs():
    manager = ServiceManager()
    registry.provide("settings", {"a": 1}, owner=manager)
    manager.boot()

    assert registry.require("settings") == {"a": 1}
    manager.shutdown()
    assert not registry.has("settings")


def test_looking_up_is_free_of_side_effects():
    app, server = served()
    manager = boot(app, server, services=[Service("a")])
    before = dict(vars(registry))
    for _ in range(20_000):
        assert registry.resolve("a") is not None
        assert manager.app is app

    assert vars(registry) == before
    manager.shutdown()


@pytest.mark.parametrize(
    "instance",
    [registry, bus, SPECTERRegistry(), EventBus(), Store("s"), Model("m"), Cache("c"), Service("a"), SocketIngress(),
     ServiceManager(), Controller("c"), QueueService("q"), Handler(), Router("r"), Schema("s", {})],
    ids=lambda instance: type(instance).__name__,
)  # fmt: skip
def test_instances_take_attributes_and_patches(instance):
    name = next(
        name for name in ("require", "on", "get", "start", "setup", "mount", "validate") if hasattr(instance, name)
    )
    with mock.patch.object(instance, name, return_value="fake"):
        assert getattr(instance, name)() == "fake"
    instance.anything = 1

    assert vars(instance).pop("anything") == 1
    assert name not in vars(instance)


def test_greenlets_are_empty_once_the_tasks_have_ended():
    service = Service("a").start()
    greenlets = [service.spawn(gevent.sleep, 0), service.spawn_later(0, gevent.sleep, 0)]
    assert service._greenlets == set(greenlets)
    gevent.joinall(greenlets)
    turns()

    assert service._greenlets == set()
    service.stop()


def test_waiters_are_an_empty_dict_after_a_timeout():
    with pytest.raises(TimeoutError):
        registry.wait_for("a", timeout=0.001)

    assert registry._waiters == {}


def test_a_queue_may_have_methods_of_its_own_with_an_underscore():
    class Thumbnails(QueueService):
        def handle_item(self, item):
            self._publish(item)

        def _publish(self, path):
            made.append(path)

    made = []
    with Thumbnails("thumbnails") as thumbnails:
        assert thumbnails.enqueue("a.jpg")
        thumbnails.join()

    assert made == ["a.jpg"]


def test_a_watcher_may_have_methods_of_its_own_with_an_underscore():
    class Screen(Watcher):
        def __init__(self):
            super().__init__("screen", poll=self._poll)

        def _poll(self):
            return "on"

    screen, seen = Screen(), []
    screen.subscribe(lambda value, screen: seen.append(value))
    screen.start()
    eventually(lambda: seen)
    screen.stop()

    assert seen == ["on"]


def test_an_override_of_create_handler_assigns_the_handler():
    class Own(Site):
        def create_handler(self):
            if self._handler_instance is None:
                self._handler_instance = _ControllerHandler(name="own", controller=self)
                self._handler_instance.on("said", self.log.append, priority=5)
                self.own(self._handler_instance)
            return self._handler_instance

    own = Own()
    assert own._handler_instance is None
    app, server = served()
    manager = boot(app, server, controllers=[own])
    handler = own._handler_instance
    server.test_client(app).emit("said", "event")

    assert (handler._controller, handler._socketio, handler.name) == (own, server, "own")
    assert [event[:1] + event[2:] for event in handler._events] == [("said", 5)]
    assert own.log == ["event"]
    manager.shutdown()
    assert own._handler_instance is None
    assert not handler.registered


def test_a_controllers_handler_has_a_hook_for_its_setup():
    log = []

    class Hooked(_ControllerHandler):
        def on_setup(self):
            log.append(self._socketio)

    server = served()[1]
    Hooked(name="hooked", controller=Site()).setup(server)

    assert log == [server]


def taking(base, name, how):
    """A subclass of *base* that uses *name* for itself."""

    def refuse(self, *args, **kwargs):
        raise AssertionError(f"{base.__name__} called the subclass' own {name}()")

    if how == "method":
        return type("Taking", (base,), {name: refuse})

    def init(self, *args):
        base.__init__(self, *args)
        setattr(self, name, "mine")

    return type("Taking", (base,), {"__init__": init})


@pytest.mark.parametrize("how", ["attribute", "method"])
@pytest.mark.parametrize("name", TAKEN)
def test_a_service_may_take_names_for_itself(name, how):
    service = taking(Ticker, name, how)("taking")
    manager = boot(*served(), services=[service])
    service.set_state({"a": 1})
    service.adopt(Service("child"))
    health = manager.health()["services"]["taking"]["status"]
    manager.shutdown()

    assert health == "ok"
    assert owned(service) == 0
    if how == "attribute":
        assert getattr(service, name) == "mine"


@pytest.mark.parametrize("how", ["attribute", "method"])
@pytest.mark.parametrize("name", TAKEN)
def test_a_controller_may_take_names_for_itself(name, how):
    site = taking(Site, name, how)()
    app, server = served()
    manager = boot(app, server, controllers=[site])
    server.test_client(app).emit("said", "event")
    answer = app.test_client().get("/hello").get_json()
    manager.shutdown()

    assert (site.log, answer) == (["event"], {"from": "site"})


@pytest.mark.parametrize("how", ["attribute", "method"])
@pytest.mark.parametrize("name", [name for name in TAKEN if name != "_socketio"])  # which is read from outside
def test_a_handler_may_take_names_for_itself(name, how):
    class Said(Handler):
        events = {"said": "hear"}

        def hear(self, data):
            heard.append(data)

    heard = []
    handler = taking(Said, name, how)()
    app, server = served()
    manager = boot(app, server, handlers=[handler])
    server.test_client(app).emit("said", "event")
    manager.shutdown()

    assert heard == ["event"]
    assert not handler.registered


def test_a_queue_subclass_has_a_worker_loop_of_its_own():
    class Own(QueueService):
        def __init__(self):
            super().__init__("own", worker_count=2, poll_interval=0.05)
            self.handled, self.idle = [], 0

        def _worker_loop(self):
            while self.running:
                try:
                    item = self.queue.get(timeout=self.poll_interval)
                except Empty:
                    self.idle += 1
                    continue
                self.handled.append(item)
                self.queue.task_done()

    own = Own().start()
    assert isinstance(own.queue, JoinableQueue)
    for number in range(5):
        assert own.enqueue(number)
    assert own.queue.join(timeout=5)

    assert sorted(own.handled) == list(range(5))
    eventually(lambda: own.idle)
    own.stop()
    assert not own._greenlets


def test_the_fields_of_a_schema_can_be_read():
    schema = Schema("s", {"a": Field(int, required=True), "b": Field(default="x")})

    assert list(schema._fields) == ["a", "b"]
    assert schema._fields["a"].required
    assert (schema._fields["b"].type, schema._fields["b"].default) == (str, "x")


def test_a_controller_is_given_a_bridge_that_is_no_server():
    class Bridge:
        """Whatever an application hands on; it cannot bind events."""

    app, server = served()
    ingress = registry.provide("socket_ingress", SocketIngress(server))
    site, bridge = Site(), Bridge()
    handler = site.build_handler(bridge)
    server.test_client(app).emit("said", "by a client")
    ingress.dispatch("said", "by the ingress")

    assert site.log == ["by a client", "by the ingress"]
    assert handler.socketio is bridge


def test_what_a_subclass_overrides_can_be_told():
    class Routes(Controller):
        def build_routes(self, router):
            pass

    assert Routes.build_routes is not Controller.build_routes
    assert Routes.build_events is Controller.build_events
    assert Site.build_events is not Controller.build_events


def test_sources_can_be_read_by_a_generator():
    class Things(Router):
        @route("/things", methods=["GET", "POST"], json_errors="no")
        def things(self):
            """Give them."""

    spec = Things.things._specter_routes[0]
    overridden = [cls for cls in Site.__mro__ if "build_events" in vars(cls)]

    assert (spec.rule, spec.methods, spec.endpoint, spec.json_errors) == ("/things", ("GET", "POST"), None, "no")
    assert "Give them." in inspect.getsource(Things.things)
    assert list(inspect.signature(Service.interval).parameters) == ["self", "callback", "seconds"]
    assert "def on_start" in inspect.getsource(Service)
    assert overridden == [Site, Controller]


def test_importing_installs_no_signal_handler_and_no_exit_function():
    code = """
import atexit, signal
import flask, flask_socketio, gevent.queue, gevent.subprocess
handlers = [signal.getsignal(number) for number in signal.valid_signals()]
functions = atexit._ncallbacks()
from specter import Service, boot, registry, bus, ManagedProcess, Watcher, Controller, Handler, Router
import specter.core.manager, specter.http
same = [signal.getsignal(number) for number in signal.valid_signals()] == handlers
print(specter.current_backend(), same, atexit._ncallbacks() - functions)
"""
    assert patched(code) == "gevent True 0"


def test_names_are_patched_by_their_paths_of_old():
    code = """
from unittest import mock
from specter import ManagedProcess, registry
with mock.patch("specter.registry.require", return_value="fake"):
    print(registry.require("a"))
with mock.patch("specter.core.process.subprocess.Popen", side_effect=OSError("no program")) as popen:
    try:
        ManagedProcess("p").start(["program"])
    except OSError as error:
        print(error, popen.call_count)
with mock.patch("specter.core.bus.bus.emit") as emit:
    from specter.core.lifecycle import Service
    Service("a").emit("event", 5)
    print(emit.call_args.args)
"""
    assert patched(code).splitlines() == ["fake", "no program 1", "('event', 5)"]
