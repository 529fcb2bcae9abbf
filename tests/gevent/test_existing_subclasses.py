"""What subclasses in applications on specter-runtime 0.1 rely on: names of their own, and what they override."""

import pytest
from booted_gevent import served
from gevent.queue import Empty, JoinableQueue
from sites_gevent import Site, Ticker, owned

from specter_gevent import Cache, Controller, Handler, QueueService, Service, Watcher, boot
from specter_gevent.controller import _ControllerHandler
from specter_gevent.testing import eventually

# Names that subclasses take for themselves.
TAKEN = (
    "_app", "_events", "_socketio", "app", "disconnect", "emit", "get", "on", "priority", "queue", "request", "set",
    "store", "subscribe",
)  # fmt: skip


def test_a_queue_may_have_methods_of_its_own_with_an_underscore():
    class Thumbnails(QueueService):
        def handle_item(self, item):
            self._publish(item)

        def _publish(self, path):
            made.append(path)

    made = []
    with Thumbnails("thumbnails") as thumbnails:
        assert thumbnails.enqueue("a.jpg")
        thumbnails.join()

    assert made == ["a.jpg"]


def test_a_watcher_may_have_methods_of_its_own_with_an_underscore():
    class Screen(Watcher):
        def __init__(self):
            super().__init__("screen", poll=self._poll)

        def _poll(self):
            return "on"

    screen, seen = Screen(), []
    screen.subscribe(lambda value, screen: seen.append(value))
    screen.start()
    eventually(lambda: seen)
    screen.stop()

    assert seen == ["on"]


def test_a_cache_may_have_methods_of_its_own_with_an_underscore():
    class Users(Cache):
        def users(self):
            return self.get_or_compute(self._compute)

        def _compute(self):
            return ["ada"]

    assert Users("users").users() == ["ada"]


def test_an_override_of_create_handler_assigns_the_handler():
    class Own(Site):
        def create_handler(self):
            if self._handler_instance is None:
                self._handler_instance = _ControllerHandler(name="own", controller=self)
                self._handler_instance.on("said", self.log.append, priority=5)
                self.own(self._handler_instance)
            return self._handler_instance

    own = Own()
    assert own._handler_instance is None
    app, server = served()
    manager = boot(app, server, controllers=[own])
    handler = own._handler_instance
    server.test_client(app).emit("said", "event")

    assert (handler._controller, handler._socketio, handler.name) == (own, server, "own")
    assert [event[:1] + event[2:] for event in handler._events] == [("said", 5)]
    assert own.log == ["event"]
    manager.shutdown()
    assert own._handler_instance is None
    assert not handler.registered


def test_a_controllers_handler_has_a_hook_for_its_setup():
    log = []

    class Hooked(_ControllerHandler):
        def on_setup(self):
            log.append(self._socketio)

    server = served()[1]
    Hooked(name="hooked", controller=Site()).setup(server)

    assert log == [server]


def taking(base, name, how):
    """A subclass of *base* that uses *name* for itself."""

    def refuse(self, *args, **kwargs):
        raise AssertionError(f"{base.__name__} called the subclass' own {name}()")

    if how == "method":
        return type("Taking", (base,), {name: refuse})

    def init(self, *args):
        base.__init__(self, *args)
        setattr(self, name, "mine")

    return type("Taking", (base,), {"__init__": init})


@pytest.mark.parametrize("how", ["attribute", "method"])
@pytest.mark.parametrize("name", TAKEN)
def test_a_service_may_take_names_for_itself(name, how):
    service = taking(Ticker, name, how)("taking")
    manager = boot(*served(), services=[service])
    service.set_state({"a": 1})
    service.adopt(Service("child"))
    health = manager.health()["services"]["taking"]["status"]
    manager.shutdown()

    assert health == "ok"
    assert owned(service) == 0
    if how == "attribute":
        assert getattr(service, name) == "mine"


@pytest.mark.parametrize("how", ["attribute", "method"])
@pytest.mark.parametrize("name", TAKEN)
def test_a_controller_may_take_names_for_itself(name, how):
    site = taking(Site, name, how)()
    app, server = served()
    manager = boot(app, server, controllers=[site])
    server.test_client(app).emit("said", "event")
    answer = app.test_client().get("/hello").get_json()
    manager.shutdown()

    assert (site.log, answer) == (["event"], {"from": "site"})


@pytest.mark.parametrize("how", ["attribute", "method"])
@pytest.mark.parametrize("name", [name for name in TAKEN if name != "_socketio"])  # which is read from outside
def test_a_handler_may_take_names_for_itself(name, how):
    class Said(Handler):
        events = {"said": "hear"}

        def hear(self, data):
            heard.append(data)

    heard = []
    handler = taking(Said, name, how)()
    app, server = served()
    manager = boot(app, server, handlers=[handler])
    server.test_client(app).emit("said", "event")
    manager.shutdown()

    assert heard == ["event"]
    assert not handler.registered


def test_a_queue_subclass_has_a_worker_loop_of_its_own():
    class Own(QueueService):
        def __init__(self):
            super().__init__("own", worker_count=2, poll_interval=0.05)
            self.handled, self.idle = [], 0

        def _worker_loop(self):
            while self.running:
                try:
                    item = self.queue.get(timeout=self.poll_interval)
                except Empty:
                    self.idle += 1
                    continue
                self.handled.append(item)
                self.queue.task_done()

    own = Own().start()
    assert isinstance(own.queue, JoinableQueue)
    for number in range(5):
        assert own.enqueue(number)
    assert own.queue.join(timeout=5)

    assert sorted(own.handled) == list(range(5))
    eventually(lambda: own.idle)
    own.stop()
    assert not own._greenlets


def test_what_a_subclass_overrides_can_be_told():
    class Routes(Controller):
        def build_routes(self, router):
            pass

    assert Routes.build_routes is not Controller.build_routes
    assert Routes.build_events is Controller.build_events
    assert Site.build_events is not Controller.build_events
