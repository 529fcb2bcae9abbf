"""Names with an underscore that tests and subclasses of applications know: what they show, and what they change."""

import logging
import time
from functools import wraps
from typing import Any
from unittest.mock import patch

import specter.core.cache
from flask import Flask
from observing import Part, dies, soon, tried
from specter.core.model import _delete_path, _get_path, _set_path
from specter.core.schema import _coerce

from specter import Cache, EventBus, Model, Router, SocketIngress, SPECTERRegistry, Store, Watcher, bus, route


class _Heard:
    """A bus with one listener, and what its listeners heard."""

    def __init__(self) -> None:
        self.bus = EventBus()
        self.heard: list[Any] = []
        self.unsubscribe = self.bus.on("a", self.first)

    def first(self, data: Any) -> None:
        self.heard.append(["first", data])

    def second(self, data: Any) -> None:
        self.heard.append(["second", data])

    def seen(self) -> dict[str, list[str]]:
        return {event: sorted(fn.__name__ for fn in fns) for event, fns in self.bus._events.items()}


def bus_events_are_seen():
    it = _Heard()
    it.bus.on("b", it.second)
    events = it.bus._events
    return [
        it.seen(), "a" in events, "c" in events, len(events), len(events["a"]), it.first in events["a"],
        it.second in events["a"], events == {"a": {it.first}, "b": {it.second}}, events.get("c"), bool(events),
    ]  # fmt: skip


def bus_events_of_the_last_listener_are_gone():
    it = _Heard()
    it.unsubscribe()
    return [it.bus._events == {}, not it.bus._events]


def bus_events_can_be_cleared():
    it = _Heard()
    it.bus._events.clear()
    it.bus.emit("a")
    return [it.heard, it.bus.listener_count(), it.seen()]


def bus_events_can_be_taken_out():
    it = _Heard()
    it.bus._events.pop("a")
    it.bus._events.pop("b", None)
    it.bus.on("c", it.second)
    del it.bus._events["c"]
    return [it.bus.listener_count(), it.bus.has_listeners("a"), it.bus.has_listeners("c")]


def bus_events_can_be_kept_and_put_back():
    it = _Heard()
    kept = dict(it.bus._events)
    it.bus._events.clear()
    it.bus.emit("a", 1)
    it.bus._events.update(kept)
    it.bus.emit("a", 2)
    return it.heard


def bus_events_can_be_set():
    it = _Heard()
    it.bus._events = {}
    it.bus.emit("a", 1)
    it.bus.on("a", it.second)
    it.bus.emit("a", 2)
    it.bus._events["b"] = {it.first}
    it.bus.emit("b", 3)
    return [it.heard, it.seen()]


def bus_events_are_put_back_by_a_patch():
    it = _Heard()
    with patch.object(it.bus, "_events", {}):
        it.bus.on("a", it.second)
        it.bus.emit("a", 1)
    it.bus.emit("a", 2)
    with patch.dict(it.bus._events, {"b": {it.second}}, clear=True):
        it.bus.emit("a", 3)
        it.bus.emit("b", 4)
    it.bus.emit("a", 5)
    return [it.heard, it.seen()]


def bus_events_in_a_patch_are_apart():
    it = _Heard()
    with patch.object(it.bus, "_events", {}):
        it.unsubscribe()
        unsubscribe = it.bus.on("a", it.second)
    before = it.seen()
    unsubscribe()
    return [before, it.seen()]


def bus_listeners_can_be_added_and_discarded():
    it = _Heard()
    listeners = it.bus._events["a"]
    listeners.add(it.second)
    listeners.discard(it.first)
    it.bus.emit("a", 1)
    return [it.heard, it.seen(), sorted(fn.__name__ for fn in listeners)]


def registry_entries_and_owners_are_seen():
    registry, owner = SPECTERRegistry(), Part().start()
    registry.provide("a", 1)
    registry.provide("b", 2, owner=owner)
    before = [dict(registry._entries), list(registry._owners), registry._owners["b"] is owner, registry._owners["a"]]
    owner.stop()
    return [before, dict(registry._entries), registry._owners]


def registry_owners_go_with_their_entries():
    registry = SPECTERRegistry()
    registry.provide("a", 1, owner=Part())
    registry.provide("b", 2)
    registry.unregister("a")
    before = dict(registry._owners)
    registry.clear()
    return [before, registry._owners, registry._entries, registry._waiters]


def registry_entries_can_be_changed():
    registry = SPECTERRegistry()
    registry.provide("a", 1)
    registry._entries["b"] = 2
    seen = [registry.list(), registry.require("b"), registry.has("b"), registry.unregister("b")]
    registry._entries.clear()
    registry._owners.clear()
    return [seen, registry.list(), registry.provide("a", 3)]


