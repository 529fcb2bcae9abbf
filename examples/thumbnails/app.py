"""
Thumbnails: a queue whose workers run a program for each picture, behind a route and a socket event.

    specter run app:asgi
    curl -X POST -H "Content-Type: application/json" -d '{"path": "picture.ppm"}' http://127.0.0.1:8000/media
"""

import sys
from pathlib import Path

import anyio
import socketio
from quart import Quart

from specter import Controller, Field, HTTPError, QueueService, Schema, boot, expect_json, registry

SHRINK = str(Path(__file__).with_name("shrink.py"))


class Thumbnails(QueueService):
    """Makes the thumbnails, four at a time."""

    def __init__(self) -> None:
        super().__init__("thumbnails", worker_count=4, maxsize=1000)

    async def on_start(self) -> None:
        self.listen("media:added", self.enqueue_nowait)  # gone when the service stops
        self.interval(self.report, 60)  # so is the timer

    async def handle_item(self, path: str) -> None:
        process = await self.start_process([sys.executable, SHRINK, path, path + ".small.ppm"])  # and the child
        if await process.wait() == 0:
            await self.emit("media:ready", path + ".small.ppm")

    def report(self) -> None:
        self.set_state({"waiting": self.pending_count()})


class Library(Controller):
    """Takes pictures in, and tells the browsers of each thumbnail."""

    name = "library"
    schemas = {"add": Schema("add", {"path": Field(str, required=True)})}

    def on_start(self) -> None:
        self.listen("media:ready", self.tell_browsers)

    async def tell_browsers(self, path: str) -> None:
        await self.socketio.emit("ready", path)

    def build_routes(self, router) -> None:
        @router.route("/media", methods=["POST"])
        async def add():
            item = self.schema("add").require(await expect_json())  # 400 with the fields that are wrong
            if not await anyio.Path(item["path"]).is_file():
                raise HTTPError("there is no such file", 404)
            await self.emit("media:added", item["path"])
            return {"accepted": item["path"]}, 202

    def build_events(self, handler) -> None:
        handler.on("pending", lambda data: registry.require("thumbnails").pending_count())  # the acknowledgement


app = Quart(__name__)
sio = socketio.AsyncServer(async_mode="asgi")
manager = boot(app, sio, services=[Thumbnails()], controllers=[Library()])
asgi = manager.asgi
