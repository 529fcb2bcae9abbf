"""The event bus."""

import gevent
from observing import Part, dies, differs, raised, tried

from specter import EventBus, Service, bus


class Ear:
    def __init__(self):
        self.heard = []

    def hear(self, data):
        self.heard.append(data)


def a_listener_gets_the_data():
    heard = []
    gives = bus.on("a", heard.append)
    answer = bus.emit("a", {"x": 1})

    return heard, answer, callable(gives)


def data_is_none_when_it_is_left_out():
    heard = []
    bus.on("a", heard.append)
    bus.emit("a")

    return heard


def what_is_not_callable_is_refused():
    return raised(bus.on, "a", "no function"), raised(bus.on, "a", None), bus.listener_count()


@differs(
    "Listeners are called in the order of a set.",
    ours=[True, True],
)
def listeners_are_called_in_the_order_of_subscription():
    called = []
    fns = [lambda data, i=i: called.append(i) for i in range(40)]
    for fn in fns:
        bus.on("forth", fn)
    for fn in reversed(fns):
        bus.on("back", fn)
    bus.emit("forth")
    forth = called == sorted(called)
    called.clear()
    bus.emit("back")

    return forth, called == sorted(called, reverse=True)


def one_function_subscribed_twice_is_called_once():
    heard = []
    bus.on("a", heard.append)
    bus.on("a", heard.append)
    bus.emit("a", 1)

    return heard, bus.listener_count("a")


def one_of_two_subscriptions_of_one_function_ends():
    heard = []
    first, second = bus.on("a", heard.append), bus.on("a", heard.append)
    first()
    bus.emit("a", 1)
    after_first = list(heard), bus.listener_count("a")
    second()
    bus.emit("a", 2)

    return *after_first, heard, bus.listener_count("a")


@differs(
    "A function that a service listens with is silenced when another one with it stops, or unsubscribes.",
    ours=[["x"], False],
)
def two_services_listen_with_one_function():
    heard = []
    first, second = Service("first").start(), Service("second").start()
    first.listen("a", heard.append)
    second.listen("a", heard.append)
    first.stop()
    bus.emit("a", "x")
    second.stop()

    return heard, bus.has_listeners("a")


def equal_bound_methods_are_one_listener():
    ear = Ear()
    bus.on("a", ear.hear)
    bus.on("a", ear.hear)
    bus.emit("a", 1)
    bus.off("a", ear.hear)
    bus.emit("a", 2)

    return ear.heard


def off_takes_a_listener_away():
    heard = []
    bus.on("a", heard.append)
    gives = bus.off("a", heard.append)
    bus.emit("a", 1)

    return heard, gives, bus.has_listeners("a")


def off_ignores_what_it_does_not_know():
    return bus.off("a", print), bus.on("a", print)(), bus.off("a", len), bus.listener_count()


def unsubscribing_twice_does_nothing_more():
    heard = []
    other = bus.on("a", heard.append)
    mine = bus.on("a", lambda data: None)
    gives = mine(), mine()
    bus.emit("a", 1)
    other()

    return gives, heard


def an_event_without_listeners_leaves_nothing_behind():
    bus.on("a", print)()

    return bus.has_listeners("a"), bus.listener_count("a"), bus.listener_count()


def once_is_called_once():
    heard = []
    gives = bus.once("a", heard.append)
    bus.emit("a", 1)
    bus.emit("a", 2)

    return heard, bus.has_listeners("a"), gives()


def once_is_gone_before_it_is_called():
    heard = []

    def again(data):
        heard.append(data)
        if len(heard) < 3:
            bus.emit("a", data + 1)

    bus.once("a", again)
    bus.emit("a", 1)

    return heard


def once_is_gone_after_an_error():
    bus.once("a", dies("no"))
    bus.emit("a")

    return bus.has_listeners("a")


def once_can_be_unsubscribed():
    heard = []
    bus.once("a", heard.append)()
    bus.emit("a", 1)

    return heard, bus.listener_count()


@differs("`off()` does not find what `once()` has subscribed.", ours=[[], False])
def off_takes_a_once_away():
    heard = []
    bus.once("a", heard.append)
    bus.off("a", heard.append)
    bus.emit("a", 1)

    return heard, bus.has_listeners("a")


def an_error_keeps_no_other_from_hearing():
    heard = []
    bus.on("a", dies("no"))
    bus.on("a", heard.append)
    bus.on("a", dies("no"))

    return bus.emit("a", 1), heard, bus.listener_count("a")


