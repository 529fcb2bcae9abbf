"""
What `everything` is on asyncio, on Flask and gevent.

    specter run flask_everything:app --backend gevent
    STUBBORN_TASK=1 specter run flask_everything:app --backend gevent        with a handler that swallows its kill
"""

import os
import sys
import time
from subprocess import PIPE

import gevent
from flask import Flask, Response
from flask_socketio import SocketIO

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

    def on_start(self):
        ready = gevent.event.Event()
        self.child = self.start_process([sys.executable, "-c", IGNORES_SIGTERM], stdout=PIPE)
        self.child.follow_output(stdout_handler=lambda line: ready.set())
        ready.wait()
        self.ticks = self.own(Watcher("ticks", poll=time.monotonic, interval=0.1))
        self.ticks.subscribe(lambda value, watcher: self.set_state({"tick": value}))
        self.ticks.start()

    def on_stop(self):
        mark("keeper stops")


class Sweeper(Service):
    """Has a greenlet that ends when it is told to."""

    def on_start(self):
        self.spawn(gevent.sleep, 600)

    def on_stop(self):
        mark("sweeper stops")


class Jobs(QueueService):
    """Works off what clients send."""

    def handle_item(self, item):
        self.emit("job:done", item)

    def on_stop(self):
        mark("jobs stop")
        super().on_stop()


class Desk(Controller):
    """Its routes and events."""

    name = "desk"

    def on_start(self):
        self.listen("job:done", self.tell)

    def build_routes(self, router):
        @router.route("/child")
        def child():
            return {"pid": registry.require("keeper").child.pid}

        @router.route("/slow")
        def slow():
            mark("the slow request begins")
            gevent.sleep(1.5)
            mark("the slow request is answered")
            return {"answer": 42}

        @router.route("/stream")
        def stream():
            return Response(endless(), content_type="text/event-stream")

    def build_events(self, handler):
        handler.on("work", self.work)
        handler.on("short", self.short)
        handler.on("job", lambda item: registry.require("jobs").enqueue(item))

    def work(self):
        mark("work begins")
        try:
            gevent.sleep(600)
        finally:
            gevent.sleep(0.05)
            mark("the handler has cleaned up")
            if "STUBBORN_TASK" in os.environ:
                self.swallow()

    def swallow(self):
        gevent.sleep(600)

    def short(self):
        gevent.sleep(0.5)
        return "done"

    def tell(self, item):
        self.socketio.emit("done", item)

    def on_stop(self):
        mark("desk stops")


def endless():
    try:
        while True:
            yield b"data: tick\n\n"
            gevent.sleep(0.1)
    finally:
        mark("the stream is ended")


app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent")
manager = boot(app, socketio, services=[Keeper("keeper"), Sweeper("sweeper"), Jobs("jobs")], controllers=[Desk()])
