"""A manager boots the parts of an application in order, and refuses what is none."""

from types import SimpleNamespace
from unittest.mock import patch

import gevent
import pytest
from booted_gevent import Noted, Part, fails, served
from gevent.event import Event
from greenlets import ended, turns

from specter_gevent import _patching
from specter_gevent.controller import Controller
from specter_gevent.handler import Handler
from specter_gevent.manager import ServiceManager, boot
from specter_gevent.queue_service import QueueService
from specter_gevent.service import Service
from specter_gevent.service_registry import registry

pytestmark = pytest.mark.usefixtures("shut_down")


class Site(Controller):
    url_prefix = "/ignored"

    def __init__(self, name="site"):
        super().__init__(name)
        self.log = []

    def build_routes(self, router):
        router.route("/hello", endpoint="hello")(lambda: {"from": self.name})

    def build_events(self, handler):
        handler.on("said", self.log.append)


# Boot.


def test_services_start_as_registered_then_handlers_and_all_end_in_reverse():
    log = []
    manager = ServiceManager(*served())
    manager.register_handler(Noted("h", log)).register_service(Part("a", log)).register_service(Part("b", log))
    manager.register_handler(Noted("i", log))
    assert log == []

    assert manager.boot() is manager.boot() is manager
    assert manager.booted and manager.running
    assert manager.shutdown() is manager.shutdown() is manager
    assert not manager.booted and not manager.running
    assert log == [
        "a starts", "b starts", "h set up", "i set up", "i torn down", "h torn down", "b stops", "a stops",
    ]  # fmt: skip


def test_what_boots_is_in_the_registry_before_it_starts():
    seen = []
    part = Part("a", start=lambda: seen.append((registry.list(), registry.resolve("a") is part)))
    manager = boot(None, None, services=[part])

    assert seen == [(["service_manager", "socket_ingress", "a"], True)]
    assert registry.resolve("service_manager") is manager
    assert registry.resolve("socket_ingress") is manager.socket_ingress
    manager.shutdown()
    assert registry.list() == []


def test_a_service_that_fails_is_left_out_and_the_boot_goes_on(caplog):
    log = []
    manager = boot(None, None, services=[Part("bad", log, start=fails), Part("good", log)])

    assert log == ["bad starts", "good starts"]
    assert manager.booted
    assert (registry.has("bad"), registry.has("good")) == (False, True)
    assert manager.health()["services"]["bad"]["status"] == "stopped"
    assert "[SPECTER] ✗ Service 'bad' failed to start: no good" in caplog.text


def test_a_service_that_fails_leaves_a_healthy_one_of_its_name_in_the_registry():
    healthy = Part("same")
    manager = boot(None, None, services=[healthy, Part("same", start=fails)])
    assert registry.resolve("same") is healthy

    manager.shutdown()
    assert not registry.has("same")


def test_a_boot_that_is_cut_leaves_nothing_half_started_and_can_go_on():
    log, waits = [], [60]
    slow = Part("slow", log, start=lambda: gevent.sleep(waits[0]))
    manager = ServiceManager().register_service(Part("a", log)).register_service(slow)
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.01):
        manager.boot()
    assert (manager.booted, slow.running, registry.has("slow"), registry.has("a")) == (False, False, False, True)

    waits[0] = 0
    assert manager.boot().booted
    assert log == ["a starts", "slow starts", "slow starts"]


def test_a_boot_that_was_cut_can_be_shut_down():
    log = []
    slow = Part("slow", log, start=lambda: gevent.sleep(60))
    manager = ServiceManager().register_service(Part("a", log)).register_service(slow)
    going = gevent.spawn(manager.boot)
    turns()
    going.kill()
    manager.shutdown()

    assert log == ["a starts", "slow starts", "a stops"]
    assert (manager.running, registry.list()) == (False, [])


def test_two_boots_at_once_are_one():
    log, go_on = [], Event()
    manager = ServiceManager().register_service(Part("a", log, start=go_on.wait))
    first, second = gevent.spawn(manager.boot), gevent.spawn(manager.boot)
    turns()
    assert not second.ready()
    go_on.set()

    assert ended(first) is ended(second) is manager
    assert log == ["a starts"]


