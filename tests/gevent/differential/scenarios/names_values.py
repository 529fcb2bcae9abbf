"""Names with an underscore of what keeps values: registry, cache, store and model."""

import time
from typing import Any
from unittest.mock import patch

import specter.core.cache
from observing import Part, tried
from specter.core.model import _delete_path, _get_path, _set_path

from specter import Cache, Model, SPECTERRegistry, Store, bus


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
