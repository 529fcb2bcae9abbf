"""The harness itself, cancelled at every checkpoint: nothing of what it has booted or connected is left."""

import pytest
import socketio
from anyio.lowlevel import checkpoint
from quart import Quart

from specter import Controller, Service, boot
from specter.testing import cancel_everywhere, http, running, socket

on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])


class Part(Service):
    """Has a subscription, and waits in its hooks."""

    async def on_start(self):
        self.listen("event", print)
        await checkpoint()

    async def on_stop(self):
        await checkpoint()


class Echo(Controller):
    """Answers a request and an event, after a wait."""

    name = "echo"

    def build_routes(self, router):
        @router.route("/said")
        async def said():
            await checkpoint()
            return {"said": 1}

    def build_events(self, handler):
        async def echo(data):
            await checkpoint()
            return data

        handler.on("echo", echo)


def application():
    sio = socketio.AsyncServer(async_mode="asgi")
    return boot(Quart("application"), sio, services=[Part("part")], controllers=[Echo()])


async def test_a_service_that_runs():
    async def scenario():
        async with running(Part("part")):
            await checkpoint()

    assert await cancel_everywhere(scenario) > 10


@on_asyncio
async def test_a_manager_that_runs():
    async def scenario():
        async with running(application()):
            await checkpoint()

    assert await cancel_everywhere(scenario) > 10


@on_asyncio
async def test_a_request():
    async def scenario():
        async with http(application()) as client:
            assert (await client.get("/said")).status_code == 200

    assert await cancel_everywhere(scenario) > 10


@on_asyncio
async def test_a_socket():
    async def scenario():
        async with socket(application()) as client:
            assert await client.call("echo", 1) == 1

    assert await cancel_everywhere(scenario) > 10
