"""Caches."""

import time
from unittest.mock import patch

import gevent
from observing import Part, dies, differs, raised, returns, soon, turns

from specter import Cache, bus, create_cache


def a_new_cache():
    cache = create_cache("c")

    return (
        cache.name,
        cache.ttl,
        cache.get(),
        cache.get(5),
        cache.is_valid(),
        cache.updated_at,
        isinstance(cache, Cache),
    )


def how_long_values_live():
    return [create_cache("c", ttl=ttl).ttl for ttl in (0, 5, 2.5, None, -3, "7")], raised(create_cache, "c", "long")[0]


def set_and_get():
    cache, value = create_cache("c"), {"a": [1]}
    gives = cache.set(value)

    return gives, cache.get() is value, cache.is_valid(), cache.get("default") is value


def a_value_expires():
    cache = create_cache("c", ttl=0.1)
    took = 0.1
    while took >= 0.1:  # on a machine that was away meanwhile
        began = time.monotonic()
        cache.set("value")
        fresh = cache.get(), cache.is_valid()
        took = time.monotonic() - began
    gevent.sleep(0.12)

    return fresh, cache.is_valid(), cache.get("gone"), cache.updated_at


def a_time_of_ones_own_for_one_value():
    cache = create_cache("c", ttl=60)
    cache.set("short", ttl=0.01)
    gevent.sleep(0.03)
    gone = cache.get()
    cache.set("long")
    gevent.sleep(0.03)

    return gone, cache.get(), cache.ttl


def a_value_may_live_for_ever():
    cache = create_cache("c", ttl=0.01)
    cache.set("value", ttl=0)
    gevent.sleep(0.03)

    return cache.get(), raised(cache.set, "value", ttl="long")[0]


def updated_at_is_the_moment_of_the_last_set():
    cache = create_cache("c")
    cache.set("value")
    of_today = abs(cache.updated_at - time.time()) < 60
    cache.invalidate()

    return of_today, cache.updated_at


def none_is_no_value():
    cache = create_cache("c")
    cache.set(None)

    return cache.get("default"), cache.is_valid()


def false_and_empty_values_are_values():
    cache = create_cache("c")
    cache.set(0)

    return cache.get("default"), cache.is_valid(), cache.get_or_compute(lambda: 5)


def a_value_is_computed_once():
    calls = []
    cache = create_cache("c")

    def factory():
        calls.append(1)
        return "value"

    return cache.get_or_compute(factory), cache.get_or_compute(factory), cache.get(), len(calls)


def a_computed_none_is_computed_again():
    calls = []
    cache = create_cache("c")

    return (
        cache.get_or_compute(lambda: calls.append(1)),
        cache.get_or_compute(lambda: calls.append(1)),
        len(calls),
        cache.is_valid(),
    )


def a_computed_value_expires():
    cache = create_cache("c", ttl=60)
    cache.get_or_compute(lambda: "old", ttl=0.01)
    gevent.sleep(0.03)

    return cache.get_or_compute(lambda: "new"), cache.get()


def one_greenlet_computes_for_all():
    calls = []
    cache = create_cache("c")

    def factory():
        calls.append(1)
        gevent.sleep(0.01)
        return len(calls)

    asking = [gevent.spawn(cache.get_or_compute, factory) for _ in range(5)]
    gevent.joinall(asking)

    return [greenlet.value for greenlet in asking], len(calls)


def a_failure_is_its_callers_alone():
    answers = ["fails", "value"]
    cache = create_cache("c")

    def factory():
        gevent.sleep(0.005)
        answer = answers.pop(0)
        if answer == "fails":
            raise ValueError("no")
        return answer

    def asks():
        try:
            return cache.get_or_compute(factory)
        except ValueError as error:
            return str(error)

    asking = [gevent.spawn(asks) for _ in range(3)]
    gevent.joinall(asking)

    return [greenlet.value for greenlet in asking], cache.get(), raised(create_cache("d").get_or_compute, dies("no"))


@differs(
    "A factory that reads or asks its own cache stands still for ever.",
    ours=[True, "RuntimeError"],
)
def a_factory_that_asks_its_own_cache():
    told = []
    cache = create_cache("c")

    def factory():
        told.append(raised(cache.get_or_compute, lambda: 1)[0])
        return "value"

    return returns(cache.get_or_compute, factory), told[0] if told else "nothing"


@differs("A factory that reads or asks its own cache stands still for ever.", ours=[True, [None, False]])
def a_factory_that_reads_its_own_cache():
    told = []
    cache = create_cache("c")

    return returns(cache.get_or_compute, lambda: told.extend([cache.get(), cache.is_valid()]) or "value"), told


def another_cache_may_be_asked_in_a_factory():
    inner, outer = create_cache("inner"), create_cache("outer")

    return outer.get_or_compute(lambda: inner.get_or_compute(lambda: 1) + 1), inner.get(), outer.get()


def a_value_that_is_invalidated_while_it_is_computed_is_not_kept():
    cache = create_cache("c")

    def factory():
        gevent.sleep(0.01)
        return "value"

    asking = gevent.spawn(cache.get_or_compute, factory)
    turns(1)
    invalidating = gevent.spawn(cache.invalidate)
    gevent.joinall([asking, invalidating])

    return asking.value, cache.get()


