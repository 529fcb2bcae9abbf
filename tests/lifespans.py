"""What tests of the harness boot: services that note their life, and an application round them."""

from __future__ import annotations

import socketio
from quart import Quart

from specter import Service, ServiceManager, boot


class Part(Service):
    """A service that notes its start and its stop."""

    def __init__(self, name: str = "part") -> None:
        super().__init__(name)
        self.log: list[str] = []

    async def on_start(self) -> None:
        self.log.append("start")

    async def on_stop(self) -> None:
        self.log.append("stop")


class Broken(Service):
    """A service that does not start."""

    async def on_start(self) -> None:
        raise OSError("port in use")


def application(*services: Service) -> tuple[Quart, ServiceManager, list[str]]:
    """A Quart application that notes its own lifespan, and its manager."""
    app = Quart(__name__)
    log: list[str] = []

    @app.before_serving
    async def open_pool() -> None:
        log.append("pool")

    @app.after_serving
    async def close_pool() -> None:
        log.append("no pool")

    return app, boot(app, socketio.AsyncServer(async_mode="asgi"), services=services), log
