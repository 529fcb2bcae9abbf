"""One Flask application, unchanged under specter-runtime 0.1.1 and under this package."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import socketio
from cached import original
from children import soon
from e2e.served import Served
from fresh import ROOT

FOLDER = ROOT / "examples" / "flask_gevent"


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def by_its_own_command(path: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The application as its author starts it, with the package that is on *path*."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(path), "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=FOLDER,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        assert soon(lambda: answers(url), 30)
        yield url, process
    finally:
        process.kill()
        process.communicate()


def seen_by_a_client(url: str) -> dict[str, Any]:
    """What one client sees of the application."""
    seen = {}
    with httpx.Client(base_url=url) as http, socketio.SimpleClient() as client:
        client.connect(url, transports=["websocket"], wait_timeout=10)
        seen["welcome"] = client.receive(timeout=10)
        seen["taken"] = told(http.post("/texts", json={"text": "to be or not to be", "id": "hamlet"}))
        seen["counted"] = client.receive(timeout=10)
        client.emit("pending", {})
        seen["pending"] = client.receive(timeout=10)
        seen["counts"] = told(http.get("/texts"))
        seen["without a text"] = told(http.post("/texts", json={"id": "hamlet"}))
        seen["no JSON"] = told(http.post("/texts", content=b"{"))
        seen["health"] = told(http.get("/health"))
    return seen


def told(answer: httpx.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json()


EXPECTED = {
    "welcome": ["welcome", {"texts": 0}],
    "taken": (202, {"accepted": "hamlet"}),
    "counted": ["counted", {"id": "hamlet", "words": 6}],
    "pending": ["pending", 0],
    "counts": (200, {"counts": {"hamlet": 6}, "total": 6}),
}


@pytest.mark.parametrize("package", [pytest.param("original", marks=pytest.mark.slow), "ours"])
def test_a_client_sees_the_same_with_both_packages(package: str) -> None:
    with by_its_own_command(original() if package == "original" else ROOT) as (url, process):
        seen = seen_by_a_client(url)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)

    assert {name: seen[name] for name in EXPECTED} == EXPECTED
    assert seen["without a text"] == (
        400,
        {
            "error": "[text] Validation failed: text: 'text' is required",
            "errors": {"text": "'text' is required"},
        },
    )
    assert seen["no JSON"] == (400, {"error": "Request body is required"})
    assert list(seen["health"][1]["services"]) == ["archive", "counter", "texts"]
    assert output == "archive of 1 texts is closed\n"


def test_it_is_served_by_our_command() -> None:
    with Served("run", "app:app", "--port", "0", "--backend", "gevent", folder=FOLDER) as server:
        seen = seen_by_a_client(server.url)
        code = server.stop()

    assert {name: seen[name] for name in EXPECTED} == EXPECTED
    assert code == 0
