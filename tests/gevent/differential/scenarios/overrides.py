"""Methods that a subclass has, or a test has put in the place of others, are called by what calls them in 0.1.1."""

from unittest import mock

import gevent
from observing import Part, resource, soon

from specter import (
    Cache,
    Controller,
    EventBus,
    Handler,
    Model,
    Router,
    ServiceManager,
    SocketIngress,
    SPECTERRegistry,
    Store,
    boot,
    bus,
    registry,
    start_process,
)  # fmt: skip


def _noting(kind, *names):
    """A subclass that notes calls of these methods, and its notes."""
    notes = []

    def noting(name):
        def method(self, *args, **kwargs):
            notes.append((name, [arg for arg in args if not callable(arg)]))
            return getattr(kind, name)(self, *args, **kwargs)

        return method

    return type("Noting", (kind,), {name: noting(name) for name in names}), notes


def a_cache_reads_by_get():
    kind, notes = _noting(Cache, "get")
    cache = kind("c")
    computed = [cache.get_or_compute(lambda: 1), cache.get_or_compute(lambda: 2)]
    return computed, notes, cache.is_valid()


def what_get_of_a_cache_says_counts():
    class Prefixed(Cache):
        def get(self, default=None):
            return "overridden"

    cache = Cache("c")
    with mock.patch.object(cache, "get", return_value="of the test"):
        by_object = cache.get_or_compute(lambda: 1)
    with mock.patch("specter.core.cache.Cache.get", return_value="of the class"):
        by_class = cache.get_or_compute(lambda: 1)
    return Prefixed("p").get_or_compute(lambda: 1), by_object, by_class, cache.get()


def a_subscription_ends_by_off():
    kind, notes = _noting(EventBus, "off")
    own, heard = kind(), []
    unsubscribe = own.on("a", heard.append)
    own.emit("a", 1)
    unsubscribe()
    own.emit("a", 2)
    unsubscribe()
    return heard, notes, own.has_listeners("a")


def subscriptions_of_services_end_by_off():
    with mock.patch.object(bus, "off", wraps=bus.off) as off:
        Part().start().listen("a", len).listen("b", len).stop()
    with mock.patch("specter.core.bus.EventBus.off", autospec=True) as kept:
        Part().start().listen("c", len).stop()
    still = bus.has_listeners("c")
    bus.clear("c")
    return off.mock_calls == [mock.call("a", len), mock.call("b", len)], kept.call_count, still, bus.has_listeners("a")


def dependencies_of_a_cache_end_by_off():
    cache = Cache("c", depends_on=["a", "b"])
    with mock.patch.object(bus, "off") as off:
        cache.destroy()
    bus.clear("a")
    bus.clear("b")
    return [call.args[0] for call in off.call_args_list]


def a_stop_unregisters():
    kind, notes = _noting(SPECTERRegistry, "unregister")
    own, part = kind(), Part().start()
    own.provide("a", 1, owner=part)
    own.provide("b", 2, owner=part)
    own.unregister("b")
    part.stop()
    return notes, own.has("a"), own.has("b")


def a_fake_unregisters():
    part = Part().start()
    registry.provide("a", 1, owner=part)
    with mock.patch.object(registry, "unregister") as unregister:
        part.stop()
    return unregister.call_args.args, registry.has("a"), registry.unregister("a")


def a_store_tells_what_it_is_asked_for():
    kind, notes = _noting(Store, "get", "snapshot")
    store, heard = kind("s", {"a": 1}), []
    store.subscribe(lambda state, store: heard.append(state))
    store.watch(lambda state, store: heard.append(state))
    store.set({"a": 2})
    return heard, notes, store.snapshot()


def what_a_store_is_said_to_be_is_heard():
    class Public(Store):
        def get(self, key=None, default=None):
            found = super().get(key, default)
            return {name: value for name, value in found.items() if name != "secret"} if key is None else found

    store, heard = Public("s", {"a": 1, "secret": 2}), []
    store.watch(lambda state, store: heard.append(state))
    with mock.patch("specter.core.store.Store.snapshot", return_value="fake"):
        Store("t").watch(lambda state, store: heard.append(state))
    with mock.patch.object(store, "snapshot", side_effect=ValueError("no")):
        store.watch(lambda state, store: heard.append(state))
    return heard, store.snapshot(), store.get("secret")


def a_model_asks_itself_what_there_is():
    kind, notes = _noting(Model, "get", "select", "snapshot")
    model, heard = kind("m", {"a": {"b": 1}}), []
    for selector in (None, "a.b", lambda state: state["a"]):
        model.subscribe(lambda value, model: heard.append(value), selector=selector)
        model.watch(lambda value, model: heard.append(value), selector=selector)
        notes.append("next")
    return heard, notes


