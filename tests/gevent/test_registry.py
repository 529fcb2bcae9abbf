"""The registry on greenlets: values by key, those who provide them, those who wait for them."""

import threading
from unittest.mock import patch

import gevent
import pytest
from greenlets import PATIENCE, ended, turns

from specter_gevent import SPECTERRegistry
from specter_gevent import registry as the_registry


@pytest.fixture
def registry():
    return SPECTERRegistry()


class Owner:
    def __init__(self):
        self.cleanups = []

    def add_cleanup(self, fn):
        self.cleanups.append(fn)

    def end(self):
        while self.cleanups:
            self.cleanups.pop()()


def said(error):
    return str(error.value.args[0])


def test_what_is_provided_is_found(registry):
    value = object()

    assert registry.provide("a", value) is value
    assert registry.resolve("a") is value
    assert registry.require("a") is value
    assert registry.has("a")
    assert registry.list() == ["a"]


def test_what_is_not_there_is_not_found(registry):
    registry.provide("b", 1)
    registry.provide("a", 2)

    assert registry.resolve("x") is None
    assert not registry.has("x")
    with pytest.raises(KeyError) as missing:
        registry.require("x")
    assert said(missing) == "[SPECTER:registry] 'x' is not provided. Currently registered: ['b', 'a']"


def test_none_is_a_value(registry):
    registry.provide("a", None)

    assert registry.has("a")
    assert registry.require("a") is None
    assert registry.wait_for("a") is None


def test_keys_are_stripped(registry):
    registry.provide("  a ", 1)

    assert registry.list() == ["a"]
    assert registry.resolve(" a") == registry.require("a ") == registry.wait_for("\ta") == 1
    assert registry.has("\ta\n")
    assert registry.unregister(" a ")


@pytest.mark.parametrize("key", ["", "  ", None, 1, b"a"])
@pytest.mark.parametrize("method", ["provide", "resolve", "require", "has", "unregister", "wait_for"])
def test_a_key_is_a_name(registry, method, key):
    with pytest.raises(TypeError) as refused:
        getattr(registry, method)(key, *([1] if method == "provide" else []))

    assert said(refused) == f"[SPECTER:registry] {method}() requires a non-empty string key, got {key!r}"


def test_a_taken_key_is_taken(registry):
    registry.provide("a", 1)
    with pytest.raises(KeyError) as taken:
        registry.provide("a", 2)
    assert said(taken) == "[SPECTER:registry] 'a' is already provided. Pass replace=True to overwrite."
    assert registry.resolve("a") == 1
    registry.provide("a", 2, replace=True)
    assert registry.resolve("a") == 2


def test_a_key_with_braces_is_a_key(registry):
    registry.provide("{key}", 1)
    with pytest.raises(KeyError, match="'{key}' is already provided"):
        registry.provide("{key}", 2)
    with pytest.raises(KeyError, match="'{0}' is not provided"):
        registry.require("{0}")


def test_unregister_tells_if_there_was_one(registry):
    registry.provide("a", None)

    assert registry.unregister("a") is True
    assert registry.unregister("a") is False


def test_keys_are_listed_in_the_order_in_which_they_came(registry):
    for key in "cab":
        registry.provide(key, 1)
    registry.provide("a", 2, replace=True)

    assert registry.list() == ["c", "a", "b"]


def test_clear_takes_all_out(registry):
    registry.provide("a", 1)
    registry.clear()

    assert registry.list() == []
    registry.provide("a", 2)


def test_methods_of_the_one_registry_can_be_replaced_by_a_mock():
    with patch("specter_gevent.registry.require", return_value=1):
        assert the_registry.require("a") == 1
    with pytest.raises(KeyError):
        the_registry.require("a")


def test_the_values_can_be_seen_from_outside(registry):
    registry.provide("a", 1)

    assert registry._entries == {"a": 1}
    registry.clear()
    assert registry._entries == {}


# Owners.


