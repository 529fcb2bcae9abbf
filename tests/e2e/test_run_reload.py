"""`specter run --reload`: a change starts the application anew."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from children import alive, soon
from e2e.run import linux_alone, serving
from e2e.served import Served, command


@pytest.fixture
def changing(tmp_path: Path) -> Iterator[tuple[Served, Path]]:
    """A server that is started anew, and its module."""
    module = tmp_path / "changing.py"
    module.write_text(SAYS.format("one"))
    with serving("changing:site", "--reload", folder=tmp_path) as served:
        yield served, module


SAYS = """
import os
import sys

async def site(scope, receive, send):
    if scope["type"] == "http":
        await send({{"type": "http.response.start", "status": 200, "headers": []}})
        await send({{"type": "http.response.body", "body": b"{0} %d" % os.getpid()}})
    else:
        await receive()
        sys.stderr.write("booted\\n")
        await send({{"type": "lifespan.startup.complete"}})
        await receive()
        await send({{"type": "lifespan.shutdown.complete"}})
"""


def answer(served: Served) -> list[str]:
    """What it says; empty while nobody answers."""
    try:
        return httpx.get(served.url).text.split()
    except httpx.TransportError:
        return []


def test_a_change_starts_the_application_anew_on_the_same_port(changing: tuple[Served, Path]) -> None:
    served, module = changing
    before = answer(served)
    assert served.said().count("booted") == 1
    # Of another length: by that Python knows it from what it has compiled within the same second.
    module.write_text(SAYS.format("another"))
    assert soon(lambda: answer(served)[:1] == ["another"])
    code = served.stop(signal.SIGINT)

    assert served.said().count("booted") == 2
    assert before[0] == "one"
    assert not alive(int(before[1]))
    assert code == 0


def test_an_error_in_the_module_waits_for_the_next_change(changing: tuple[Served, Path]) -> None:
    served, module = changing
    module.write_text("1 / 0")
    assert soon(lambda: "ZeroDivisionError" in served.said())
    module.write_text(SAYS.format("mended"))
    assert soon(lambda: answer(served)[:1] == ["mended"])

    assert served.stop(signal.SIGTERM) == 0


@linux_alone
def test_the_application_does_not_outlive_a_kill_of_what_watches(changing: tuple[Served, Path]) -> None:
    served, _ = changing
    pid = int(answer(served)[1])
    served.process.kill()
    served.process.wait()

    assert soon(lambda: not alive(pid))


def test_what_is_wrong_from_the_beginning_is_not_waited_for(tmp_path: Path) -> None:
    done = command("run", "nowhere:app", "--port", "0", "--reload", folder=tmp_path)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