def registry_entries_can_be_set():
    registry = SPECTERRegistry()
    registry.provide("a", 1)
    registry._entries, registry._owners, registry._waiters = {"b": 2}, {}, {}
    registry.provide("c", 3)
    return [registry.list(), registry.resolve("a"), registry.resolve("b"), registry.wait_for("c", timeout=0)]


def registry_entries_are_put_back_by_a_patch():
    registry = SPECTERRegistry()
    registry.provide("a", 1)
    with patch.object(registry, "_entries", {"b": 2}):
        registry.provide("c", 3)
        within = registry.list()
    with patch.dict(registry._entries, {"d": 4}):
        also = registry.require("d")
    return [within, also, registry.list()]


def cache_shows_its_value_and_when_it_was_stored():
    cache = Cache("c", ttl=30)
    before = [cache._value, cache._updated_at, cache._ttl]
    cache.set("a")
    within = [cache._value, cache._updated_at == cache.updated_at, cache._updated_at > 1e9]
    cache.invalidate()
    return [before, within, cache._value, cache._updated_at]


def cache_can_be_made_older():
    cache = Cache("c", ttl=30)
    cache.set("a")
    cache._updated_at -= 29
    before = cache.get()
    cache._updated_at -= 2
    return [before, cache.is_valid(), cache.get(), cache._value, cache.get_or_compute(lambda: "b")]


def cache_that_never_expires_can_be_made_older():
    cache = Cache("c")
    cache.set("a")
    cache._updated_at = 0
    return [cache.get(), cache.updated_at]


def cache_can_be_given_a_value():
    cache, expiring = Cache("c"), Cache("d", ttl=30)
    cache._value = expiring._value = "a"
    before = [cache.get(), expiring.get()]
    expiring._value, expiring._updated_at = "b", time.time()
    return [before, expiring.get()]


def cache_can_be_given_a_time_to_live():
    cache = Cache("c")
    cache._ttl = 30
    cache.set("a")
    cache._updated_at -= 31
    return [cache.ttl, cache.get()]


def cache_ages_by_a_clock_of_a_test():
    cache = Cache("c", ttl=30)
    cache.set("a")
    now = time.time()
    with patch("specter.core.cache.time.time", return_value=now + 29):
        before = cache.get()
    with patch("specter.core.cache.time.time", return_value=now + 31):
        return [before, cache.is_valid(), cache.get()]


def cache_ages_by_a_time_module_of_a_test():
    with patch.object(specter.core.cache, "time") as clock:
        clock.time.return_value = 1000.0
        cache = Cache("c", ttl=30)
        cache.set("a")
        cache.get_or_compute(lambda: "b")
        clock.time.return_value = 1029.0
        before = [cache.get(), cache.updated_at]
        clock.time.return_value = 1030.0
        return [before, cache.get_or_compute(lambda: "c")]


class _Counter(Store):  # type: ignore[misc]
    """A store that changes its state itself."""

    def add(self, key: str) -> Any:
        with self._lock:
            self._state[key] = self._state.get(key, 0) + 1
            snapshot = dict(self._state)
        self._notify(snapshot)
        return snapshot


def store_is_changed_by_a_subclass():
    heard: list[Any] = []
    counter = _Counter("c", {"a": 1}, emit_events=True)
    counter.subscribe(lambda snapshot, store: heard.append(snapshot))
    bus.on("c:changed", lambda snapshot: heard.append(["bus", snapshot]))
    return [counter.add("a"), counter.add("b"), counter.get(), heard]


class _Written(Store):  # type: ignore[misc]
    """A store that writes down each state."""

    kept: list[Any] = []

    def _notify(self, snapshot: Any) -> None:
        self.kept.append(snapshot)
        super()._notify(snapshot)


def store_has_a_notify_of_its_own():
    heard: list[Any] = []
    store = _Written("c", {"a": 1})
    store.set({"a": 2})
    store.subscribe(lambda snapshot, store: heard.append(snapshot))
    store.update(lambda draft: draft.update(b=3))
    store.delete("c")
    store.delete("b")
    store.replace({})
    return [store.kept, heard]


def store_subscribers_are_seen_and_can_be_changed():
    store, heard = Store("s"), []

    def fn(snapshot: Any, store: Any) -> None:
        heard.append(snapshot)

    before = [store._subscribers == set(), not store._subscribers]
    unsubscribe = store.subscribe(fn)
    within = [store._subscribers == {fn}, fn in store._subscribers, len(store._subscribers), list(store._subscribers)]
    unsubscribe()
    store._subscribers.add(fn)
    store.set({"a": 1})
    store._subscribers.discard(fn)
    store.set({"a": 2})
    return [before, within, store._subscribers == set(), store._subscribers == {fn}, heard]