def what_a_model_is_said_to_be_is_heard():
    class Greater(Model):
        def snapshot(self):
            return super().snapshot() | {"more": 1}

        def get(self, path=None, default=None):
            return [super().get(path, default)]

    model, heard = Greater("m", {"a": 1}), []
    for selector in (None, "a", "missing", lambda state: sorted(state)):
        model.watch(lambda value, model: heard.append(value), selector=selector)
    with mock.patch("specter.core.model.Model.snapshot", side_effect=ValueError("no")):
        try:
            Model("n").subscribe(print)
        except ValueError as error:
            heard.append(str(error))
    return heard


def once_subscribes_by_on_and_ends_by_off():
    kind, notes = _noting(EventBus, "on", "off")
    own, heard = kind(), []
    own.once("a", heard.append)
    own.emit("a", 1)
    own.emit("a", 2)
    own.once("a", heard.append)()
    with mock.patch.object(bus, "on", return_value="of the test"):
        return heard, notes, own.has_listeners("a"), bus.once("a", len)


def a_greenlet_is_cancelled_whatever_a_subclass_calls_its_own():
    class Tasks(Part):
        def cancel_task(self, number):
            raise ValueError(number)

    part = Tasks().start()
    greenlet = part.spawn(gevent.sleep, 10)
    return part.cancel_greenlet(greenlet) is part, soon(lambda: greenlet.dead)


def what_is_owned_is_added_as_a_cleanup():
    seen = []
    for kind in (Part, Handler, Router):
        own, notes = _noting(kind, "add_cleanup")
        owner = own("owner") if kind is Router else own()
        owner.own(resource("close"))
        owner.own(None)
        seen.append(notes)
    with mock.patch("specter.core.handler.resolve_cleanup", return_value=len) as resolve:
        Handler().own("a", "end")
    with mock.patch("specter.router.resolve_cleanup", return_value=len):
        Router("r").own("a", "end")
    return seen, resolve.call_args == mock.call("a", stop_method="end")


def a_controller_makes_its_state_by_what_is_in_the_modules():
    controller = Controller("c")
    with mock.patch("specter.core.model.create_model", return_value=resource("close")) as model:
        controller.create_model("m", {"a": 1})
    with mock.patch("specter.core.store.create_store", return_value=resource("close")) as store:
        controller.create_store("s", {"a": 1}, emit_events=True)
    return model.call_args == mock.call("m", {"a": 1}), store.call_args == mock.call("s", {"a": 1}, emit_events=True)


def a_manager_registers_a_controller_by_methods_that_return_nothing():
    class Quiet(ServiceManager):
        def register_service(self, service):
            super().register_service(service)

        def register_handler(self, handler):
            super().register_handler(handler)

    manager = Quiet()
    return manager.register_controller(Controller("c")) is manager, len(manager._services), len(manager._handlers)


def what_is_made_is_returned_whatever_its_methods_return():
    class Quiet(ServiceManager):
        def boot(self):
            super().boot()

    with mock.patch(f"{boot.__module__}.ServiceManager", Quiet):
        manager = boot(None, None)
    manager.shutdown()
    with mock.patch("specter.core.process.ManagedProcess") as process:
        started = start_process("p", ["program"], owner="owner", text=True)
    calls = process.mock_calls == [mock.call("p"), mock.call().start(["program"], owner="owner", text=True)]
    return type(manager) is Quiet, started is process.return_value, calls


def an_ingress_ends_subscriptions_by_unsubscribe():
    kind, notes = _noting(SocketIngress, "unsubscribe", "unsubscribe_error_default", "subscribe")
    ingress, part = kind(), Part().start()
    ended = [ingress.subscribe("a", len)(), ingress.subscribe_error_default(len)()]
    ingress.on("b", len, owner=part)
    ingress.on_error_default(len, owner=part)
    part.stop()
    return ended, notes, ingress._subscribers, len(ingress._default_error_subscribers)


def an_ingress_is_made_without_its_methods():
    kind, notes = _noting(SocketIngress, "attach")
    return kind("server").socketio, notes, kind().attach("server").socketio


def a_dependency_of_a_cache_invalidates_by_methods():
    kind, notes = _noting(Cache, "invalidate", "_on_dependency_invalidated")
    cache = kind("c", depends_on=["a"])
    cache.set(1)
    bus.emit("a", 2)
    cache._on_dependency_invalidated()
    return notes, cache.get()
