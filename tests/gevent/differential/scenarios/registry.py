"""The registry."""

import gevent
from observing import Part, differs, raised, soon, tried, turns

from specter import SPECTERRegistry, registry


def provide_gives_the_value():
    value = object()

    return registry.provide("a", value) is value, registry.resolve("a") is value, registry.require("a") is value


def a_key_that_is_taken():
    registry.provide("a", 1)

    return (
        raised(registry.provide, "a", 2),
        registry.resolve("a"),
        registry.provide("a", 3, replace=True),
        registry.list(),
    )


def keys_are_stripped():
    registry.provide("  a ", 1)

    return registry.list(), registry.has(" a"), registry.resolve("a "), registry.unregister("\ta\n"), registry.list()


def a_key_must_be_a_text_with_something_in_it():
    calls = (registry.resolve, registry.require, registry.has, registry.unregister, registry.wait_for)

    return [raised(registry.provide, "", 1), raised(registry.provide, None, 1)] + [raised(call, "  ") for call in calls]


def require_lists_what_there_is():
    registry.provide("b", 1)
    registry.provide("a", 2)

    return raised(registry.require, "c"), registry.resolve("c"), registry.has("c")


def require_in_an_empty_registry():
    return raised(registry.require, "c")


def list_is_in_order_and_a_copy():
    for key in ("c", "a", "b"):
        registry.provide(key, 1)
    registry.list().clear()
    registry.provide("a", 2, replace=True)

    return registry.list()


def unregister_tells_whether_there_was_one():
    registry.provide("a", 1)

    return registry.unregister("a"), registry.unregister("a"), registry.resolve("a")


@differs(
    "A provided `None` is there for `has()` and `list()`, and missing for `require()`.",
    ours=[True, None, None],
)
def none_is_a_value():
    registry.provide("a", None)

    return registry.has("a"), registry.resolve("a"), tried(registry.require, "a")


def false_and_empty_values_are_values():
    registry.provide("false", False)
    registry.provide("list", [])

    return registry.require("false"), registry.require("list"), registry.wait_for("false")


def an_owner_takes_its_entries_along():
    owner = Part().start()
    registry.provide("a", 1, owner=owner)
    registry.provide("b", 2)
    owner.stop()

    return registry.list()


def an_owner_that_does_not_run_yet():
    owner = Part()
    registry.provide("a", 1, owner=owner)
    cleanups = len(owner._cleanups)
    owner.start()
    during = registry.has("a")
    owner.stop()

    return cleanups, during, registry.has("a")


def an_owner_that_cannot_own():
    class Named:
        add_cleanup = "no method"

    return raised(registry.provide, "a", 1, owner=object()), raised(registry.provide, "a", 1, Named()), registry.list()


@differs(
    "The stop of a former owner unregisters what has replaced its entry.",
    ours=["new", None],
)
def a_replacement_outlives_the_former_owner():
    first, second = Part().start(), Part().start()
    registry.provide("a", "old", owner=first)
    registry.provide("a", "new", owner=second, replace=True)
    first.stop()
    after_first = registry.resolve("a")
    second.stop()

    return after_first, registry.resolve("a")


def an_owner_whose_entry_is_gone_already():
    owner = Part().start()
    registry.provide("a", 1, owner=owner)
    registry.unregister("a")

    return owner.stop() is owner, registry.list()


def an_owner_stops_after_a_clear():
    owner = Part().start()
    registry.provide("a", 1, owner=owner)
    registry.clear()

    return owner.stop() is owner, owner.running


def wait_for_what_is_there():
    registry.provide("a", 1)

    return registry.wait_for("a"), registry.wait_for("a", timeout=0), registry.wait_for(" a ", 1)


def wait_for_what_comes():
    waiting = [gevent.spawn(registry.wait_for, "a", 5) for _ in range(3)]
    turns()
    waiters = len(registry._waiters["a"])
    registry.provide("a", "value")
    gevent.joinall(waiting)

    return waiters, [greenlet.value for greenlet in waiting], registry._waiters


def wait_for_in_vain():
    return raised(registry.wait_for, "a", timeout=0.01), raised(registry.wait_for, "a", 0), registry._waiters


def one_waiter_gives_up_and_another_waits_on():
    patient = gevent.spawn(registry.wait_for, "a", 5)
    error = raised(registry.wait_for, "a", 0.01)
    registry.provide("a", 1)

    return error[0], patient.get(), registry._waiters


def a_waiter_gets_what_is_unregistered_at_once():
    waiting = gevent.spawn(registry.wait_for, "a", 5)
    turns()
    registry.provide("a", 1)
    registry.unregister("a")

    return waiting.get(timeout=5)


def clear_takes_all_and_tells_waiters():
    registry.provide("a", 1)
    waiting = gevent.spawn(raised, registry.wait_for, "b", 5)
    turns()
    registry.clear()

    return registry.list(), waiting.get(timeout=5), registry._waiters


def a_killed_waiter_leaves_nothing_behind():
    waiting = gevent.spawn(registry.wait_for, "a")
    turns()
    waiting.kill()

    return registry._waiters, registry.provide("a", 1)


@differs(
    "A `gevent.Timeout` round `wait_for()` becomes a `TimeoutError`.",
    ours=["outer", {}],
)
def a_timeout_around_wait_for_is_not_its_own():
    told = "nothing"
    with gevent.Timeout(0.01, False) as outer:
        try:
            registry.wait_for("a", timeout=5)
        except TimeoutError:
            told = "TimeoutError"
        except gevent.Timeout as timeout:
            told = "outer" if timeout is outer else "another"

    return told, registry._waiters


def a_service_waits_for_another():
    log = []

    class Needs(Part):
        def on_start(self):
            self.spawn(lambda: log.append(registry.wait_for("later", timeout=5)))

    needs = Needs().start()
    turns()
    registry.provide("later", "there")
    soon(lambda: log)
    needs.stop()

    return log


def another_registry_is_another_one():
    other = SPECTERRegistry()
    other.provide("a", 1)

    return registry.has("a"), other.list()


def it_can_be_used_while_a_waiter_is_told():
    def waits():
        registry.wait_for("a")
        registry.provide("b", 1)

    waiting = gevent.spawn(waits)
    turns()
    registry.provide("a", 1)
    waiting.join(timeout=5)

    return registry.list()


def entries_are_kept_in_dicts():
    registry.provide("a", 1)

    return registry._entries, registry._waiters
