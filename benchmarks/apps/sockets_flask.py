"""Flask-SocketIO alone, on gevent."""

from typing import Any

from flask import Flask
from flask_socketio import SocketIO

app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent")


@socketio.on("echo")
def echo(data: Any) -> Any:
    return data


@socketio.on("shout")
def shout(data: Any) -> None:
    socketio.emit("heard", data)
