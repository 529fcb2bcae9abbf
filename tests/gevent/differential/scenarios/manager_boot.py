"""The boot of a manager: what starts in which order, once and again, and what fails."""

import gevent
import gevent.event
from flask import Flask
from observing import Part, dies, differs, turns
from sites import Noted, Site, served

from specter import ServiceManager, boot, registry


def a_boot_goes_in_order():
    log = []
    _, server, _ = served()
    manager = ServiceManager(None, server)
    manager.register_handler(Noted("h1", log)).register_service(Part("a", log))
    manager.register_service(Part("b", log)).register_handler(Noted("h2", log))
    chained = manager.boot() is manager, manager.boot() is manager
    booted = list(log)
    log.clear()
    chained += manager.shutdown() is manager, manager.shutdown() is manager

    return chained, booted, log, manager.booted, manager.running


def priority_orders_nothing():
    log = []
    late, early = Part("late", log), Part("early", log)
    late.priority, early.priority = 200, 1
    boot(None, None, services=[late, early])

    return log


def a_service_is_registered_while_it_starts():
    seen = []
    part = Part("a", start=lambda: seen.append((registry.resolve("a") is part, registry.has("service_manager"))))
    boot(None, None, services=[part])

    return seen


def a_service_that_fails_keeps_no_other_from_starting():
    log = []
    manager = boot(None, None, services=[Part("a", log), Part("bad", log, start=dies("no")), Part("b", log)])

    return log, registry.list(), manager.booted, manager.health()


@differs("A service that fails to start unregisters a healthy one of the same name.", ours=["healthy", True])
def a_failing_service_of_the_same_name():
    healthy = Part("same")
    boot(None, None, services=[healthy, Part("same", start=dies("no"))])
    found = registry.resolve("same")

    return "healthy" if found is healthy else found, healthy.running


def a_handler_that_fails_keeps_no_other_from_being_set_up():
    class Fails(Noted):
        setup = dies("no")

    log = []
    _, server, _ = served()
    manager = boot(None, server, handlers=[Fails("bad", log), Noted("good", log)])
    manager.shutdown()

    return log


def controllers_start_where_they_were_registered():
    log = []
    manager = ServiceManager(*served()[:2])
    manager.register_service(Part("a", log)).register_controller(Site("c", log)).register_service(Part("b", log))
    manager.boot()
    manager.shutdown()

    return log


def boot_takes_services_then_handlers_then_controllers():
    log = []
    app, server, _ = served()
    manager = boot(
        app, server, services=(Part("a", log),), handlers=iter([Noted("h", log)]), controllers=[Site(log=log)]
    )

    return log, manager.booted, len(manager._services), len(manager._handlers)


def a_second_boot_is_of_an_empty_manager():
    part = Part("a")
    manager = boot(None, None, services=[part])
    manager.shutdown()
    manager.boot()
    between = registry.list(), part.running
    manager.shutdown()

    return between, part.log


def many_boots_in_one_process():
    part, counts = Part("a"), []
    for number in range(20):
        app, server, client = served(f"app{number}")
        site = Site()
        manager = boot(app, server, services=[part], controllers=[site])
        client().emit("said", number)
        counts.append((site.log[-1], app.test_client().get("/hello").status_code))
        manager.shutdown()

    return counts, len(part.log), registry.list()


def clients_of_two_apps():
    log = []
    first, second = served("first"), served("second")
    boot(first[0], first[1], controllers=[Site("one", log)])
    boot(second[0], second[1], controllers=[Site("two", log)])
    log.clear()
    second[2]().emit("said", "to the second")

    return log, second[0].test_client().get("/hello").get_json(), first[0].test_client().get("/hello").get_json()


@differs("A manager that is booted again hears no socket events.", ours=[1])
def a_second_boot_hears_events():
    app, server, client = served()
    site = Site()
    manager = boot(app, server)
    manager.shutdown()
    manager.register_controller(site).boot()
    site.log.clear()
    client().emit("said", 1)

    return site.log


@differs("A second boot or shutdown at the same time comes back before the first is done.", ours=[True, True])
def a_second_boot_at_the_same_time():
    begun = gevent.event.Event()
    go = gevent.event.Event()

    def start():
        begun.set()
        go.wait()

    manager = ServiceManager(Flask("app"))
    service = Part("slow", start=start)
    manager.register_service(service)
    first = gevent.spawn(manager.boot)
    begun.wait()
    second = gevent.spawn(manager.boot)
    turns()
    waits = not second.dead
    go.set()
    gevent.joinall([first, second], timeout=5)
    manager.shutdown()

    return [waits, second.value is manager]


@differs("An attribute `depends_on` of a service means nothing.", ours=["b starts", "a starts"])
def services_that_name_what_they_need():
    log = []
    first, second = Part("a", log), Part("b", log)
    first.depends_on = ("b",)
    boot(None, None, services=[first, second])

    return log


def services_that_name_what_is_not_there():
    log = []
    first, second = Part("a", log), Part("b", log)
    first.depends_on = ["nothing of ours"]
    boot(None, None, services=[first, second])

    return log
