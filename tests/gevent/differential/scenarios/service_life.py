"""Starting and stopping a service."""

import gevent
from observing import Part, dies, differs, owned, raised, returns, soon, tried, turns

from specter import Service, bus


def a_new_service():
    service = Service("a")

    return service.name, service.state, service.running, service._running, service.priority, owned(service)


def start_gives_the_service_and_runs_the_hook_once():
    part = Part()
    chained = part.start() is part, part.start() is part

    return chained, part.log, part.running


def the_service_runs_while_its_hooks_run():
    seen = []
    part = Part(start=lambda: seen.append(part.running), stop=lambda: seen.append(part.running))
    part.start()
    part.stop()

    return seen, part.running


def stop_gives_the_service_and_runs_the_hook_once():
    part = Part().start()
    chained = part.stop() is part, part.stop() is part

    return chained, part.log, part.running


def stop_of_what_was_never_started():
    part = Part()
    part.add_cleanup(lambda: part.log.append("cleanup"))

    return part.stop() is part, part.log, owned(part)


def a_failing_start_raises_and_the_service_does_not_run():
    part = Part(start=dies("no disk"))

    return raised(part.start), part.running, part.log


@differs(
    "A start that fails leaves its timers, listeners, children and greenlets behind, of a service that does not run.",
    ours=[["ValueError", "no"], {"cleaned": True, "heard": [], "left": 0, "child runs": False}],
)
def a_failing_start_releases_what_it_acquired():
    heard, cleaned, child = [], [], Service("child")

    class Fails(Service):
        def on_start(self):
            self.interval(lambda: heard.append("tick"), 0.01)
            self.spawn(gevent.sleep, 10)
            self.listen("a", heard.append)
            self.adopt(child)
            self.add_cleanup(lambda: cleaned.append(True))
            raise ValueError("no")

    service = Fails("fails")
    error = raised(service.start)
    bus.emit("a", "event")
    gevent.sleep(0.03)
    seen = {
        "cleaned": bool(cleaned),
        "heard": heard,
        "left": sum(owned(service).values()),
        "child runs": child.running,
    }

    return error, seen


def a_failed_start_can_be_tried_again():
    fails = [dies("no"), lambda: None]
    part = Part(start=lambda: fails.pop(0)())

    return raised(part.start), part.start().running, part.log


def a_stopped_service_can_be_started_again():
    heard = []
    part = Part(start=lambda: part.listen("a", heard.append))
    part.start().stop()
    part.start()
    bus.emit("a", 1)
    part.stop()
    bus.emit("a", 2)

    return part.log, heard, part.running


def what_a_service_owns_goes_in_order():
    log = []

    def told(step):
        held = owned(part)
        held.pop("children")
        log.append((step, held))

    part = Part("owner", stop=lambda: told("on_stop"))
    part.start()
    part.interval(print, 60)
    part.timeout(print, 60)
    part.spawn(gevent.sleep, 60)
    part.listen("a", print)
    part.subscribe(print)
    for name in ("first", "second"):
        part.adopt(Part(f"{name} child", stop=lambda name=name: told(f"{name} child")))
        part.add_cleanup(lambda name=name: told(f"{name} cleanup"))
    part.stop()
    told("after")

    return log


def listeners_are_gone_before_children_and_cleanups():
    log = []
    part = Part().start()
    part.listen("a", log.append)
    part.adopt(Part("child", log, stop=lambda: bus.emit("a", "event in a child")))
    part.add_cleanup(lambda: bus.emit("a", "event in a cleanup"))
    part.stop_hook = lambda: bus.emit("a", "event in on_stop")
    part.stop()

    return log


def subscribers_hear_until_the_last_cleanup():
    states = []
    part = Part(stop=lambda: part.set_state({"at": "on_stop"})).start()
    part.subscribe(lambda state, service: states.append(state["at"]))
    part.add_cleanup(lambda: part.set_state({"at": "cleanup"}))
    part.stop()
    part.set_state({"at": "after"})

    return states, part.get_state()


def a_failing_step_keeps_no_other_from_running():
    log = []
    part = Part("owner", log, stop=dies("on_stop")).start()
    part.adopt(Part("first", log))
    part.adopt(Part("failing", log, stop=dies("child")))
    part.adopt(Part("last", log))
    part.add_cleanup(lambda: log.append("first cleanup"))
    part.add_cleanup(dies("cleanup"))
    part.add_cleanup(lambda: log.append("last cleanup"))
    part._bus_unsubs.append(dies("unsubscribe"))

    return part.stop() is part, log, part.running, owned(part)


def a_child_whose_stop_itself_fails_is_stepped_over():
    class Stubborn(Service):
        def stop(self):
            raise ValueError("no")

    log = []
    part = Part("owner", log).start()
    part.adopt(Part("first", log))
    part.adopt(Stubborn("stubborn"))
    part.stop()

    return log, part.running


