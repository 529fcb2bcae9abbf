"""Parts of an application on gevent that tell what a manager does with them."""

from flask import Flask
from flask_socketio import SocketIO

from specter_gevent.handler import Handler
from specter_gevent.service import Service


class Part(Service):
    """Writes down what happens to it."""

    def __init__(self, name, log=None, start=lambda: None, stop=lambda: None, depends_on=()):
        super().__init__(name)
        self.log = [] if log is None else log
        self.hooks = start, stop
        self.depends_on = depends_on

    def on_start(self):
        self.log.append(f"{self.name} starts")
        self.hooks[0]()

    def on_stop(self):
        self.log.append(f"{self.name} stops")
        self.hooks[1]()


class Noted(Handler):
    """Writes down when it is set up and torn down."""

    def __init__(self, name, log):
        super().__init__()
        self.name, self.log = name, log

    def on_setup(self):
        self.log.append(f"{self.name} set up")

    def on_teardown(self):
        self.log.append(f"{self.name} torn down")


def served(name="app"):
    """An application and its server of sockets."""
    app = Flask(name)
    return app, SocketIO(app, async_mode="threading")


def fails():
    """A hook that fails."""
    raise ValueError("no good")
