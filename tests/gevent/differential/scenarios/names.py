"""Names with an underscore that tests and subclasses of applications know: what they show, and what they change."""

import logging
from functools import wraps
from typing import Any
from unittest.mock import patch

from flask import Flask
from observing import dies, soon, tried
from specter.core.schema import _coerce

from specter import Cache, EventBus, Router, SocketIngress, Watcher, route


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