@differs("Every reader of a cache waits for a computation that runs.", ours=["at once"])
def readers_do_not_wait_for_a_computation():
    cache, log = create_cache("c"), []

    def factory():
        gevent.sleep(0.05)
        log.append("computed")
        return "value"

    asking = gevent.spawn(cache.get_or_compute, factory)
    turns(1)
    reading = gevent.spawn(lambda: log.append("at once") if cache.get() is None else log.append("waited"))
    gevent.joinall([asking, reading])

    return log[:1]


def invalidate_clears_calls_and_emits():
    log = []
    cache = create_cache("c")
    cache.set("value")
    cache.on_invalidate(lambda: log.append(("first", cache.get())))
    cache.on_invalidate(lambda: log.append("second"))
    bus.on("c:invalidated", lambda data: log.append(("bus", data)))
    gives = cache.invalidate()

    return gives, log, cache.get(), cache.is_valid()


def invalidate_of_an_empty_cache_tells_all_the_same():
    log = []
    cache = create_cache("c")
    cache.on_invalidate(lambda: log.append("callback"))
    bus.on("c:invalidated", lambda data: log.append("bus"))
    cache.invalidate()

    return log


def a_failing_callback_keeps_no_other_from_being_called():
    log = []
    cache = create_cache("c")
    cache.on_invalidate(dies("no"))
    cache.on_invalidate(lambda: log.append("called"))
    bus.on("c:invalidated", lambda data: log.append("bus"))
    cache.invalidate()

    return log


def one_callback_added_twice_is_called_twice():
    log = []

    def called():
        log.append(1)

    cache = create_cache("c")
    first, _ = cache.on_invalidate(called), cache.on_invalidate(called)
    cache.invalidate()
    gives = first()
    cache.invalidate()
    first()
    first()
    cache.invalidate()

    return log, gives


def caches_follow_events_they_depend_on():
    log = []
    drives = create_cache("drives", depends_on=["storage:mounts"])
    names = create_cache("names", depends_on=("drives:invalidated", "other"))
    for cache in (drives, names):
        cache.set("value")
        cache.on_invalidate(lambda cache=cache: log.append(cache.name))
    bus.emit("storage:mounts", {"any": "data"})
    bus.emit("other")

    return log, drives.get(), names.get()


@differs(
    "Caches that depend on each other invalidate each other to the limit of recursion.",
    ours=[1, 1],
)
def a_cycle_of_dependencies():
    log = []
    first = create_cache("first", depends_on=["second:invalidated"])
    second = create_cache("second", depends_on=["first:invalidated"])
    first.on_invalidate(lambda: log.append("first"))
    second.on_invalidate(lambda: log.append("second"))
    first.invalidate()

    return log.count("first"), log.count("second")


@differs(
    '`depends_on="a:changed"` follows the events `a`, `:`, `c` and so on.',
    ours=[None, 1],
)
def a_text_for_depends_on():
    cache = create_cache("c", depends_on="storage")
    cache.set("value")
    bus.emit("storage")

    return cache.get(), bus.listener_count()


@differs(
    "Values age by the wall clock.",
    ours=["value"],
)
def the_wall_clock_is_set():
    cache = create_cache("c", ttl=60)
    cache.set("value")
    an_hour_on = time.time() + 3600
    with patch("time.time", lambda: an_hour_on):
        # What is the machine's own, where that is looked at.
        with patch("specter.core.cache._clocks", (time.time, time.monotonic), create=True):
            return [cache.get()]


def destroy_takes_it_out_of_everything():
    log = []
    cache = create_cache("c", depends_on=["e"])
    cache.set("value")
    cache.on_invalidate(lambda: log.append("callback"))
    bus.on("c:invalidated", lambda data: log.append("bus"))
    gives = cache.destroy()
    gone = cache.get()
    cache.set("again")
    bus.emit("e")

    return gives, gone, log, cache.get(), bus.has_listeners("e")


def a_destroy_goes_on_when_a_step_fails():
    cache = create_cache("c", depends_on=["a", "b"])
    cache.set("value")
    cache._bus_unsubs.insert(1, dies("no"))

    return cache.destroy(), cache.get(), bus.has_listeners("a"), bus.has_listeners("b"), len(cache._bus_unsubs)


def a_service_owns_a_cache():
    service, cache = Part().start(), create_cache("c")
    cache.set("value")
    service.own(cache)
    service.stop()

    return cache.get()


def how_it_shows():
    cache = create_cache("c", ttl=5)
    empty = repr(cache)
    cache.set("value")

    return empty, repr(cache)


def a_killed_computation_leaves_the_turn_free():
    cache = create_cache("c")
    asking = gevent.spawn(cache.get_or_compute, lambda: gevent.sleep(60))
    turns(1)
    waiting = gevent.spawn(cache.get_or_compute, lambda: "value")
    turns(1)
    asking.kill()

    return soon(waiting.ready), waiting.value
