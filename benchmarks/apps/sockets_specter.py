"""The same by a controller of ours."""

from typing import Any

import socketio
from quart import Quart

from specter import Controller, Handler, boot


class Talk(Controller):
    name = "talk"

    def build_events(self, handler: Handler) -> None:
        handler.on("echo", self.echo)
        handler.on("shout", self.shout)

    async def echo(self, data: Any) -> Any:
        return data

    async def shout(self, data: Any) -> None:
        await self.socketio.emit("heard", data)


app = Quart(__name__)
manager = boot(app, socketio.AsyncServer(async_mode="asgi"), controllers=[Talk()])
asgi = manager.asgi
