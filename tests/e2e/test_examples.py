"""The applications in ``examples/``, served as their readers would."""

import shutil
import sys
from pathlib import Path

import httpx
import pytest
import socketio
from e2e.served import Served
from fresh import ROOT

THUMBNAILS = ROOT / "examples" / "thumbnails"
PICTURE = b"P6 8 8 255\n" + bytes(range(192))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy, so that what runs leaves nothing in the repository."""
    return Path(shutil.copytree(THUMBNAILS, tmp_path / "thumbnails"))


async def test_thumbnails_are_made_and_told(folder: Path) -> None:
    (folder / "picture.ppm").write_bytes(PICTURE)
    with Served("run", "app:asgi", "--port", "0", folder=folder) as server:
        async with httpx.AsyncClient(base_url=server.url) as http, socketio.AsyncSimpleClient() as client:
            await client.connect(server.url, transports=["websocket"], wait_timeout=10)
            answer = await http.post("/media", json={"path": "picture.ppm"})
            event = await client.receive(timeout=15)
            pending = await client.call("pending", {}, timeout=5)
        code = server.stop()

    assert (answer.status_code, answer.json()) == (202, {"accepted": "picture.ppm"})
    assert event == ["ready", "picture.ppm.small.ppm"]
    assert pending == 0
    assert (folder / "picture.ppm.small.ppm").read_bytes().startswith(b"P6 2 2 255\n")
    assert code == 0


def test_thumbnails_refuse_what_is_wrong(folder: Path) -> None:
    with Served("run", "app:asgi", "--port", "0", folder=folder) as server:
        wrong = httpx.post(f"{server.url}/media", json={"file": "picture.ppm"})
        missing = httpx.post(f"{server.url}/media", json={"path": "none.ppm"})

    assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["path"])
    assert missing.status_code == 404


def test_shrinking_keeps_each_fourth_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(THUMBNAILS))
    import shrink

    # The pixels begin with a byte that is white space, which the header must not take for its own.
    small = shrink.shrink(b"P6\n4 1\n255\n" + b" 23456789abc")
    del sys.modules["shrink"]

    assert small == b"P6 1 1 255\n 23"
