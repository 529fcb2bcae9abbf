"""How that which is owned is ended, and owners that are no services."""

import pytest

from specter.sansio.ownership import STOP_METHODS
from specter_gevent import Router
from specter_gevent.ownership import OWNERSHIP_STOP_METHODS, Cleanups, resolve_cleanup


class Resource:
    def __init__(self, **methods):
        vars(self).update(methods)


def test_nothing_that_awaits_is_tried():
    assert OWNERSHIP_STOP_METHODS == ("stop", "close", "disconnect", "destroy", "terminate", "kill")
    assert set(STOP_METHODS) - set(OWNERSHIP_STOP_METHODS) == {"aclose"}


@pytest.mark.parametrize("first", range(len(OWNERSHIP_STOP_METHODS)), ids=OWNERSHIP_STOP_METHODS)
def test_the_most_gentle_method_is_taken(first):
    methods = {name: lambda name=name: name for name in OWNERSHIP_STOP_METHODS[first:]}

    assert resolve_cleanup(Resource(**methods))() == OWNERSHIP_STOP_METHODS[first]


def test_a_method_can_be_named_and_an_empty_name_is_none():
    resource = Resource(stop=lambda: "stop", bye=lambda: "bye")

    assert resolve_cleanup(resource, "bye")() == "bye"
    assert resolve_cleanup(resource, stop_method="")() == "stop"


@pytest.mark.parametrize(
    ("resource", "name", "text"),
    [
        (None, None, "[SPECTER] Cannot resolve cleanup for None"),
        (5, None, f"[SPECTER] Could not resolve cleanup method for int. Tried: {OWNERSHIP_STOP_METHODS}"),
        (5, "bye", "[SPECTER] Could not resolve cleanup method for int. Tried: ['bye']"),
    ],
    ids=["nothing", "any", "named"],
)
def test_without_a_method_the_error_says_what_was_tried(resource, name, text):
    with pytest.raises(TypeError) as found:
        resolve_cleanup(resource, name)

    assert str(found.value) == text


def test_cleanups_run_last_first_and_once():
    log, cleanups = [], Cleanups()
    cleanups.add(lambda: log.append(1))
    cleanups.add(lambda: log.append(2))
    cleanups.add("no function")
    cleanups.append(lambda: log.append(3))
    cleanups.run("handler 'a'")
    cleanups.run("handler 'a'")

    assert log == [3, 2, 1]
    assert cleanups == []


def test_a_cleanup_that_fails_is_logged_and_the_others_run(caplog):
    log, cleanups = [], Cleanups()
    cleanups.add(lambda: log.append("ran"))
    cleanups.add(lambda: 1 / 0)
    cleanups.run("handler 'a'")

    assert log == ["ran"]
    assert caplog.messages == ["[SPECTER] Failed to run cleanup for handler 'a': division by zero"]
    assert caplog.records[0].levelname == "WARNING"
    assert caplog.records[0].exc_info


def test_a_resource_is_ended():
    log, owner = [], Router("r")
    resource = Resource(close=lambda: log.append("closed"), bye=lambda: log.append("bye"))

    assert owner.own(resource) is resource
    assert owner.own(resource, "bye") is resource
    assert owner.own(None) is None
    owner.teardown()
    assert log == ["bye", "closed"]


def test_a_coroutine_function_is_refused():
    async def waits():
        """Do nothing."""

    with pytest.raises(TypeError, match="a cleanup must be a plain function on gevent"):
        Router("r").own(Resource(stop=waits))
