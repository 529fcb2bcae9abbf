"""An application that clients talk to over Socket.IO, for tests of the client in memory."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
import socketio
from quart import Quart

from specter import Controller, Runtime, Service, ServiceManager, boot, registry
from specter.testing import loop_factory

in_virtual_time = pytest.mark.parametrize(
    "anyio_backend", [("asyncio", {"loop_factory": loop_factory})], ids=["virtual"]
)


class Talk(Controller):
    """Answers events, refuses one client, and notes who has gone."""

    name = "talk"

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def build_events(self, handler: Any) -> None:
        handler.on("connect", self.come)
        handler.on("disconnect", lambda sid, reason: self.seen.append(reason))
        handler.on("echo", lambda data=None: data)
        handler.on("running", lambda: registry.require("part").running)
        handler.on("fail", self.fail)
        handler.on("slow", self.slow)
        handler.on("runtime", lambda: getattr(Runtime.current(), "name", None))

    def come(self, auth: Any) -> None:
        if auth == "banned":
            raise ConnectionRefusedError("you are banned")

    async def fail(self) -> None:
        raise LookupError("not there")

    async def slow(self, seconds: float) -> str:
        await anyio.sleep(seconds)
        return "done"


def application(*services: Service) -> ServiceManager:
    """The manager of an application with these services, which talks."""
    sio = socketio.AsyncServer(async_mode="asgi")
    return boot(Quart(__name__), sio, services=services, controllers=[Talk()])
