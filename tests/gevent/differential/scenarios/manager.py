"""The manager: what is registered with it, before the boot and after."""

from observing import Part, dies, raised
from sites import Noted, Site, served

from specter import Service, ServiceManager, SocketIngress, boot, registry


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
    app, server, _ = served()
    manager = ServiceManager(app, server)

    return (
        manager.app is app,
        manager.socketio is server,
        manager.socket_ingress.socketio is server,
        isinstance(manager, Service),
    )


def registering_chains_and_starts_nothing():
    manager, part = ServiceManager(), Part("a")
    chained = manager.register_service(part) is manager, manager.register_handler(Noted("h", [])) is manager

    return chained, part.log, len(manager._services), len(manager._handlers), registry.list()


def what_cannot_be_registered_is_refused():
    manager = ServiceManager()
    calls = manager.register_service, manager.register_handler, manager.register_controller

    return (
        [raised(call, "text") for call in calls],
        raised(manager.register_controller, Part()),
        raised(manager.register_service, None),
    )


def the_registry_has_all_of_it():
    _, server, _ = served()
    part, site = Part("a"), Site()
    manager = boot(None, server, services=[part], controllers=[site])
    keys = registry.list()
    values = [registry.resolve(key) for key in ("service_manager", "socket_ingress", "a", "site")]
    same = [value is of for value, of in zip(values, (manager, manager.socket_ingress, part, site), strict=True)]
    manager.shutdown()

    return keys, same, registry.list()


def two_services_of_one_name():
    first, second = Part("same"), Part("same")
    manager = boot(None, None, services=[first, second])
    found = registry.resolve("same") is second
    manager.shutdown()

    return found, first.log, second.log


def handlers_need_a_server():
    log = []
    manager = boot(None, None, handlers=[Noted("h", log)])
    health = manager.health()
    manager.shutdown()

    return log, health


def anything_with_setup_and_teardown_is_a_handler():
    class Like:
        name = "like"

        def setup(self, server):
            log.append("setup")

        def teardown(self):
            log.append("teardown")

    log = []
    _, server, _ = served()
    manager = boot(None, server, handlers=[Like()])
    health = manager.health()["handlers"]
    manager.shutdown()

    return log, health


def after_the_boot_what_is_registered_starts_at_once():
    log = []
    app, server, client = served()
    manager = boot(app, server)
    manager.register_service(Part("late", log)).register_handler(Noted("h", log)).register_controller(Site(log=log))
    client().emit("said", "event")

    return log, registry.has("late"), app.test_client().get("/hello").get_json(), list(manager.health()["services"])


def after_the_boot_a_service_that_fails():
    manager = boot(None, None)
    chained = manager.register_service(Part("bad", start=dies("no"))) is manager

    return chained, registry.has("bad"), manager.health()["services"]


def controllers_are_services_with_routes_and_events():
    app, server, client = served()
    site = Site()
    manager = boot(app, server, controllers=[site])
    client().emit("said", "event")
    answers = app.test_client().get("/hello").get_json(), app.test_client().get("/ignored/hello").status_code
    health = manager.health()
    manager.shutdown()

    return answers, health, site.log


def the_prefix_of_a_controller_is_given_when_it_is_registered():
    app, _, _ = served()
    ServiceManager(app).register_controller(Site("a"), url_prefix="/a").register_controller(Site("b"), url_prefix="/b")
    client = app.test_client()

    return [client.get(path).get_json(silent=True) for path in ("/a/hello", "/b/hello", "/hello")]


def health_asks_each_service():
    class Sick(Service):
        def health(self):
            raise ValueError("ill")

    class Own(Service):
        def health(self):
            return {"status": "great", "more": 1}

    manager = boot(None, None, services=[Sick("sick"), Own("own"), Service("plain")])

    return manager.health(), manager.shutdown().health()
