"""Connections of real clients: who refuses them, and that nobody can forge them."""

import asyncio
import functools
import logging
from typing import Any

import pytest
import socketio
from live_sockets import Live, live_server, raising, transports

from specter import SocketIngress
from specter.testing import eventually


@transports
@pytest.mark.parametrize(
    ("subscriber", "message"),
    [
        pytest.param(lambda: False, "Connection rejected by server", id="false"),
        pytest.param(raising(ValueError("secret")), "Connection rejected by server", id="error"),
        pytest.param(lambda one, two, three: None, "Connection rejected by server", id="wrong-parameters"),
        pytest.param(raising(ConnectionRefusedError("full")), "full", id="built-in"),
        pytest.param(raising(socketio.exceptions.ConnectionRefusedError("full", 2)), "full", id="python-socketio"),
        pytest.param(raising(ConnectionRefusedError()), "Connection rejected by server", id="without-argument"),
        pytest.param(raising(ConnectionRefusedError(111, "db")), "Connection rejected by server", id="system"),
        pytest.param(raising(asyncio.CancelledError()), "Connection rejected by server", id="stray-cancellation"),
    ],
)
async def test_a_subscriber_to_connect_refuses(
    server: Live, ingress: SocketIngress, transport: str, subscriber: Any, message: str
) -> None:
    later: list[str] = []
    ingress.on("connect", subscriber)
    # No later answer overrides, and no later refusal changes the reason.
    ingress.on("connect", lambda: later.append("asked") or True)
    ingress.on("connect", raising(ConnectionRefusedError("later")))

    assert await server.refused(transport) == message
    assert later == ["asked"]


async def test_a_refusal_is_no_error(server: Live, ingress: SocketIngress, caplog: pytest.LogCaptureFixture) -> None:
    errors: list[BaseException] = []
    ingress.on_error_default(errors.append)
    ingress.on("connect", raising(ConnectionRefusedError("full")))

    assert await server.refused() == "full"
    assert errors == []
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


async def test_what_is_not_false_lets_the_client_in(server: Live, ingress: SocketIngress) -> None:
    for answer in (None, 0, "", True, "welcome"):
        ingress.on("connect", functools.partial(lambda answer: answer, answer))
    async with server.client() as client:
        assert client.connected


async def test_a_connection_that_is_always_made_is_ended_by_a_refusal() -> None:
    async with live_server(always_connect=True) as server:
        ingress = SocketIngress(server.sio)
        ingress.on("connect", raising(ValueError("no")))
        async with server.client() as client:
            sid = client.get_sid()
            await eventually(lambda: not server.sio.manager.is_connected(sid, "/"))


async def test_a_client_cannot_forge_connect_or_disconnect(
    server: Live, ingress: SocketIngress, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Any] = []
    answers: list[Any] = []
    ingress.on("connect", lambda auth, environ: heard.append(("connect", auth, "FORGED" in environ)))
    ingress.on("disconnect", lambda reason: heard.append(("disconnect", reason)))
    ingress.on("last", lambda: "there")
    async with server.client() as client:
        for forged in [
            ("connect", ({"FORGED": "yes"}, "admin")),
            ("connect", None),
            ("disconnect", "server disconnect"),
            ("disconnect", None),
        ]:
            await client.emit(*forged, callback=lambda *values: answers.append(values))
        assert await client.call("last") == "there"
        assert heard == [("connect", None, False)]
        await server.sio.disconnect(client.get_sid())

    assert heard[1:] == [("disconnect", "server disconnect")]
    assert set(answers) <= {(False,)}
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []
