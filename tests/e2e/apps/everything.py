"""
An application with one of everything, which tells the moments of its end.

    specter run everything:asgi
    STUBBORN_TASK=1 specter run everything:asgi         with a task that swallows its cancellation
"""

import asyncio
import os
import sys
import time
from subprocess import PIPE

import socketio
from quart import Quart

from specter import Controller, QueueService, Service, Watcher, boot, registry

IGNORES_SIGTERM = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""


def mark(what):
    """Tell a moment, on the clock that all processes of a machine share."""
    sys.stderr.write(f"MARK {time.monotonic():.3f} {what}\n")


class Keeper(Service):
    """Owns a child that ignores SIGTERM, and a watcher."""

    async def on_start(self):
        ready = asyncio.Event()
        self.child = await self.start_process([sys.executable, "-c", IGNORES_SIGTERM], stdout=PIPE)
        self.child.follow_output(stdout_handler=lambda line: ready.set())
        await ready.wait()
        self.ticks = self.own(Watcher("ticks", poll=time.monotonic, interval=0.1))
        self.ticks.subscribe(lambda value, watcher: self.set_state({"tick": value}))
        await self.ticks.start()

    async def on_stop(self):
        mark("keeper stops")


class Sweeper(Service):
    """Has a task that ends when it is told to, and perhaps one that does not."""

    depends_on = ("keeper",)

    async def on_start(self):
        self.spawn(self.sweep)
        if "STUBBORN_TASK" in os.environ:
            self.spawn(self.swallow)

    async def sweep(self):
        await asyncio.sleep(600)

    async def swallow(self):
        while True:
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                mark("a cancellation is swallowed")

    async def on_stop(self):
        mark("sweeper stops")


class Jobs(QueueService):
    """Works off what clients send."""

    async def handle_item(self, item):
        await self.emit("job:done", item)

    async def on_stop(self):
        mark("jobs stop")


class Desk(Controller):
    """Its routes and events."""

    name = "desk"

    async def on_start(self):
        self.listen("job:done", self.tell)

    def build_routes(self, router):
        @router.route("/child")
        async def child():
            return {"pid": registry.require("keeper").child.pid}

        @router.route("/slow")
        async def slow():
            mark("the slow request begins")
            await asyncio.sleep(1.5)
            mark("the slow request is answered")
            return {"answer": 42}

        @router.route("/stream")
        async def stream():
            return endless(), 200, {"Content-Type": "text/event-stream"}

    def build_events(self, handler):
        handler.on("work", self.work)
        handler.on("short", self.short)
        handler.on("job", lambda item: registry.require("jobs").enqueue_nowait(item))

    async def work(self):
        mark("work begins")
        try:
            await asyncio.sleep(600)
        finally:
            await asyncio.sleep(0.05)
            mark("the handler has cleaned up")

    async def short(self):
        await asyncio.sleep(0.5)
        return "done"

    async def tell(self, item):
        await self.socketio.emit("done", item)

    async def on_stop(self):
        mark("desk stops")


async def endless():
    try:
        while True:
            yield b"data: tick\n\n"
            await asyncio.sleep(0.1)
    finally:
        mark("the stream is ended")


app = Quart(__name__)
sio = socketio.AsyncServer(async_mode="asgi")
manager = boot(app, sio, services=[Sweeper("sweeper"), Keeper("keeper"), Jobs("jobs")], controllers=[Desk()])
asgi = manager.asgi
