"""Two hundred Socket.IO clients at once: each of them is answered, with what it asked for."""

from __future__ import annotations

import asyncio

import pytest
import socketio
from e2e.crowd import unlimited
from e2e.served import APPS, Served

CLIENTS = 200
ROUNDS = 5


async def ask(client: socketio.AsyncClient, number: int) -> list[object]:
    """Ask several things at once, and who the server takes the client for."""
    questions = [client.call("echo", [number, turn], timeout=20) for turn in range(ROUNDS)]
    return [*await asyncio.gather(*questions), await client.call("who", timeout=20) == client.get_sid()]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "target", [("talk:asgi",), ("flask_talk:app", "--backend", "gevent")], ids=["asyncio", "gevent"]
)
async def test_all_acknowledgements_of_all_clients_are_answered(target: tuple[str, ...]) -> None:
    with Served("run", *target, "--port", "0", folder=APPS) as served:
        async with unlimited() as session:
            clients = [socketio.AsyncClient(http_session=session, reconnection=False) for _ in range(CLIENTS)]
            for client in clients:
                await client.connect(served.url, transports=["websocket"], wait_timeout=20)
            answers = await asyncio.gather(*(ask(client, number) for number, client in enumerate(clients)))
            connected = [client.connected for client in clients]
            for client in clients:
                await client.disconnect()

    assert answers == [[*([number, turn] for turn in range(ROUNDS)), True] for number in range(CLIENTS)]
    assert connected == [True] * CLIENTS
