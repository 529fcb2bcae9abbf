"""Applications of scenarios, and parts that write down what a manager does with them."""

from flask import Flask
from flask_socketio import SocketIO

from specter import Controller, Handler


def served(name="app"):
    """An application, its server, and what gives a client of it."""
    app = Flask(name)
    server = SocketIO(app, async_mode="threading")
    return app, server, lambda: server.test_client(app)


class Noted(Handler):
    """Writes down when it is set up and torn down."""

    def __init__(self, name, log):
        super().__init__()
        self.name, self.log = name, log

    def on_setup(self):
        self.log.append(f"{self.name} set up")

    def on_teardown(self):
        self.log.append(f"{self.name} torn down")


class Site(Controller):
    """Has a route and an event, and writes down what happens to it."""

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