def test_what_is_registered_while_it_boots_comes_at_the_end():
    log = []
    manager = ServiceManager(*served())
    late = Part("late", log)
    first = Part("a", log, start=lambda: manager.register_service(late).register_handler(Noted("h", log)))
    manager.register_service(first).register_service(Part("b", log)).boot()

    assert log == ["a starts", "b starts", "late starts", "h set up"]


def test_what_is_registered_after_the_boot_starts_at_once():
    log = []
    app, server = served()
    manager, site = boot(app, server), Site()
    manager.register_service(Part("late", log)).register_service(Part("bad", log, start=fails))
    manager.register_handler(Noted("h", log)).register_controller(site, url_prefix="/x")
    server.test_client(app).emit("said", 1)

    assert (log, site.log) == (["late starts", "bad starts", "h set up"], [1])
    assert app.test_client().get("/x/hello").get_json() == {"from": "site"}
    assert (registry.has("late"), registry.has("bad"), site.running) == (True, False, True)


def test_a_service_starts_after_those_it_depends_on():
    log = []
    parts = [
        Part("web", log, depends_on=("cache", "store")),
        Part("cache", log, depends_on=("store",)),
        Part("store", log),
    ]
    boot(None, None, services=parts).shutdown()

    assert log == ["store starts", "cache starts", "web starts", "web stops", "cache stops", "store stops"]


@pytest.mark.parametrize("depends_on", [("missing",), ("b",), "text", 5], ids=repr)
def test_dependencies_that_cannot_be_kept_are_logged(depends_on, caplog):
    log = []
    boot(None, None, services=[Part("a", log, depends_on=depends_on), Part("b", log, depends_on=("a",))])

    assert log == ["a starts", "b starts"]
    assert "the services start in the order in which they were registered" in caplog.text


def test_priority_orders_nothing():
    log = []
    late, early = Part("late", log), Part("early", log)
    late.priority, early.priority = 200, 1
    boot(None, None, services=[late, early])

    assert log == ["late starts", "early starts"]


def test_handlers_wait_for_a_server():
    log = []
    manager = boot(None, None, handlers=[Noted("h", log)])

    assert (log, manager.health()["handlers"]) == ([], {"h": {"registered": False}})


def test_a_handler_that_fails_keeps_no_other_from_its_setup(caplog):
    log = []
    broken = SimpleNamespace(setup=lambda server: fails(), teardown=fails)
    manager = boot(*served(), handlers=[broken, Noted("h", log)])
    assert "[SPECTER] ✗ Handler 'SimpleNamespace' failed to set up: no good" in caplog.text

    manager.shutdown()
    assert log == ["h set up", "h torn down"]
    assert "[SPECTER] ✗ Handler 'SimpleNamespace' teardown failed: no good" in caplog.text


def test_boot_asks_whether_the_process_is_patched():
    with patch.object(_patching, "check") as check:
        boot(None, None)

    check.assert_called_once_with()


# Controllers.


def test_a_controller_is_a_service_with_routes_and_events():
    app, server = served()
    site = Site()
    manager = boot(app, server, controllers=[site])
    server.test_client(app).emit("said", 1)
    health = manager.health()

    assert site.running and site.log == [1]
    assert app.test_client().get("/hello").get_json() == {"from": "site"}
    assert app.test_client().get("/ignored/hello").status_code == 404
    assert health["services"]["site"]["has_handler"]
    assert health["handlers"] == {"site_events": {"registered": True}}


def test_several_applications_live_in_one_process():
    sites = [Site("one"), Site("two")]
    apps = [served(site.name) for site in sites]
    for (app, server), site in zip(apps, sites, strict=True):
        boot(app, server, controllers=[site])
    for number, (app, server) in enumerate(apps):
        server.test_client(app).emit("said", number)

    assert [site.log for site in sites] == [[0], [1]]
    assert [app.test_client().get("/hello").get_json()["from"] for app, _ in apps] == ["one", "two"]


