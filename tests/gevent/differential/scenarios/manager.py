"""The manager, and `boot`."""

import atexit

import gevent
import gevent.event
from flask import Flask
from flask_socketio import SocketIO
from observing import Part, dies, differs, raised, turns

from specter import Controller, Handler, Service, ServiceManager, SocketIngress, boot, registry


def _served(name="app"):
    app = Flask(name)
    server = SocketIO(app, async_mode="threading")
    return app, server, lambda: server.test_client(app)


class _Noted(Handler):
    def __init__(self, name, log):
        super().__init__()
        self.name, self.log = name, log

    def on_setup(self):
        self.log.append(f"{self.name} set up")

    def on_teardown(self):
        self.log.append(f"{self.name} torn down")


class _Site(Controller):
    url_prefix = "/ignored"

    def __init__(self, name="site", log=None):
        super().__init__(name)
        self.log = [] if log is None else log

    def on_start(self):
        self.log.append(f"{self.name} starts")

    def on_stop(self):
        self.log.append(f"{self.name} stops")

    def build_routes(self, router):
        router.route("/hello", endpoint="hello")(lambda: {"from": self.name})

    def build_events(self, handler):
        handler.on("said", self.log.append)


def a_new_manager():
    manager = ServiceManager()

    return (
        manager.name,
        manager.app,
        manager.socketio,
        manager.booted,
        manager.running,
        manager.health(),
        isinstance(manager.socket_ingress, SocketIngress),
    )


def it_keeps_what_it_is_given():
    app, server, _ = _served()
    manager = ServiceManager(app, server)

    return (
        manager.app is app,
        manager.socketio is server,
        manager.socket_ingress.socketio is server,
        isinstance(manager, Service),
    )


def registering_chains_and_starts_nothing():
    manager, part = ServiceManager(), Part("a")
    chained = manager.register_service(part) is manager, manager.register_handler(_Noted("h", [])) is manager

    return chained, part.log, len(manager._services), len(manager._handlers), registry.list()


def what_cannot_be_registered_is_refused():
    manager = ServiceManager()
    calls = manager.register_service, manager.register_handler, manager.register_controller

    return (
        [raised(call, "text") for call in calls],
        raised(manager.register_controller, Part()),
        raised(manager.register_service, None),
    )


def a_boot_goes_in_order():
    log = []
    _, server, _ = _served()
    manager = ServiceManager(None, server)
    manager.register_handler(_Noted("h1", log)).register_service(Part("a", log))
    manager.register_service(Part("b", log)).register_handler(_Noted("h2", log))
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


def the_registry_has_all_of_it():
    _, server, _ = _served()
    part, site = Part("a"), _Site()
    manager = boot(None, server, services=[part], controllers=[site])
    keys = registry.list()
    values = [registry.resolve(key) for key in ("service_manager", "socket_ingress", "a", "site")]
    same = [value is of for value, of in zip(values, (manager, manager.socket_ingress, part, site), strict=True)]
    manager.shutdown()

    return keys, same, registry.list()


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


def two_services_of_one_name():
    first, second = Part("same"), Part("same")
    manager = boot(None, None, services=[first, second])
    found = registry.resolve("same") is second
    manager.shutdown()

    return found, first.log, second.log


def handlers_need_a_server():
    log = []
    manager = boot(None, None, handlers=[_Noted("h", log)])
    health = manager.health()
    manager.shutdown()

    return log, health


def a_handler_that_fails_keeps_no_other_from_being_set_up():
    class Fails(_Noted):
        setup = dies("no")

    log = []
    _, server, _ = _served()
    manager = boot(None, server, handlers=[Fails("bad", log), _Noted("good", log)])
    manager.shutdown()

    return log


def anything_with_setup_and_teardown_is_a_handler():
    class Like:
        name = "like"

        def setup(self, server):
            log.append("setup")

        def teardown(self):
            log.append("teardown")

    log = []
    _, server, _ = _served()
    manager = boot(None, server, handlers=[Like()])
    health = manager.health()["handlers"]
    manager.shutdown()

    return log, health


