"""What is done once for each object, or seldom: where our twin may take longer, for what that buys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.cases import Case
from benchmarks.run import Run, expect

TITLE = "what is done once for each object, or seldom, on gevent"

ROUNDS = 50
MANY = 300

Prepared = tuple[Callable[[], object], Callable[[], object]]
"""The work, and what ends what it has begun; the latter is not timed, and true if the work was done."""


def seldom(title: str) -> Callable[[Callable[[int], Prepared]], Case]:
    """Decorate a function that prepares so many of something, and is prepared anew for each of the rounds."""

    def add(prepare: Callable[[int], Prepared]) -> Case:
        case = Case(title)

        @case.on_gevent
        def _(run: Run) -> float:
            many = run.count(MANY, 3)
            return min(once(run, prepare, many) for _ in range(run.count(ROUNDS, 1)))

        return case

    return add


def once(run: Run, prepare: Callable[[int], Prepared], many: int) -> float:
    """The time for each in one round."""
    work, end = prepare(many)
    with run.cpu() as spent:
        work()
    expect(bool(end()), True, "the work")
    return spent.each(many)


def for_each(fn: Callable[..., Any], many: int, *args: Any) -> Callable[[], object]:
    """Call it so often."""

    def work() -> None:
        for _ in range(many):
            fn(*args)

    return work


def comes_and_goes(subscribe: Callable[..., Any], cause: Callable[[], object], many: int) -> Prepared:
    """Subscribe, and end it, so often: none of them hears what is caused then, and one that is not ended does."""
    ended: list[object] = []
    stays: list[object] = []

    def hear(*args: Any) -> None:
        ended.append(args)

    def end() -> bool:
        subscribe(lambda *args: stays.append(args))
        cause()
        return len(stays) == 1 and not ended

    return for_each(lambda: subscribe(hear)(), many), end


def started() -> Any:
    """A service that runs."""
    from specter import Service

    service = Service("measured")
    service.start()
    return service


@seldom("emit that nobody hears")
def UNHEARD(many: int) -> Prepared:
    from specter import EventBus

    bus, heard = EventBus(), []
    bus.on("another event", heard.append)

    def end() -> bool:
        bus.emit("another event", 2)
        return heard == [2]

    return for_each(bus.emit, many, "event", 1), end


@seldom("bus.on")
def ON(many: int) -> Prepared:
    from specter import EventBus

    bus, ends = EventBus(), []
    return for_each(lambda: ends.append(bus.on("event", lambda data: None)), many), lambda: len(ends) == many


@seldom("bus.on, and the end of it")
def ON_AND_END(many: int) -> Prepared:
    from specter import EventBus

    bus = EventBus()
    return comes_and_goes(lambda hear: bus.on("event", hear), lambda: bus.emit("event", 1), many)


@seldom("bus.once, and its emit")
def ONCE(many: int) -> Prepared:
    from specter import EventBus

    bus, heard = EventBus(), []

    def work() -> None:
        bus.once("event", lambda data: heard.append(data))
        bus.emit("event", 1)

    return for_each(work, many), lambda: len(heard) == many


@seldom("Service.listen")
def LISTEN(many: int) -> Prepared:
    service, heard = started(), []

    def end() -> bool:
        service.emit("event", 1)
        service.stop()
        return len(heard) == many

    return for_each(lambda: service.listen("event", lambda data: heard.append(data)), many), end


@seldom("the end of a listener with its service")
def LISTENER_ENDS(many: int) -> Prepared:
    service, heard = started(), []
    for number in range(many):
        service.listen(f"event {number}", heard.append)

    def emit_all() -> None:
        for number in range(many):
            service.emit(f"event {number}", number)

    def end() -> bool:
        emit_all()
        return len(heard) == many

    emit_all()
    return service.stop, end


@seldom("add_cleanup")
def ADD_CLEANUP(many: int) -> Prepared:
    service, called = started(), []

    def end() -> bool:
        service.stop()
        return len(called) == many

    return for_each(service.add_cleanup, many, lambda: called.append(1)), end


@seldom("a cleanup, called by the stop of its service")
def CLEANUP(many: int) -> Prepared:
    service, called = started(), []
    for _ in range(many):
        service.add_cleanup(lambda: called.append(1))
    return service.stop, lambda: len(called) == many


@seldom("stop of a child with its parent")
def CHILD(many: int) -> Prepared:
    from specter import Service

    service, children = started(), [Service("child") for _ in range(many)]
    for child in children:
        service.adopt(child)
    expect(all(child.running for child in children), True, "children that run")
    return service.stop, lambda: not any(child.running for child in children)


@seldom("Service.subscribe, and the end of it")
def SERVICE_SUBSCRIBE(many: int) -> Prepared:
    service = started()
    return comes_and_goes(service.subscribe, lambda: service.set_state({"key": 1}), many)


@seldom("Store.subscribe, and the end of it")
def STORE_SUBSCRIBE(many: int) -> Prepared:
    from specter import Store

    store = Store("measured", {"key": 1})
    return comes_and_goes(store.subscribe, lambda: store.set({"key": 2}), many)


@seldom("Store.update, with a subscriber")
def STORE_UPDATE(many: int) -> Prepared:
    from specter import Store

    store, heard = Store("measured", {"key": 0}), []
    store.subscribe(lambda *args: heard.append(1))

    def add(draft: dict[str, int]) -> None:
        draft["key"] += 1

    return for_each(store.update, many, add), lambda: store.get("key") == len(heard) == many


@seldom("making a Cache")
def CACHE(many: int) -> Prepared:
    from specter import Cache

    made: list[object] = []
    return for_each(lambda: made.append(Cache("measured")), many), lambda: len(made) == many


@seldom("Cache.set with a ttl")
def CACHE_SET(many: int) -> Prepared:
    from specter import Cache

    cache = Cache("measured")
    return for_each(cache.set, many, 1, 5), lambda: cache.get() == 1


@seldom("get_or_compute of what is not there")
def MISS(many: int) -> Prepared:
    from specter import Cache

    cache, computed = Cache("measured", ttl=600), []

    def work() -> None:
        cache.set(None)
        cache.get_or_compute(lambda: computed.append(1) or 1)

    return for_each(work, many), lambda: len(computed) == many


@seldom("ingress.subscribe, and the end of it")
def INGRESS(many: int) -> Prepared:
    from specter import SocketIngress

    ingress = SocketIngress()
    return comes_and_goes(lambda hear: ingress.subscribe("message", hear), lambda: ingress.dispatch("message", 1), many)


@seldom("making a Schema of eight fields")
def SCHEMA(many: int) -> Prepared:
    from specter import Field, Schema

    fields, made = {name: Field(int) for name in "abcdefgh"}, []
    return for_each(lambda: made.append(Schema("measured", fields)), many), lambda: len(made) == many


@seldom("making a Field")
def FIELD(many: int) -> Prepared:
    from specter import Field

    made: list[object] = []
    return for_each(lambda: made.append(Field(str, required=True)), many), lambda: len(made) == many


@seldom("making a Model")
def MODEL(many: int) -> Prepared:
    from specter import Model

    made: list[object] = []
    return for_each(lambda: made.append(Model("measured", {"a": {"b": 1}})), many), lambda: len(made) == many


@seldom("register_service")
def REGISTER(many: int) -> Prepared:
    from specter import Service, ServiceManager

    manager, services = ServiceManager(), [Service(f"service {number}") for number in range(many)]

    def work() -> None:
        for service in services:
            manager.register_service(service)

    return work, lambda: len(manager.health()["services"]) == many