def test_the_same_parts_are_booted_again_and_again():
    site, log = Site(), []
    part = Part("a", log)
    for number in range(3):
        app, server = served()
        with ServiceManager(app, server) as manager:
            manager.register_service(part).register_controller(site)
            server.test_client(app).emit("said", number)
    assert site.log == [0, 1, 2]
    assert len(log) == 6


def test_a_manager_that_was_shut_down_boots_what_is_registered_then():
    app, server = served()
    site, other = Site("one"), Site("two")
    manager = boot(app, server, controllers=[site])
    client = server.test_client(app)
    manager.shutdown()
    client.emit("said", "lost")
    manager.register_controller(other).boot()
    client.emit("said", 1)

    assert (site.log, other.log, site.running) == ([], [1], False)
    assert manager.socket_ingress.socketio is server


# What is refused.


@pytest.mark.parametrize(
    ("register", "what"),
    [
        ("register_service", "requires a Service instance, got str"),
        ("register_handler", r"requires a handler-like object exposing setup\(\)/teardown\(\), got str"),
        ("register_controller", "requires a Controller instance, got str"),
    ],
)
def test_what_is_no_part_is_refused(register, what):
    with pytest.raises(TypeError, match=rf"^\[SPECTER:manager\] {register}\(\) {what}$"):
        getattr(ServiceManager(), register)("text")


def test_a_quart_application_is_refused_with_the_switch():
    quart = pytest.importorskip("quart")

    with pytest.raises(TypeError, match=r"a Quart application cannot be served by the gevent runtime: .*use_backend"):
        boot(quart.Quart("q"), None)


def test_a_server_of_the_other_runtime_is_refused_with_the_switch():
    socketio = pytest.importorskip("socketio")

    with pytest.raises(TypeError, match=r"got AsyncServer, which needs the asyncio runtime: .*use_backend"):
        boot(None, socketio.AsyncServer(async_mode="asgi"))


@pytest.mark.parametrize(
    ("base", "register", "name"),
    [
        (Service, "register_service", "on_start"),
        (Service, "register_service", "on_stop"),
        (Service, "register_service", "start"),
        (Service, "register_service", "stop"),
        (QueueService, "register_service", "handle_item"),
        (QueueService, "register_service", "_worker_loop"),
        (Handler, "register_handler", "on_setup"),
        (Handler, "register_handler", "on_teardown"),
        (Handler, "register_handler", "setup"),
        (Handler, "register_handler", "teardown"),
        (Controller, "register_controller", "on_start"),
        (Controller, "register_controller", "build_blueprint"),
        (Controller, "register_controller", "create_handler"),
        (Controller, "register_controller", "build_handler"),
    ],
)
def test_coroutine_hooks_are_refused_with_the_switch(base, register, name):
    async def waits(self): ...

    kind = type("Waits", (base,), {name: waits})
    part = kind("waits") if base in (Service, QueueService) else kind()
    with pytest.raises(TypeError, match=rf"{name} of '\w+' must be a plain .*use_backend\('asyncio'\)"):
        getattr(ServiceManager(), register)(part)


def test_a_coroutine_callback_is_refused_where_its_handler_is_registered():
    class Waits(Handler):
        events = {"said": "said"}

        async def said(self, data): ...

    with pytest.raises(TypeError, match=r"the callback of socket event 'said' must be a plain .*use_backend"):
        ServiceManager().register_handler(Waits())


def test_a_handler_that_declares_its_events_when_it_is_set_up_is_not_asked_before():
    class Late(Handler):
        @property
        def events(self):
            raise AssertionError("asked too early")

    ServiceManager().register_handler(Late())


def test_stand_ins_for_an_application_and_a_server_are_taken():
    bound = []
    server = SimpleNamespace(on_event=lambda event, fn: bound.append(event))
    app = SimpleNamespace(register_blueprint=lambda blueprint, url_prefix: bound.append((blueprint.name, url_prefix)))
    boot(app, server, controllers=[Site()])

    assert bound == [("site", ""), "said"]
