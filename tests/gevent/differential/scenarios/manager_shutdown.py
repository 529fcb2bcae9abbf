"""The shutdown of a manager: whole, in order, whatever fails or cuts it."""

import atexit

import gevent
from observing import Part, dies, differs, turns
from sites import Noted, served

from specter import Service, ServiceManager, boot, registry


def failing_ends_keep_no_other_from_ending():
    class Stubborn(Service):
        def stop(self):
            raise ValueError("no")

    class Fails(Noted):
        teardown = dies("no")

    log = []
    _, server, _ = served()
    services = [Part("a", log), Stubborn("stubborn"), Part("b", log)]
    manager = boot(None, server, services=services, handlers=[Noted("h", log), Fails("bad", log)])
    log.clear()
    manager.shutdown()

    return log, manager.booted, manager.running


def shutdown_empties_it():
    _, server, _ = served()
    manager = boot(None, server, services=[Part("a")], handlers=[Noted("h", [])])
    registry.provide("mine", 1)
    manager.shutdown()

    return (
        len(manager._services),
        len(manager._handlers),
        manager.socket_ingress.socketio,
        registry.list(),
        manager.health(),
    )


def shutdown_before_the_boot():
    part = Part("a")
    manager = ServiceManager().register_service(part)

    return manager.shutdown() is manager, len(manager._services), part.log


def what_the_manager_owns_ends_with_it():
    log = []
    manager = ServiceManager()
    registry.provide("early", 1, owner=manager)
    manager.boot()
    during = registry.has("early")
    manager.add_cleanup(lambda: log.append("cleanup"))
    manager.adopt(Part("child", log))
    manager.shutdown()

    return during, log


def the_end_of_the_program_shuts_it_down():
    part = Part("a")
    manager = boot(None, None, services=[part])
    atexit._run_exitfuncs()

    return part.log, manager.booted


def a_shutdown_inside_a_shutdown():
    part = Part("a", stop=lambda: manager.shutdown())
    manager = boot(None, None, services=[part])
    manager.shutdown()

    return part.log, manager.booted, manager.running


def stop_alone_is_no_shutdown():
    part = Part("a")
    manager = boot(None, None, services=[part])
    manager.stop()
    between = manager.booted, manager.running, part.running, registry.list()
    manager.shutdown()

    return between, part.log


@differs(
    "A kill during the shutdown leaves the rest running, and the next shutdown does nothing.",
    ours=[["b starts", "a starts"], ["a stops", "b stops"], False],
)
def a_shutdown_that_is_killed():
    log = []
    parts = [Part("b", log, stop=lambda: None), Part("a", log, stop=lambda: gevent.sleep(60))]
    manager = boot(None, None, services=parts)
    started = list(log)
    log.clear()
    ending = gevent.spawn(manager.shutdown)
    turns()
    ending.kill()
    manager.shutdown()

    return started, log, parts[0].running
