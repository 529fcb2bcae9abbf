"""
Small applications with a manager, to be served by whatever name of them is given.

    specter run managed:app
"""

import asyncio
import logging
import sys

import socketio
from quart import Quart

from specter import Service, ServiceManager, boot

log = logging.getLogger("managed")


class Child(Service):
    """Owns a process; the pid is in the log."""

    async def on_start(self):
        process = await self.start_process([sys.executable, "-c", "import time; time.sleep(600)"])
        log.info("child %d", process.pid)


class Failing(Service):
    depends_on = ("child",)

    async def on_start(self):
        raise OSError("no database on port 5432")


class Hanging(Service):
    depends_on = ("child",)

    async def on_start(self):
        await asyncio.sleep(600)


def build(*services, sockets=True, **options):
    app = Quart("managed")

    @app.get("/")
    async def ready():
        return {"ready": manager.ready, "grace": manager.graceful_timeout, "shutdown": manager.shutdown_timeout}

    @app.get("/slow")
    async def slow():
        log.info("slow begins")
        while manager.ready:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        return {"ready": manager.ready}

    @app.get("/forever")
    async def forever():
        log.info("forever begins")
        await asyncio.sleep(600)

    sio = socketio.AsyncServer(async_mode="asgi") if sockets else None
    manager = boot(app, sio, services=services, **options)
    return manager


def build_empty():
    return ServiceManager(Quart("empty"))


class Middleware:
    """What people put round an ASGI application."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


manager = build(Child("child"))
app = manager.app
asgi = manager.asgi
wrapped = Middleware(asgi)
without_sockets = build(Child("child"), sockets=False)
failing = build(Child("child"), Failing("database"))
hanging = build(Child("child"), Hanging("database"))
patient = build(Child("child"), graceful_timeout=3, shutdown_timeout=30)