def model_subscribers_are_counted():
    model, owner = Model("m"), Part().start()
    before = [model._subscribers == [], not model._subscribers]
    model.subscribe(print, owner=owner)
    model.watch(lambda value, model: None, selector="a")
    within = [len(model._subscribers), model._subscribers == []]
    owner.stop()
    model.destroy()
    return [before, within, model._subscribers == []]


def model_state_is_seen_and_can_be_set():
    model = Model("m", {"a": {"b": 1}})
    before = [model._state["a"]["b"], model._state == {"a": {"b": 1}}]
    model._state = {"a": 2}
    return [before, model.get(), model.set("c", 3)]


def model_paths_of_plain_dicts():
    state = {"a": {"b": 1}, "c": 2}
    read = [_get_path(state, path, "none") for path in ((), ("a",), ("a", "b"), ("a", "x"), ("c", "d"), ("x",))]
    written = [tried(_set_path, state, path, 5) for path in (("a", "b"), ("c", "d"), ("x", "y", "z"), ())]
    after_writing = repr(state)
    deleted = [_delete_path(state, path) for path in (("a", "b"), ("a", "b"), ("x", "q", "z"), ("x", "y"), ("q",), ())]
    return [read, written, after_writing, deleted, state, _get_path({}, ("a",))]


def watcher_sources_are_seen_and_can_be_changed():
    heard: list[Any] = []
    polling = Watcher("w", poll=lambda: "a")
    before = [polling._poll_fn(), polling._stream_fn]
    polling._poll_fn = lambda: "b"
    polling.subscribe(lambda value, watcher: heard.append(value))
    polling.start()
    soon(lambda: heard)
    polling.stop()
    return [before, heard, list(Watcher("w", stream=lambda: [1])._stream_fn())]


def watcher_can_be_made_to_notify():
    heard: list[Any] = []
    watcher = Watcher("w", poll=lambda: "a")
    watcher.subscribe(lambda value, watcher: heard.append([value, watcher.name]))
    watcher.subscribe(dies("it was meant to"))
    watcher._notify("b")
    return [heard, watcher.last_value]


class _Guarded(Router):  # type: ignore[misc]
    """A router that puts something round every view."""

    @route("/a")
    def a(self) -> str:
        return "a"

    def _build_view(self, method: Any, spec: Any) -> Any:
        view = super()._build_view(method, spec)
        return wraps(view)(lambda *args, **kwargs: f"{spec.rule} {view(*args, **kwargs)}")


def router_views_can_be_wrapped():
    app, router = Flask("app"), _Guarded("r")

    @router.route("/b")
    def b() -> str:
        return "b"

    router.register(app)
    return [app.test_client().get(path).get_data(as_text=True) for path in ("/a", "/b")]


def ingress_error_subscribers_are_counted():
    ingress = SocketIngress()
    before = len(ingress._default_error_subscribers)
    unsubscribe = ingress.subscribe_error_default(print)
    within = len(ingress._default_error_subscribers)
    unsubscribe()
    return [before, within, ingress._default_error_subscribers]


def schema_coerces_by_a_function():
    class Refusing:
        def __init__(self, value: Any) -> None:
            raise ArithmeticError("not this one")

    targets = [bool, int, float, str, list, dict, len, Refusing, None, "str", complex]
    values = [None, True, 0, 7, "7", "x", " Yes ", "off", "", 2.5, [1], {"a": 1}, b"x"]
    return [[_told(tried(_coerce, value, target)) for value in values] for target in targets]


def _told(value: Any) -> Any:
    return [str(value), type(value).__name__]


def loggers_are_set_and_heard_by_their_names():
    bus, watcher = EventBus(), Watcher("w", poll=lambda: "a")
    bus.on("a", dies("it was meant to"))
    watcher.subscribe(dies("it was meant to"))
    heard: list[list[bool]] = []
    for name in ("specter.core.bus", "specter.core.watcher", "specter.core", "specter", "specter.core.cache", None):
        kept = _Records()
        logger = logging.getLogger(name)
        logger.addHandler(kept)
        bus.emit("a")
        watcher._notify("a")
        logger.removeHandler(kept)
        heard.append(kept.errors)
    return heard


class _Records(logging.Handler):
    """Whether each record that it hears has the traceback, or else the text, of an error that was meant."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[bool] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append("it was meant to" in self.format(record))


def loggers_have_their_levels():
    logging.getLogger("specter").setLevel(logging.CRITICAL)
    logging.getLogger("specter.core.cache").setLevel(logging.INFO)
    kept = _Records()
    logging.getLogger().addHandler(kept)
    bus, cache = EventBus(), Cache("c")
    bus.on("a", dies("it was meant to"))
    cache.on_invalidate(dies("it was meant to"))
    bus.emit("a")
    cache.invalidate()
    return kept.errors
