"""The same by a controller; it reads the same for our twin and for 0.1.1."""

from typing import Any

from flask import Flask
from flask_socketio import SocketIO

from specter import Controller, boot


class Talk(Controller):
    name = "talk"

    def build_events(self, handler: Any) -> None:
        handler.on("echo", self.echo)
        handler.on("shout", self.shout)

    def echo(self, data: Any) -> Any:
        return data

    def shout(self, data: Any) -> None:
        socketio.emit("heard", data)


app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent")
manager = boot(app, socketio, controllers=[Talk()])
