"""
A proven exit: SIGTERM with clients connected and work in flight, under each server.

The whole matrix (servers, Pythons, with and without a task that swallows its cancellation) is slow; by default each
server ends once.
"""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest
from children import alive, soon
from e2e.crowd import Crowd, crowd
from e2e.pythons import pythons
from e2e.served import APPS, MAIN, WARNINGS, Served

BUDGET = 10


@dataclass
class End:
    """How an application ended. Moments are seconds after the signal."""

    code: int
    seconds: float
    crowd: Crowd
    said: str
    signal_at: float
    child_lives: bool

    def at(self, what: str) -> float:
        """When something was told."""
        (moment,) = re.findall(rf"^MARK (\S+) {what}$", self.said, re.MULTILINE)
        return float(moment) - self.signal_at

    def stops(self) -> list[str]:
        """The services, in the order in which they stopped."""
        return re.findall(r"^MARK \S+ (\w+) stops?$", self.said, re.MULTILINE)


async def end(served: Served, websockets: int, polling: int) -> End:
    """Have a crowd in an application, and end it."""
    async with httpx.AsyncClient(base_url=served.url) as http:
        child = (await http.get("/child")).json()["pid"]
    async with crowd(served.url, websockets, polling) as clients:
        begun = ("work begins", "the slow request begins")
        assert await asyncio.to_thread(soon, lambda: all(what in served.said() for what in begun))
        signal_at = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(served.process.wait, 2 * BUDGET)
        seconds = time.monotonic() - signal_at
    return End(code, seconds, clients, served.said(), signal_at, alive(child))


def kept_its_promises(end: End, clients: int) -> None:
    """What holds of every end, but for the exit code."""
    first_stop = end.at("desk stops")

    assert end.seconds < BUDGET
    assert end.crowd.reasons == ["server disconnect"] * clients
    assert end.crowd.slow[0] == 200
    assert end.crowd.acknowledged == {"short": ("done",)}  # none of what was cancelled
    assert end.crowd.stream[1] is None  # it ended with its last chunk
    assert end.at("the stream is ended") < end.at("the handler has cleaned up")
    assert 0 < end.at("the slow request is answered") < first_stop
    assert 1.9 < end.at("the handler has cleaned up") < first_stop
    assert end.stops()[0] == "desk"
    assert end.stops().index("sweeper") < end.stops().index("keeper")
    assert not end.child_lives
    assert "was destroyed" not in end.said
    assert "Traceback" not in end.said


async def serve_and_end(
    server: str, *, python: str, stubborn: bool, websockets: int, polling: int, target: str = "everything:asgi"
) -> End:
    how = ("--backend", "gevent") if server == "gevent" else ("--server", server)
    served = Served(
        *("run", target, "--port", "0", *how),
        folder=APPS,
        program=[python, *WARNINGS, "-c", MAIN],
        environment={"STUBBORN_TASK": "1"} if stubborn else {},
    )
    with served:
        return await end(served, websockets, polling)


@pytest.mark.parametrize("server", ["uvicorn", pytest.param("granian", marks=pytest.mark.slow)])
async def test_an_end_in_order(server: str) -> None:
    end = await serve_and_end(server, python=sys.executable, stubborn=False, websockets=4, polling=2)

    kept_its_promises(end, 6)
    assert end.code == 0


async def test_an_end_with_a_task_that_swallows_its_cancellation() -> None:
    end = await serve_and_end("hypercorn", python=sys.executable, stubborn=True, websockets=4, polling=2)

    kept_its_promises(end, 6)
    names_the_stubborn_task(end)


def names_the_stubborn_task(end: End) -> None:
    assert end.code == 1
    assert re.search(r"task '\w+.swallow' of 'sweeper' did not end, waits at everything.py:\d+ in swallow", end.said)
    assert end.said.count("in swallow") == 1


async def test_an_end_in_order_on_gevent() -> None:
    end = await serve_on_gevent(sys.executable, stubborn=False, websockets=4, polling=2)

    kept_its_promises(end, 6)
    assert end.code == 0
    assert "not done within the graceful timeout, and ended: a socket handler, waits at flask_everything.py" in end.said


