"""An application on gevent with an ingress, and subscribers of it."""

import functools

from flask import Flask
from flask_socketio import SocketIO

from specter_gevent.socket_ingress import SocketIngress


class Site:
    """An application with a server; clients of it."""

    def __init__(self):
        self.app = Flask("app")
        self.server = SocketIO(self.app, async_mode="threading")
        self.ingress = SocketIngress(self.server)

    def client(self, **options):
        return self.server.test_client(self.app, **options)


def fails(*args):
    """A subscriber that fails."""
    raise ValueError("no good")


def passed_on(fn):
    """*fn*, decorated: it shows the parameters of *fn*."""

    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        return fn(*args, **kwargs)

    return wrapper
