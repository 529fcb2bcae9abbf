"""What `talk` is on asyncio, on Flask and gevent."""

import gevent
from flask import Flask, request
from flask_socketio import ConnectionRefusedError, SocketIO

from specter import Controller, boot


class Talk(Controller):
    name = "talk"

    def build_events(self, handler):
        handler.on("connect", self.on_connect)
        handler.on("add", lambda left, right: left + right)
        handler.on("who", lambda: request.sid)
        handler.on("say", self.on_say)
        handler.on("fail", self.on_fail)
        handler.on("slow", self.on_slow)
        handler.on("echo", lambda data: data)

    def on_connect(self, auth):
        if auth and auth.get("token") == "wrong":
            raise ConnectionRefusedError("wrong token")

    def on_say(self, text):
        self.socketio.emit("said", {"text": text, "by": request.sid})

    def on_fail(self):
        raise ValueError("as it should")

    def on_slow(self):
        gevent.sleep(60)


app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent")
manager = boot(app, socketio, controllers=[Talk()])
