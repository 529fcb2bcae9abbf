"""What a Socket.IO client can meet: an acknowledgement, a broadcast, a refusal, an error, a slow answer."""

import anyio
import socketio
from quart import Quart

from specter import Controller, boot, current_sid


class Talk(Controller):
    name = "talk"

    def build_events(self, handler):
        handler.on("connect", self.on_connect)
        handler.on("add", lambda left, right: left + right)
        handler.on("who", lambda: current_sid())
        handler.on("say", self.on_say)
        handler.on("fail", self.on_fail)
        handler.on("slow", self.on_slow)
        handler.on("echo", lambda data: data)

    def on_connect(self, auth):
        if auth and auth.get("token") == "wrong":
            raise ConnectionRefusedError("wrong token")

    async def on_say(self, text):
        await self.socketio.emit("said", {"text": text, "by": current_sid()})

    def on_fail(self):
        raise ValueError("as it should")

    async def on_slow(self):
        await anyio.sleep(60)


app = Quart(__name__)
manager = boot(app, socketio.AsyncServer(async_mode="asgi"), controllers=[Talk()])
asgi = manager.asgi
