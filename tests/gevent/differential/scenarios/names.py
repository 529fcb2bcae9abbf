"""Names with an underscore that tests and subclasses of applications know: what they show, and what they change."""

from typing import Any
from unittest.mock import patch

from observing import Part

from specter import EventBus, SPECTERRegistry


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