def failing_ends_keep_no_other_from_ending():
    class Stubborn(Service):
        def stop(self):
            raise ValueError("no")

    class Fails(_Noted):
        teardown = dies("no")

    log = []
    _, server, _ = _served()
    services = [Part("a", log), Stubborn("stubborn"), Part("b", log)]
    manager = boot(None, server, services=services, handlers=[_Noted("h", log), Fails("bad", log)])
    log.clear()
    manager.shutdown()

    return log, manager.booted, manager.running


def after_the_boot_what_is_registered_starts_at_once():
    log = []
    app, server, client = _served()
    manager = boot(app, server)
    manager.register_service(Part("late", log)).register_handler(_Noted("h", log)).register_controller(_Site(log=log))
    client().emit("said", "event")

    return log, registry.has("late"), app.test_client().get("/hello").get_json(), list(manager.health()["services"])


def after_the_boot_a_service_that_fails():
    manager = boot(None, None)
    chained = manager.register_service(Part("bad", start=dies("no"))) is manager

    return chained, registry.has("bad"), manager.health()["services"]


def controllers_are_services_with_routes_and_events():
    app, server, client = _served()
    site = _Site()
    manager = boot(app, server, controllers=[site])
    client().emit("said", "event")
    answers = app.test_client().get("/hello").get_json(), app.test_client().get("/ignored/hello").status_code
    health = manager.health()
    manager.shutdown()

    return answers, health, site.log


def the_prefix_of_a_controller_is_given_when_it_is_registered():
    app, _, _ = _served()
    ServiceManager(app).register_controller(_Site("a"), url_prefix="/a").register_controller(
        _Site("b"), url_prefix="/b"
    )
    client = app.test_client()

    return [client.get(path).get_json(silent=True) for path in ("/a/hello", "/b/hello", "/hello")]


def controllers_start_where_they_were_registered():
    log = []
    manager = ServiceManager(*_served()[:2])
    manager.register_service(Part("a", log)).register_controller(_Site("c", log)).register_service(Part("b", log))
    manager.boot()
    manager.shutdown()

    return log


def boot_takes_services_then_handlers_then_controllers():
    log = []
    app, server, _ = _served()
    manager = boot(
        app, server, services=(Part("a", log),), handlers=iter([_Noted("h", log)]), controllers=[_Site(log=log)]
    )

    return log, manager.booted, len(manager._services), len(manager._handlers)


def shutdown_empties_it():
    _, server, _ = _served()
    manager = boot(None, server, services=[Part("a")], handlers=[_Noted("h", [])])
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
        app, server, client = _served(f"app{number}")
        site = _Site()
        manager = boot(app, server, services=[part], controllers=[site])
        client().emit("said", number)
        counts.append((site.log[-1], app.test_client().get("/hello").status_code))
        manager.shutdown()

    return counts, len(part.log), registry.list()


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


def health_asks_each_service():
    class Sick(Service):
        def health(self):
            raise ValueError("ill")

    class Own(Service):
        def health(self):
            return {"status": "great", "more": 1}

    manager = boot(None, None, services=[Sick("sick"), Own("own"), Service("plain")])

    return manager.health(), manager.shutdown().health()


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


def clients_of_two_apps():
    log = []
    first, second = _served("first"), _served("second")
    boot(first[0], first[1], controllers=[_Site("one", log)])
    boot(second[0], second[1], controllers=[_Site("two", log)])
    log.clear()
    second[2]().emit("said", "to the second")

    return log, second[0].test_client().get("/hello").get_json(), first[0].test_client().get("/hello").get_json()


@differs("A manager that is booted again hears no socket events.", ours=[1])
def a_second_boot_hears_events():
    app, server, client = _served()
    site = _Site()
    manager = boot(app, server)
    manager.shutdown()
    manager.register_controller(site).boot()
    site.log.clear()
    client().emit("said", 1)

    return site.log


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
