"""Ends of `specter run` with clients that do not behave, and with work that does not end."""

from __future__ import annotations

import re
import signal
import time

import pytest
from children import soon
from e2e.raw import Raw
from e2e.served import APPS, Served

TIMEOUT = 10  # of a shutdown, in seconds; the exit code would tell of one that was cut by it


def on(server: str) -> pytest.MarkDecorator:
    """Run the case on one server by default, and on all three in the long run."""
    others = [other for other in ("hypercorn", "uvicorn", "granian") if other != server]
    return pytest.mark.parametrize(
        "server", [server, *(pytest.param(other, marks=pytest.mark.slow) for other in others)]
    )


def serving(server: str, *options: str) -> Served:
    return Served("run", "hard:asgi", "--port", "0", "--server", server, *options, folder=APPS)


def stop(served: Served) -> tuple[int, float]:
    """End it; the exit code, and how long that took."""
    begun = time.monotonic()
    code = served.stop(signal.SIGTERM)
    return code, time.monotonic() - begun


@on("hypercorn")
def test_a_client_that_does_not_read_is_cut(server: str) -> None:
    with serving(server) as served, Raw(served.url) as client:
        client.socketio()
        client.send('42["flood"]')
        assert soon(lambda: "flooded" in served.said())
        code, seconds = stop(served)

        assert code == 0
        assert seconds < TIMEOUT
        assert "is cut: its client does not read" in served.said()


@on("uvicorn")
def test_a_client_that_does_not_answer_the_close_is_left(server: str) -> None:
    with serving(server) as served, Raw(served.url) as client:
        client.socketio()
        code, seconds = stop(served)

        assert code == 0
        assert seconds < TIMEOUT
        assert "disconnect: server disconnect" in served.said()


@on("granian")
def test_an_upload_that_stays_half_is_ended(server: str) -> None:
    with serving(server, "--graceful-timeout", "0.5") as served, Raw(served.url) as client:
        client.request("POST /upload", "content-length: 1000", body=b"x" * 10)
        assert soon(lambda: "upload begins" in served.said())
        code, seconds = stop(served)

        assert code == 0
        assert seconds < TIMEOUT


@on("hypercorn")
def test_a_websocket_of_the_application_is_closed_for_a_restart(server: str) -> None:
    with serving(server) as served, Raw(served.url) as client:
        client.websocket("/echo")
        client.send("hello")
        assert client.frame() == (1, b"hello")
        served.process.send_signal(signal.SIGTERM)
        kind, content = client.frame()

        assert (kind, int.from_bytes(content[:2], "big")) == (8, 1012)
        assert served.process.wait(10) == 0
        assert "echo ends" in served.said()


@on("uvicorn")
def test_a_handler_that_swallows_its_cancellation_is_named(server: str) -> None:
    with serving(server, "--graceful-timeout", "0.5") as served, Raw(served.url) as client:
        client.socketio()
        client.send('42["swallow"]')
        assert soon(lambda: "swallow begins" in served.said())
        code, seconds = stop(served)

        assert code == 1
        assert seconds < TIMEOUT
        assert re.search(r"did not end: event 'swallow' .* at hard.py:\d+ in swallow", served.said())


@on("granian")
def test_an_idle_connection_holds_nobody(server: str) -> None:
    with serving(server) as served, Raw(served.url) as client:
        client.request("GET /nothing")
        assert client.socket.recv(12) == b"HTTP/1.1 404"
        code, seconds = stop(served)

        assert code == 0
        assert seconds < TIMEOUT
