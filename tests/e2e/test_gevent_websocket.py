"""Where gevent-websocket is installed it has the websockets, under `specter run` and under `socketio.run`."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import httpx
import pytest
import socketio
from cached import PYTHON, cached, pip
from e2e.served import SPECTER, Served
from fresh import ROOT

from specter.testing import eventually

pytestmark = pytest.mark.slow

VERSION = "gevent-websocket==0.10.1"
APPLICATION = """
from gevent import monkey
monkey.patch_all()

import gevent, signal, socket
from flask import Flask, request
from flask_socketio import SocketIO
from specter import Controller, boot

class Talk(Controller):
    name = "talk"

    def build_routes(self, router):
        @router.route("/")
        def home():
            return {"home": True}

    def build_events(self, handler):
        handler.on("add", lambda one, other: one + other)
        handler.on("carrier", lambda: type(request.environ.get("wsgi.websocket")).__module__)
        handler.on("slow", lambda: gevent.sleep(0.3) or "done")

app = Flask(__name__)
server = SocketIO(app, async_mode="gevent")
manager = boot(app, server, controllers=[Talk()])

if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    gevent.signal_handler(signal.SIGTERM, lambda: (manager.shutdown(), server.stop()))
    print(f"http://127.0.0.1:{port}/", flush=True)
    server.run(app, port=port)
"""
RUN = {
    "specter run": (SPECTER, ("run", "application:app", "--backend", "gevent", "--port", "0")),
    "socketio.run": ((sys.executable, "application.py"), ()),
}


def gevent_websocket() -> Path:
    """The folder to put on the path for it."""
    return cached(
        f"{VERSION}-{PYTHON}", lambda folder: pip("install", "--quiet", "--no-deps", "--target", folder, VERSION)
    )


def serving(folder: Path, how: str) -> Served:
    (folder / "application.py").write_text(APPLICATION)
    program, args = RUN[how]
    path = os.pathsep.join(map(str, [gevent_websocket(), ROOT]))
    return Served(*args, folder=folder, program=program, environment={"PYTHONPATH": path})


@asynccontextmanager
async def clients(url: str, *transports: str) -> AsyncIterator[list[socketio.AsyncClient]]:
    """Clients of these transports. End the server first: a client that goes while it polls leaves a connection open."""
    await eventually(lambda: port_is_open(url))
    async with aiohttp.ClientSession() as session:
        found = [socketio.AsyncClient(http_session=session, reconnection=False) for _ in transports]
        for client, by in zip(found, transports, strict=True):
            await client.connect(url, transports=[by], wait_timeout=10)
        yield found
        for client in found:
            await client.disconnect()


def port_is_open(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.ConnectError:
        return False


@pytest.mark.parametrize("how", RUN)
async def test_http_and_both_transports_are_served(tmp_path: Path, how: str) -> None:
    with serving(tmp_path, how) as served:
        async with clients(served.url, "polling", "websocket") as connected:
            home = await asyncio.to_thread(httpx.get, served.url)
            answers = [await client.call("add", (1, 2), timeout=10) for client in connected]
            carrier = await connected[1].call("carrier", timeout=10)
            transports = [client.transport() for client in connected]
            await asyncio.to_thread(served.stop, signal.SIGTERM)

    assert home.json() == {"home": True}
    assert answers == [3, 3]
    assert transports == ["polling", "websocket"]
    assert carrier == "geventwebsocket.websocket"


async def test_clients_are_answered_and_told_before_it_ends(tmp_path: Path) -> None:
    answers: list[str] = []
    reasons: list[str] = []
    with serving(tmp_path, "specter run") as served:
        async with clients(served.url, "websocket", "polling") as connected:
            for client in connected:
                client.on("disconnect", reasons.append)
            await connected[0].emit("slow", callback=answers.append)
            assert await connected[0].call("add", (1, 2), timeout=10) == 3
            code = await asyncio.to_thread(served.stop, signal.SIGTERM)
            await eventually(lambda: len(reasons) == 2)

    assert code == 0
    assert answers == ["done"]
    assert reasons == ["server disconnect", "server disconnect"]
