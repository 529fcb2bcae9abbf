"""What applications on specter-runtime 0.1, and their tests, rely on beyond the documented behaviour."""

import inspect
from unittest import mock

import gevent
import pytest
from booted_gevent import served
from greenlets import patched, turns
from sites_gevent import Site, Ticker, owned

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
    boot,
    bus,
    registry,
    route,
)


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
