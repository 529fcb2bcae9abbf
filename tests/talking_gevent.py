"""An application on gevent that clients talk to over Socket.IO."""

from __future__ import annotations

import gevent
from flask import Flask
from flask_socketio import SocketIO

from specter_gevent import Controller, Service, ServiceManager, registry


class Part(Service):
    """A service that notes its start and its stop."""

    def __init__(self):
        super().__init__("part")
        self.log = []

    def on_start(self):
        gevent.sleep(0)
        self.log.append("start")

    def on_stop(self):
        self.log.append("stop")


class Talk(Controller):
    """Answers events, refuses one client, and notes who has gone."""

    name = "talk"

    def __init__(self):
        super().__init__()
        self.seen = []

    def build_events(self, handler):
        handler.on("connect", self.come)
        handler.on("disconnect", lambda: self.seen.append("gone"))
        handler.on("running", lambda: registry.require("part").running)

    def come(self, auth):
        if auth == "banned":
            raise ConnectionRefusedError("you are banned")


def new_server():
    """A Socket.IO server that echoes, over an application of its own: `server.flask`."""
    app = Flask(__name__)
    server = SocketIO(app, async_mode="threading")
    server.flask = app
    server.on_event("echo", lambda *arguments: arguments)
    return server


def application(server):
    """The manager of an application with this server, which talks."""
    return ServiceManager(server.flask, server).register_service(Part()).register_controller(Talk())