def test_an_owner_s_end_takes_its_value_out(registry):
    owner = Owner()
    registry.provide("a", 1, owner)
    owner.end()

    assert not registry.has("a")


def test_an_owner_s_end_leaves_a_later_value_alone(registry):
    owner = Owner()
    registry.provide("a", 1, owner=owner)
    registry.provide("a", 1, replace=True)
    owner.end()

    assert registry.has("a")


def test_an_owner_that_replaces_its_own_value_takes_the_new_one_out(registry):
    owner = Owner()
    registry.provide("a", 1, owner=owner)
    registry.provide("a", 2, owner=owner, replace=True)
    owner.end()

    assert not registry.has("a")


def test_what_cannot_own_is_named_and_nothing_is_provided(registry):
    with pytest.raises(TypeError) as refused:
        registry.provide("a", 1, owner={})

    assert said(refused) == "[SPECTER:registry] owner for 'a' must expose add_cleanup(). Got dict."
    assert not registry.has("a")


# Waiting.


def test_wait_for_gives_what_is_there(registry):
    registry.provide("a", 1)

    assert registry.wait_for(" a ") == 1


def test_wait_for_gives_what_comes(registry):
    waiting = [gevent.spawn(registry.wait_for, "a") for _ in range(2)]
    turns()
    assert list(registry._waiters) == ["a"]
    registry.provide("b", 2)
    registry.provide("a", 1)

    assert [ended(one) for one in waiting] == [1, 1]
    assert registry._waiters == {}


def test_wait_for_gives_a_value_that_is_gone_again(registry):
    waiting = gevent.spawn(registry.wait_for, "a")
    turns()
    registry.provide("a", None)
    registry.unregister("a")

    assert ended(waiting) is None


@pytest.mark.parametrize("timeout", [0, 0.01])
def test_wait_for_gives_up_in_time(registry, timeout):
    with pytest.raises(TimeoutError) as late:
        registry.wait_for("a", timeout=timeout)

    assert said(late) == f"[SPECTER:registry] wait_for('a') timed out after {timeout}s"
    assert registry._waiters == {}


def test_one_of_two_that_gives_up_leaves_the_other(registry):
    patient = gevent.spawn(registry.wait_for, "a")
    turns()
    with pytest.raises(TimeoutError):
        registry.wait_for("a", 0)
    registry.provide("a", 1)

    assert ended(patient) == 1


def test_a_timeout_around_wait_for_stays_what_it_is(registry):
    outer = gevent.Timeout(0.01)
    with pytest.raises(gevent.Timeout) as raised, outer:
        registry.wait_for("a", timeout=PATIENCE)

    assert raised.value is outer
    assert registry._waiters == {}


def test_who_waits_hears_of_a_clear(registry):
    def wait():
        with pytest.raises(RuntimeError) as cleared:
            registry.wait_for("a")
        return said(cleared)

    waiting = gevent.spawn(wait)
    turns()
    registry.clear()
    registry.provide("a", 1)

    assert ended(waiting) == "[SPECTER:registry] Registry was cleared while waiting for 'a'"
    assert registry._waiters == {}


def test_a_killed_wait_leaves_nothing(registry):
    waiting = gevent.spawn(registry.wait_for, "a")
    turns()
    waiting.kill(timeout=PATIENCE)

    assert registry._waiters == {}


def test_a_value_of_another_thread_wakes_who_waits(registry):
    waiting = gevent.spawn(registry.wait_for, "a")
    turns()
    thread = threading.Thread(target=registry.provide, args=("a", 1))
    thread.start()

    assert ended(waiting) == 1
    thread.join(PATIENCE)


def test_many_threads_provide_and_find(registry):
    wrong = []

    def work(name):
        for number in range(200):
            registry.provide(f"{name} {number}", number)
            if registry.require(f"{name} {number}") != number:
                wrong.append((name, number))
            registry.list()
            registry.unregister(f"{name} {number}")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    assert wrong == []
    assert registry.list() == []
