"""The bus: who hears what, in which order."""

import anyio
import pytest
from anyio.lowlevel import checkpoint

from specter import Runtime

# Subscribing.


async def test_a_listener_hears_the_data(events):
    heard = []
    events.on("event", heard.append)
    await events.emit("event", 1)
    events.emit_nowait("event", 2)
    await events.emit("event")
    await events.emit("other", 3)

    assert heard == [1, 2, None]


async def test_listeners_hear_in_the_order_of_subscription(events):
    heard = []
    for number in range(5):
        events.on("event", lambda data, number=number: heard.append(number))
    events.emit_nowait("event")

    assert heard == [0, 1, 2, 3, 4]


async def test_a_function_subscribed_twice_is_called_once_until_both_have_ended(events):
    heard = []
    first, second = events.on("event", heard.append), events.on("event", heard.append)
    events.emit_nowait("event", 1)
    first()
    first()
    events.emit_nowait("event", 2)
    second()
    events.emit_nowait("event", 3)

    assert heard == [1, 2]


async def test_bound_methods_of_one_object_are_one_function(events):
    class Hearing:
        def __init__(self):
            self.heard = []

        def hear(self, data):
            self.heard.append(data)

    one, two = Hearing(), Hearing()
    for hearing in (one, one, two):
        events.on("event", hearing.hear)
    events.emit_nowait("event", 1)
    events.off("event", one.hear)
    events.emit_nowait("event", 2)

    assert (one.heard, two.heard) == ([1], [1, 2])


async def test_off_ends_all_subscriptions_of_a_function(events):
    heard = []
    unsubscribe = events.on("event", heard.append)
    events.once("event", heard.append)
    events.off("event", heard.append)
    events.off("event", heard.append)
    events.off("unknown", print)
    unsubscribe()
    events.emit_nowait("event", 1)

    assert heard == []
    assert not events.has_listeners("event")


async def test_clear_ends_those_of_one_event_or_all(events):
    heard = []
    for event in ("a", "b", "c:*"):
        events.on(event, heard.append)
    events.clear("a")
    events.clear("unknown")
    assert events.listener_count() == 2
    events.clear("c:*")
    assert events.listener_count() == 1
    events.clear()
    for event in ("a", "b", "c:1"):
        events.emit_nowait(event, 1)

    assert heard == []
    assert events.listener_count() == 0


async def test_counting(events):
    events.on("a", print)
    events.on("a:b", print)
    events.on("a:*", repr)

    assert events.listener_count() == 3
    assert events.listener_count("a") == 1
    assert events.listener_count("a:b") == 2
    assert events.listener_count("a:c") == 1
    assert events.has_listeners("a:c")
    assert not events.has_listeners("b")


@pytest.mark.parametrize("fn", [None, 1, "name"])
def test_what_cannot_be_called_cannot_listen(events, fn):
    for subscribe in (events.on, events.once):
        with pytest.raises(TypeError, match="a listener must be callable, got"):
            subscribe("event", fn)


@pytest.mark.parametrize("event", [None, 1, ""])
async def test_an_event_is_a_name(events, event):
    with pytest.raises(TypeError, match="an event must be a non-empty string, got"):
        events.on(event, print)
    with pytest.raises(TypeError, match="an event must be a non-empty string, got"):
        events.emit_nowait(event)
    with pytest.raises(TypeError, match="an event must be a non-empty string, got"):
        await events.emit(event)


def test_an_emit_that_nobody_hears_does_nothing_even_without_a_loop(events):
    events.emit_nowait("event", 1)


def test_without_a_loop_plain_listeners_hear(events):
    heard = []
    events.on("event", heard.append)
    events.emit_nowait("event", 1)

    assert heard == [1]


async def test_a_listener_of_a_loop_that_is_gone_hears_at_once(events):
    heard = []

    async def subscribe():
        events.on("event", heard.append)

    await anyio.to_thread.run_sync(anyio.run, subscribe)
    events.emit_nowait("event", 1)

    assert heard == [1]


# Changes during an emit.


async def test_who_comes_or_goes_during_an_emit_counts_from_the_next(events):
    heard = []

    def change(data):
        heard.append(("change", data))
        events.off("event", leaving)
        events.on("event", coming)

    def leaving(data):
        heard.append(("leaving", data))

    def coming(data):
        heard.append(("coming", data))

    events.on("event", change)
    events.on("event", leaving)
    events.emit_nowait("event", 1)
    assert heard == [("change", 1), ("leaving", 1)]
    events.emit_nowait("event", 2)
    assert heard[2:] == [("change", 2), ("coming", 2)]


