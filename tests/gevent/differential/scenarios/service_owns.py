"""What a service owns: listeners, children, resources."""

from observing import Part, dies, owned, raised, resource

from specter import Service, bus


def listen_and_emit_chain():
    heard = []
    service = Service("a").start()
    chained = (
        service.listen("e", heard.append) is service,
        service.emit("e", 1) is service,
        service.emit("e") is service,
    )

    return chained, heard, owned(service)["bus_unsubs"]


def listeners_end_with_the_service():
    heard = []
    service = Service("a").start()
    service.listen("e", heard.append)
    service.stop()
    bus.emit("e", 1)

    return heard, owned(service)["bus_unsubs"], bus.has_listeners("e")


def listening_needs_no_start():
    heard = []
    service = Service("a")
    service.listen("e", heard.append)
    bus.emit("e", 1)

    return heard, owned(service)["bus_unsubs"], service.start().stop() is service, bus.has_listeners("e")


def listen_refuses_what_is_not_callable():
    service = Service("a").start()

    return raised(service.listen, "e", "no function"), owned(service)["bus_unsubs"]


def adopt_starts_the_child():
    owner, child = Service("owner").start(), Part("child")
    chained = owner.adopt(child) is owner

    return chained, child.running, child.log, owner._children == [child]


def adopt_of_what_is_no_service():
    owner = Service("owner").start()

    return owner.adopt(None) is owner, raised(owner.adopt, "text"), raised(owner.adopt, Service), owned(owner)


def adopt_without_start():
    owner, child = Service("owner").start(), Part("child")
    owner.adopt(child, start=False)
    before = child.running
    owner.stop()

    return before, child.log, owned(owner)["children"]


def adopt_of_a_child_that_runs():
    owner, child = Service("owner").start(), Part("child").start()
    owner.adopt(child)
    owner.stop()

    return child.log


def adopt_before_the_owner_runs():
    owner, child = Service("owner"), Part("child")
    owner.adopt(child)
    during = child.running
    owner.stop()
    before_start = child.running
    owner.start().stop()

    return during, before_start, child.running


def adopt_of_a_child_that_fails():
    owner, child = Service("owner").start(), Part("child", start=dies("no"))

    return raised(owner.adopt, child), child.running, owner.running, owner.stop() is owner


def children_stop_last_first():
    log = []
    owner = Part("owner", log).start()
    for name in ("a", "b", "c"):
        owner.adopt(Part(name, log))
    log.clear()
    owner.stop()

    return log


def grandchildren_stop_with_their_owner():
    log = []
    owner, child = Part("owner", log).start(), Part("child", log)
    owner.adopt(child)
    child.adopt(Part("grandchild", log))
    log.clear()
    owner.stop()

    return log


def a_child_that_stopped_by_itself():
    owner, child = Service("owner").start(), Part("child")
    owner.adopt(child)
    child.stop()
    owner.stop()

    return child.log


def own_gives_the_resource_and_ends_it():
    service, owns = Service("a").start(), resource("close")
    same = service.own(owns) is owns
    service.stop()

    return same, owns.log, service.own(None)


def own_takes_the_gentlest_way():
    names = ("stop", "close", "disconnect", "destroy", "terminate", "kill")
    called = []
    for index in range(len(names)):
        service = Service("a").start()
        service.own(resource(*reversed(names[index:]), log=called))
        service.stop()

    return called


def own_does_not_take_aclose():
    return raised(Service("a").own, resource("aclose"))[0]


def own_by_a_name_of_ones_own():
    service, owns = Service("a").start(), resource("stop", "shut")
    service.own(owns, stop_method="shut")
    service.own(owns, "stop")
    service.stop()

    return owns.log


def own_of_what_cannot_be_ended():
    service = Service("a")

    return raised(service.own, resource()), raised(service.own, resource("stop"), "shut"), raised(service.own, 5)


def own_steps_over_what_is_not_callable():
    owns = resource("close")
    owns.stop = "a text"
    service = Service("a").start()
    service.own(owns)
    service.stop()

    return owns.log


def own_takes_the_method_when_it_is_owned():
    owns = resource("close")
    service = Service("a").start()
    service.own(owns)
    owns.close = lambda: owns.log.append("replaced")
    service.stop()

    return owns.log


def an_owned_service_is_stopped():
    service, other = Service("a").start(), Part("other").start()
    service.own(other)
    service.stop()

    return other.log


def cleanups_run_last_first_and_once():
    log = []
    service = Service("a").start()
    chained = service.add_cleanup(lambda: log.append(1)) is service
    service.add_cleanup(lambda: log.append(2))
    service.stop()
    service.start().stop()

    return chained, log


def one_cleanup_added_twice_runs_twice():
    log = []

    def cleans():
        log.append(1)

    service = Service("a").start()
    service.add_cleanup(cleans).add_cleanup(cleans)
    service.stop()

    return log


def a_cleanup_that_is_not_callable_is_ignored():
    service = Service("a").start()
    chained = service.add_cleanup(None) is service, service.add_cleanup("text") is service

    return chained, owned(service)["cleanups"], service.stop() is service


def cleanups_from_before_the_start_are_kept():
    log = []
    service = Service("a")
    service.add_cleanup(lambda: log.append("early"))
    service.start()
    service.stop()

    return log