def a_cleanup_that_is_added_by_a_cleanup_runs_next():
    log = []
    part = Part().start()

    def adds():
        log.append("adds")
        part.add_cleanup(lambda: log.append("added"))

    part.add_cleanup(lambda: log.append("first"))
    part.add_cleanup(adds)
    part.stop()

    return log, owned(part)


@differs(
    "`stop()` inside `on_stop` runs `on_stop` again and again, to the limit of recursion.",
    ours=[1, 1, False],
)
def stop_inside_on_stop():
    cleaned = []
    part = Part(stop=lambda: part.stop()).start()
    part.add_cleanup(lambda: cleaned.append(True))
    part.stop()

    return part.log.count("part stops"), len(cleaned), part.running


@differs(
    "Two stops at once run `on_stop` twice, and the second comes back before the first is done.",
    ours=[1, ["stopped", "first is back", "second is back"]],
)
def two_stops_at_once():
    log = []

    def slow():
        gevent.sleep(0.02)
        log.append("stopped")

    def stops(name):
        part.stop()
        log.append(f"{name} is back")

    part = Part(stop=slow).start()
    gevent.joinall([gevent.spawn(stops, "first"), gevent.spawn(stops, "second")])

    return part.log.count("part stops"), log


@differs(
    "A stop from a greenlet of the service is cut at its first wait; the service runs for ever.",
    ours=[["cleanup begins", "cleanup ends", "after stop"], False],
)
def stop_from_an_own_greenlet():
    log = []
    part = Part().start()

    def cleanup():
        log.append("cleanup begins")
        gevent.sleep(0.01)
        log.append("cleanup ends")

    def own():
        part.stop()
        log.append("after stop")

    part.add_cleanup(cleanup)
    greenlet = part.spawn(own)
    soon(lambda: greenlet.dead and not part.running, 0.3)

    return log, part.running


def stop_from_an_own_greenlet_without_a_wait():
    log = []
    part = Part(log=log).start()
    part.add_cleanup(lambda: log.append("cleanup"))
    greenlet = part.spawn(part.stop)
    turns()

    return log, part.running, greenlet.dead, owned(part)


def stop_from_an_own_interval():
    log = []
    part = Part(log=log).start()
    part.add_cleanup(lambda: log.append("cleanup"))
    part.interval(lambda: part.stop() and log.append("after stop"), 0.01)
    soon(lambda: not part.running)
    gevent.sleep(0.03)

    return log, part.running


def stop_from_an_own_timeout():
    log = []
    part = Part(log=log).start()
    part.timeout(lambda: part.stop() and log.append("after stop"), 0.01)
    soon(lambda: not part.running)
    turns()

    return log, part.running, owned(part)


def stop_of_the_owner_from_a_child():
    log = []
    owner = Part("owner", log).start()
    child = Part("child", log)
    owner.adopt(child)
    owner.add_cleanup(lambda: log.append("cleanup"))
    child.listen("a", lambda data: owner.stop())
    bus.emit("a")

    return log, owner.running, child.running


def start_during_stop_does_nothing():
    part = Part(stop=lambda: part.start()).start()
    part.stop()

    return part.log, part.running


@differs(
    "Two starts at once: the second comes back before the hook is done.",
    ours=[1, ["ready", "first", "second"]],
)
def two_starts_at_once():
    log = []

    def slow():
        gevent.sleep(0.02)
        log.append("ready")

    part = Part(start=slow)

    def starts(name):
        part.start()
        log.append(name)

    gevent.joinall([gevent.spawn(starts, "first"), gevent.spawn(starts, "second")])

    return part.log.count("part starts"), log


def a_hook_that_starts_its_own_service_again():
    part = Part(start=lambda: part.start())

    return returns(part.start), part.log, part.running


def health_tells_the_status():
    service = Service("a")
    before = service.health()
    running = service.start().health()

    return before, running, service.stop().health()


def hooks_of_the_base_do_nothing():
    service = Service("a")

    return service.on_start(), service.on_stop()


def a_killed_start_raises_and_keeps_running():
    def exits():
        raise gevent.GreenletExit

    part = Part(start=exits)
    greenlet = gevent.spawn(part.start)
    greenlet.join()

    return type(greenlet.value).__name__


async def _never_awaited():
    pass


@differs("A coroutine function as hook, callback or view gives a coroutine that nobody awaits.", ours=[True, True])
def coroutine_functions():
    service = Part("a").start()
    told = tried(bus.on, "a", _never_awaited), tried(service.spawn, _never_awaited)

    return ["gevent" in str(each) and "TypeError" in str(each) for each in told]