@pytest.mark.parametrize("nowait", [True, False])
async def test_a_coroutine_listener_removed_during_an_emit_still_hears_it(events, nowait):
    heard = []

    async def leaving(data):
        heard.append(data)

    async with Runtime():
        events.on("event", lambda data: events.off("event", leaving))
        events.on("event", leaving)
        events.emit_nowait("event", 1) if nowait else await events.emit("event", 1)
        await anyio.wait_all_tasks_blocked()
        events.emit_nowait("event", 2)
        await anyio.wait_all_tasks_blocked()

    assert heard == [1]


async def test_emits_nest(events):
    heard = []

    def outer(data):
        heard.append(f"outer {data}")
        if data < 2:
            events.emit_nowait("event", data + 1)
        heard.append(f"outer {data} done")

    events.on("event", outer)
    events.on("event", lambda data: heard.append(f"inner {data}"))
    events.emit_nowait("event", 1)

    assert heard == ["outer 1", "outer 2", "outer 2 done", "inner 2", "outer 1 done", "inner 1"]


# once.


async def test_once_hears_one_event(events):
    heard = []
    events.once("event", heard.append)
    for number in range(3):
        events.emit_nowait("event", number)

    assert heard == [0]
    assert not events.has_listeners("event")


async def test_once_is_spent_before_it_is_called(events):
    heard = []

    def hear(data):
        heard.append(data)
        events.emit_nowait("event", data + 1)

    events.once("event", hear)
    events.emit_nowait("event", 1)

    assert heard == [1]


async def test_once_can_be_ended_before_and_after(events):
    heard = []
    early, late = events.once("event", heard.append), events.once("event", print)
    early()
    events.emit_nowait("event", 1)
    late()

    assert heard == []


async def test_a_function_that_listens_once_and_for_good_goes_on(events):
    heard = []
    events.once("event", heard.append)
    events.on("event", heard.append)
    for number in range(3):
        events.emit_nowait("event", number)

    assert heard == [0, 1, 2]


async def test_a_coroutine_function_hears_once(events):
    heard = []

    async def hear(data):
        await checkpoint()
        heard.append(data)

    events.once("event", hear)
    await events.emit("event", 1)
    await events.emit("event", 2)
    async with Runtime():
        events.once("event", hear)
        events.emit_nowait("event", 3)
        events.emit_nowait("event", 4)
        await anyio.wait_all_tasks_blocked()

    assert heard == [1, 3]


# Prefixes.


@pytest.mark.parametrize(
    ("listener", "event", "hears"),
    [
        ("a:*", "a:b", True),
        ("a:*", "a:", True),
        ("a:*", "a:b:c", True),
        ("a:*", "a", False),
        ("a:*", "ab:c", False),
        ("a:b:*", "a:b:c", True),
        ("a:b:*", "a:c", False),
        ("*", "anything", True),
        ("a", "a:b", False),
    ],
)
async def test_prefixes(events, listener, event, hears):
    heard = []
    events.on(listener, heard.append)
    events.emit_nowait(event, 1)

    assert bool(heard) == hears
    assert events.has_listeners(event) == hears


async def test_prefixes_and_names_are_heard_in_the_order_of_subscription(events):
    heard = []
    for number, event in enumerate(("a:*", "a:b", "*", "a:b", "a:*")):
        events.on(event, lambda data, number=number: heard.append(number))
    events.emit_nowait("a:b")

    assert heard == [0, 1, 2, 3, 4]


async def test_a_prefix_that_comes_or_goes_is_noticed(events):
    heard = []
    events.on("a:b", lambda data: heard.append("name"))
    events.emit_nowait("a:b")
    unsubscribe = events.on("a:*", lambda data: heard.append("prefix"))
    events.emit_nowait("a:b")
    events.on("a:b", lambda data: heard.append("late"))
    events.emit_nowait("a:b")
    unsubscribe()
    events.emit_nowait("a:b")

    assert heard == ["name", "name", "prefix", "name", "prefix", "late", "name", "late"]


async def test_a_function_that_hears_by_name_and_by_prefix_is_called_once(events):
    heard = []
    events.on("a:*", heard.append)
    events.on("a:b", heard.append)
    events.emit_nowait("a:b", 1)

    assert heard == [1]
