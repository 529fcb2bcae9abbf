"""`specter run` with an application that has a manager."""

from __future__ import annotations

import re
import signal
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from children import alive, soon
from e2e.raw import Raw
from e2e.served import Served, command

APPS = Path(__file__).parent / "apps"


def serving(target: str, *options: str) -> Served:
    return Served("run", f"managed:{target}", "--port", "0", *options, folder=APPS)


def child_of(said: str) -> int:
    (pid,) = re.findall(r"managed: child (\d+)", said)
    return int(pid)


@pytest.mark.parametrize("target", ["app", "wrapped", "build()", "without_sockets", "without_sockets.app"])
def test_whatever_name_is_given_the_manager_boots_once_and_ends(target: str) -> None:
    with serving(target) as served:
        answer = httpx.get(served.url).json()
        asked = threading.Thread(target=lambda: answer.update(httpx.get(f"{served.url}/slow").json()))
        asked.start()
        assert soon(lambda: "slow begins" in served.said())
        code = served.stop(signal.SIGTERM)
        asked.join()

        assert code == 0
        assert served.said().count("boot complete") == 1
        assert served.said().count("shutdown complete") == 1
        # Of the one that was in flight when the signal came, and was answered in the grace.
        assert answer["ready"] is False


@pytest.mark.parametrize(
    ("options", "grace", "shutdown"),
    [([], 3, 30), (["--graceful-timeout", "0.5", "--shutdown-timeout", "7"], 0.5, 7)],
    ids=["its own", "given"],
)
def test_the_options_beat_the_manager_where_they_are_given(options: list[str], grace: float, shutdown: float) -> None:
    with serving("patient", *options) as served:
        assert httpx.get(served.url).json() == {"ready": True, "grace": grace, "shutdown": shutdown}


def test_a_boot_that_fails_names_the_service_and_is_rolled_back() -> None:
    done = command("run", "managed:failing", "--port", "0", folder=APPS)

    assert done.returncode == 1
    assert done.stdout == ""
    assert re.search("the boot failed: .*'database'.*no database on port 5432", done.stderr)
    assert not alive(child_of(done.stderr))


def test_a_boot_that_hangs_can_be_interrupted_and_is_rolled_back() -> None:
    with ExitStack() as stack:
        served = stack.push(serving("hanging"))
        assert soon(lambda: "managed: child" in served.said(), 30)
        code = served.stop(signal.SIGTERM)

        assert code == 1, served.said()
        assert "service 'child' stopped" in served.said()
        assert not alive(child_of(served.said()))


@pytest.mark.skipif(sys.platform != "linux", reason="there is a supervisor on Linux alone")
def test_a_second_signal_leaves_no_process_behind() -> None:
    with serving("asgi") as served, Raw(served.url) as client:
        client.request("GET /forever")
        assert soon(lambda: "forever begins" in served.said())
        served.process.send_signal(signal.SIGINT)
        assert soon(lambda: "SIGINT: shutting down" in served.said())
        time.sleep(0.2)  # two signals of one moment count as one
        code = served.stop(signal.SIGINT)

        assert code == 128 + signal.SIGINT
        assert not alive(child_of(served.said()))
