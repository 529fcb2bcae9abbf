"""
A method that a subclass or a test has put in the place of ours is called by our others, as with 0.1.1.

That it is the same there and here is compared by the scenarios in ``differential/scenarios/overrides.py``.
"""

import gevent
import pytest

from specter_gevent import Cache, EventBus, Model, Service, SPECTERRegistry, Store, bus, registry


def test_a_computation_is_spared_by_what_get_says(monkeypatch):
    cache = Cache("c")
    monkeypatch.setattr(cache, "get", lambda: "of the test")

    assert cache.get_or_compute(pytest.fail) == "of the test"


def test_a_value_that_came_while_a_caller_waited_is_read_without_an_override_of_get():
    class Blind(Cache):
        def get(self, default=None):
            return default

    cache, values = Blind("c"), []
    first = gevent.spawn(cache.get_or_compute, lambda: gevent.sleep(0) or "computed")
    second = gevent.spawn(lambda: values.append(cache.get_or_compute(pytest.fail)))
    gevent.joinall([first, second], timeout=10)

    assert values == ["computed"]


@pytest.mark.parametrize("where", [bus, EventBus], ids=["of the instance", "of the class"])
def test_a_service_ends_its_subscriptions_by_off(monkeypatch, where):
    ended = []
    with Service("a") as service:
        service.listen("said", len)
        monkeypatch.setattr(where, "off", lambda *args: ended.append(args[-2:]))
    monkeypatch.undo()
    bus.off("said", len)

    assert ended == [("said", len)]


def test_a_stop_unregisters_by_a_method_of_the_test(monkeypatch):
    keys = []
    with Service("a") as service:
        registry.provide("key", 1, owner=service)
        monkeypatch.setattr(registry, "unregister", keys.append)
    monkeypatch.undo()

    assert (keys, registry.unregister("key")) == (["key"], True)


def test_what_has_been_replaced_is_not_unregistered_by_an_override():
    class Own(SPECTERRegistry):
        def unregister(self, key):
            keys.append(key)
            return super().unregister(key)

    keys, own = [], Own()
    with Service("a") as service:
        own.provide("replaced", 1, owner=service)
        own.provide("kept", 1, owner=service)
        own.provide("replaced", 2, replace=True)

    assert (keys, own.list()) == (["kept"], ["replaced"])


@pytest.mark.parametrize("name", ["get", "snapshot"])
def test_a_subscriber_to_a_store_is_shown_what_an_override_says(name):
    heard = []
    kind = type("Own", (Store,), {name: lambda self: {"of": "the subclass"}})
    store = kind("s", {"a": 1})
    store.watch(lambda state, store: heard.append(state))
    store.set({"a": 2})

    assert heard == [{"of": "the subclass"}, {"a": 2}]


def test_another_thread_may_change_a_store_while_a_snapshot_of_the_application_is_made():
    class Waits(Store):
        def snapshot(self):
            gevent.get_hub().threadpool.apply(self.set, ({"n": 2},))
            return super().snapshot()

    heard = []
    Waits("s", {"n": 1}).watch(lambda state, store: heard.append(state["n"]))

    assert heard == [2, 2]


@pytest.mark.parametrize(
    ("name", "selector"),
    [("snapshot", None), ("snapshot", lambda state: state), ("get", "a"), ("select", "a"), ("select", len)],
    ids=["all", "by a function", "by a path", "by select", "by select and a function"],
)
def test_a_subscriber_to_a_model_is_shown_what_an_override_says(name, selector):
    heard = []
    kind = type("Own", (Model,), {name: lambda self, *args, **options: {"of": "the subclass"}})
    kind("m", {"a": 1}).watch(lambda value, model: heard.append(value), selector=selector)

    assert heard == [{"of": "the subclass"}]