async def serve_on_gevent(python: str, *, stubborn: bool, websockets: int, polling: int) -> End:
    return await serve_and_end(
        "gevent",
        python=python,
        stubborn=stubborn,
        websockets=websockets,
        polling=polling,
        target="flask_everything:app",
    )


@pytest.mark.slow
@pytest.mark.parametrize("stubborn", [False, True], ids=["clean", "stubborn"])
@pytest.mark.parametrize("python", pythons())
async def test_an_end_under_load_on_gevent(python: str, stubborn: bool) -> None:
    end = await serve_on_gevent(python, stubborn=stubborn, websockets=200, polling=4)

    kept_its_promises(end, 204)
    assert end.code == stubborn
    assert ("did not end: a socket handler, waits at flask_everything.py" in end.said) == stubborn


@pytest.mark.slow
@pytest.mark.parametrize("stubborn", [False, True], ids=["clean", "stubborn"])
@pytest.mark.parametrize("python", pythons())
@pytest.mark.parametrize("server", ["hypercorn", "uvicorn", "granian"])
async def test_an_end_under_load(server: str, python: str, stubborn: bool) -> None:
    end = await serve_and_end(server, python=python, stubborn=stubborn, websockets=20, polling=4)

    kept_its_promises(end, 24)
    if stubborn:
        names_the_stubborn_task(end)
    else:
        assert end.code == 0


@pytest.mark.slow
@pytest.mark.parametrize("server", ["hypercorn", "uvicorn", "granian"])
async def test_an_end_on_uvloop(server: str) -> None:
    pytest.importorskip("uvloop")
    end = await serve_and_end(
        server, python=sys.executable, stubborn=False, websockets=20, polling=4, target="on_uvloop:asgi"
    )

    kept_its_promises(end, 24)
    assert end.code == 0


# Under the servers' own commands, as far as those let an application: see docs/servers.md.


def own_command(server: str, port: int) -> list[str]:
    options = {
        "hypercorn": ["-w", "0", "-b", f"127.0.0.1:{port}"],
        "uvicorn": ["--port", str(port)],
        "granian": ["--interface", "asgi", "--port", str(port)],
    }
    return ["-m", server, *options[server], "everything:asgi"]


async def serve_by_its_own_command_and_end(server: str, python: str, websockets: int, polling: int) -> End:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with ExitStack() as stack:
        served = stack.push(Served(*own_command(server, port), folder=APPS, program=[python]))
        served.url = f"http://127.0.0.1:{port}"
        assert await asyncio.to_thread(soon, lambda: answers(served.url), 20)
        return await end(served, websockets, polling)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/child").status_code == 200
    except httpx.TransportError:
        return False


async def test_uvicorns_command_keeps_all_but_its_own_exit_code() -> None:
    end = await serve_by_its_own_command_and_end("uvicorn", sys.executable, 4, 2)

    kept_its_promises(end, 6)
    assert end.code == -signal.SIGTERM


@pytest.mark.slow
@pytest.mark.parametrize("python", pythons())
@pytest.mark.parametrize(("server", "code"), [("hypercorn", 0), ("uvicorn", -signal.SIGTERM)])
async def test_a_command_of_one_process_keeps_all_under_load(server: str, code: int, python: str) -> None:
    end = await serve_by_its_own_command_and_end(server, python, 20, 4)

    kept_its_promises(end, 24)
    assert end.code == code


@pytest.mark.slow
@pytest.mark.parametrize("python", pythons())
async def test_granians_command_cuts_websockets_and_keeps_the_rest(python: str) -> None:
    end = await serve_by_its_own_command_and_end("granian", python, 20, 4)

    assert sorted(end.crowd.reasons) == ["server disconnect"] * 4 + ["transport error"] * 20
    assert end.crowd.slow[0] == 200
    assert end.at("the handler has cleaned up") < end.at("desk stops")
    assert not end.child_lives
    assert end.code == 0
