"""A greenlet killed at any switch inside bus, registry, store, model or cache leaves them whole and free."""

import gevent
import pytest
from greenlets import ended, held, kill_everywhere, turns

from specter_gevent import EventBus, SPECTERRegistry, bus, create_cache, create_model, create_store


@pytest.fixture(params=["alone", "in a crowd"])
def crowd(request):
    """Starts the same function twice beside the one that is killed: one comes before it, one after it."""

    def start(fn):
        def later():
            gevent.sleep(0)
            return fn()

        return [] if request.param == "alone" else [gevent.spawn(fn), gevent.spawn(later)]

    return start


def add(draft):
    """Both numbers, with a switch between them: half of it must never be seen."""
    draft["a"] += 1
    gevent.sleep(0)
    draft["b"] += 1


def test_update_of_a_store(crowd):
    def scenario():
        store = create_store("s", {"a": 0, "b": 0})
        others = crowd(lambda: store.update(add))
        yield lambda: store.update(add)
        for other in others:
            ended(other)
        count = store.get("a")

        assert count in (len(others), len(others) + 1)
        assert store.get() == {"a": count, "b": count}
        assert not held(store)
        assert ended(gevent.spawn(store.update, add)) == {"a": count + 1, "b": count + 1}

    assert kill_everywhere(scenario) >= 1


def test_access_to_a_store(crowd):
    def scenario():
        store = create_store("s", {"a": 0})

        def read():
            return store.access(lambda state: gevent.sleep(0))

        others = crowd(read)
        yield read
        for other in others:
            ended(other)

        assert not held(store)
        assert ended(gevent.spawn(store.set, {"a": 1})) == {"a": 1}

    assert kill_everywhere(scenario) >= 1


@pytest.mark.parametrize("change", ["set", "replace", "update", "delete", "clear"])
def test_a_subscriber_of_a_store_that_waits(crowd, change):
    def scenario():
        told = []
        store = create_store("s", dict.fromkeys("abc"), emit_events=True)
        store.subscribe(lambda state, of: gevent.sleep(0))
        store.subscribe(lambda state, of: told.append(state))
        bus.on("s:changed", lambda data: gevent.sleep(0))
        keys = iter("abc")
        acts = {
            "set": lambda: store.set({"a": 1}),
            "replace": lambda: store.replace({"a": 1}),
            "update": lambda: store.update(lambda draft: None),
            "delete": lambda: store.delete(next(keys)),
            "clear": store.clear,
        }
        act = acts[change]
        others = crowd(act)
        yield act
        for other in others:
            ended(other)
        store.replace({"a": "last"})

        assert told[-1] == {"a": "last"}
        assert not held(store, bus)
        bus.clear()

    assert kill_everywhere(scenario) >= 1


def test_update_of_a_model(crowd):
    def scenario():
        model = create_model("m", {"a": 0, "b": 0})
        others = crowd(lambda: model.update(add))
        yield lambda: model.update(add)
        for other in others:
            ended(other)
        count = model.get("a")

        assert count in (len(others), len(others) + 1)
        assert model.get() == {"a": count, "b": count}
        assert not held(model)
        ended(gevent.spawn(model.update, add))
        assert model.get() == {"a": count + 1, "b": count + 1}

    assert kill_everywhere(scenario) >= 1


@pytest.mark.parametrize("selector", [None, "a", lambda state: state.get("a")], ids=["all", "path", "function"])
def test_a_subscriber_of_a_model_that_waits(crowd, selector):
    def scenario():
        slow, quick = [], []
        model = create_model("m", {"a": 0}, emit_events=True)

        def wait(value, of):
            gevent.sleep(0)
            slow.append(value)

        model.subscribe(wait, selector=selector)
        model.subscribe(lambda value, of: quick.append(value), selector="a")
        numbers = iter(range(1, 10))

        def act():
            model.set("a", next(numbers))

        others = crowd(act)
        yield act
        for other in others:
            ended(other)
        model.set("a", "last")

        assert quick[-1] == "last"
        assert slow[-1] == "last" or slow[-1] == {"a": "last"}
        assert not held(model, bus)

    assert kill_everywhere(scenario) >= 1


def test_computing_a_cache(crowd):
    def scenario():
        cache = create_cache("c")

        def compute():
            gevent.sleep(0)
            gevent.sleep(0)
            return "value"

        others = crowd(lambda: cache.get_or_compute(compute))
        yield lambda: cache.get_or_compute(compute)

        assert [ended(other) for other in others] == ["value"] * len(others)
        assert not held(cache)
        assert ended(gevent.spawn(cache.get_or_compute, compute)) == "value"
        assert cache.get() == "value"

    assert kill_everywhere(scenario) >= 1


def test_invalidating_a_cache(crowd):
    def scenario():
        log = []
        first = create_cache("first", depends_on=["second:invalidated"])
        second = create_cache("second", depends_on=["first:invalidated"])
        for cache in (first, second):
            cache.set("value")
            cache.on_invalidate(lambda: gevent.sleep(0))
            cache.on_invalidate(lambda cache=cache: log.append(cache.name))
        others = crowd(first.invalidate)
        yield first.invalidate
        for other in others:
            ended(other)
        log.clear()
        second.set("value")
        ended(gevent.spawn(first.invalidate))

        assert sorted(log) == ["first", "second"]
        assert not second.is_valid()
        assert not held(first, second, bus)
        for cache in (first, second):
            cache.destroy()

    assert kill_everywhere(scenario) >= 1


def test_emitting_an_event(crowd):
    def scenario():
        heard, own = [], EventBus()
        own.on("a", lambda data: gevent.sleep(0))
        own.once("a", lambda data: gevent.sleep(0))
        own.on("a", heard.append)
        others = crowd(lambda: own.emit("a", 1))
        yield lambda: own.emit("a", 1)
        for other in others:
            ended(other)
        heard.clear()
        ended(gevent.spawn(own.emit, "a", 2))

        assert heard == [2]
        assert own.listener_count("a") == 2
        assert not held(own)

    assert kill_everywhere(scenario) >= 1


def test_waiting_for_an_event(crowd):
    def scenario():
        own = EventBus()
        others = crowd(lambda: own.wait_for("a"))
        gevent.spawn_later(0.002, own.emit, "a", "data")
        yield lambda: own.wait_for("a", timeout=5)

        assert [ended(other) for other in others] == ["data"] * len(others)
        assert not own.has_listeners("a")
        assert not held(own)

    assert kill_everywhere(scenario) >= 1


def test_reading_a_stream_of_events():
    def scenario():
        own = EventBus()

        def read():
            with own.stream("a") as events:
                return [next(events), next(events)]

        gevent.spawn_later(0.001, own.emit, "a", 1)
        gevent.spawn_later(0.002, own.emit, "a", 2)
        yield read

        assert not own.has_listeners("a")
        assert not held(own)

    assert kill_everywhere(scenario) >= 1


def test_waiting_for_a_value(crowd):
    def scenario():
        own = SPECTERRegistry()
        others = crowd(lambda: own.wait_for("a"))
        gevent.spawn_later(0.002, own.provide, "a", "value")
        yield lambda: own.wait_for("a", timeout=5)

        assert [ended(other) for other in others] == ["value"] * len(others)
        turns()
        assert own._waiters == {}
        assert not held(own)

    assert kill_everywhere(scenario) >= 1