def a_listener_added_during_an_emit_waits_for_the_next():
    heard = []

    def adds(data):
        bus.on("a", heard.append)

    bus.on("a", adds)
    bus.emit("a", 1)
    first = list(heard)
    bus.emit("a", 2)

    return first, heard


def a_listener_removed_during_an_emit_still_hears_it():
    heard = []

    def hears(data):
        heard.append(data)
        bus.off("a", hears)
        bus.off("a", also_hears)

    def also_hears(data):
        heard.append(data)
        bus.off("a", hears)
        bus.off("a", also_hears)

    bus.on("a", hears)
    bus.on("a", also_hears)
    bus.emit("a", 1)
    bus.emit("a", 2)

    return heard


def emits_nest():
    log = []
    bus.on("inner", lambda data: log.append("inner"))

    def outer(data):
        log.append("outer begins")
        bus.emit("inner")
        log.append("outer ends")

    bus.on("outer", outer)
    bus.emit("outer")

    return log


def a_listener_runs_in_the_greenlet_that_emits():
    seen = []
    bus.on("a", lambda data: seen.append(gevent.getcurrent()))
    greenlet = gevent.spawn(bus.emit, "a")
    greenlet.join()

    return seen == [greenlet]


def a_killed_listener_ends_the_emit():
    def exits(data):
        raise gevent.GreenletExit

    bus.on("a", exits)
    greenlet = gevent.spawn(bus.emit, "a")
    greenlet.join()

    return type(greenlet.value).__name__


def clear_takes_one_event_or_all():
    for event in ("a", "b", "c"):
        bus.on(event, print)
    bus.clear("a")
    counts = [bus.listener_count(event) for event in ("a", "b", "c", None)]
    bus.clear("unknown")
    bus.clear()

    return counts, bus.listener_count()


@differs(
    '`clear("")` clears all events, and `listener_count("")` counts all.',
    ours=[[1], 1],
)
def clear_of_an_empty_name():
    heard = []
    bus.on("a", heard.append)
    bus.on("", print)
    bus.clear("")
    bus.emit("a", 1)

    return heard, bus.listener_count()


def listeners_are_counted():
    bus.on("a", print)
    bus.on("a", len)
    bus.on("b", print)

    return bus.listener_count(), bus.listener_count("a"), bus.listener_count("c"), bus.has_listeners("c")


def another_bus_is_another_bus():
    heard = []
    other = EventBus()
    other.on("a", heard.append)
    bus.emit("a", 1)
    other.emit("a", 2)

    return heard


@differs(
    '`"a:*"` is a name as others are.',
    ours=[[1, 2], True],
)
def a_star_hears_a_prefix():
    heard = []
    bus.on("a:*", heard.append)
    bus.emit("a:b", 1)
    bus.emit("a:c", 2)
    bus.emit("b:c", 3)

    return heard, bus.has_listeners("a:b")


def an_unsubscribe_ends_a_later_subscription_too():
    unsubscribe = bus.on("a", print)
    unsubscribe()
    bus.on("a", print)
    before = bus.listener_count("a")
    unsubscribe()

    return [before, bus.listener_count("a")]


def either_unsubscribe_ends_what_was_subscribed_twice():
    bus.on("a", print)
    unsubscribe = bus.on("a", print)
    unsubscribe()

    return bus.listener_count("a")


@differs('`clear("")` clears all events, and `listener_count("")` counts all.', ours=[1, 1, 1, 1])
def empty_names_are_names():
    bus.on("", print)
    bus.on(0, print)
    bus.on("a", print)
    counted = bus.listener_count(""), bus.listener_count(0)
    bus.clear(0)

    return [*counted, bus.listener_count("a"), bus.listener_count("")]


@differs(
    "What cannot be called is taken for a callback, and fails at each call, which is logged.",
    ours=["TypeError", "[SPECTER:bus] once('a'): callback must be callable, got int"],
)
def once_with_what_cannot_be_called():
    return tried(bus.once, "a", 3)


@differs(
    "A function that a service listens with is silenced when another one with it stops, or unsubscribes.", ours=[1, 0]
)
def a_listener_of_a_service_that_somebody_else_has_too():
    service, unsubscribe = Part().start(), bus.on("a", print)
    service.listen("a", print)
    unsubscribe()
    before = bus.listener_count("a")
    service.stop()

    return [before, bus.listener_count("a")]
