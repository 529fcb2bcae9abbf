"""Parts of an application on gevent that use everything there is."""

import gevent
import pausing

from specter_gevent import Controller, Service


class Site(Controller):
    """Routes, events and a log."""

    def __init__(self, name="site"):
        super().__init__(name)
        self.log = []

    def build_routes(self, router):
        router.route("/hello", endpoint="hello")(lambda: {"from": self.name})

    def build_events(self, handler):
        handler.on("said", self.log.append)


class Ticker(Service):
    """Uses everything that a service can start."""

    def on_start(self):
        self.spawn(gevent.sleep, 60)
        self.interval(self.tick, 60)
        self.listen("event", self.tick)
        self.watch(self.tick)

    def tick(self, *args):
        pass


def owned(service):
    """How many things *service* owns, of whatever kind."""
    return sum(pausing.owned(service).values())
