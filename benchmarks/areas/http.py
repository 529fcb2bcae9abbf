"""A route of ours beside a plain one: what it adds to a request, and how many a server answers."""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from benchmarks import serving
from benchmarks.cases import ASYNCIO, GEVENT, LAW, OLD, SPECTER, TWIN, Case, Goal
from benchmarks.run import Run, expect

TITLE = "HTTP: what a route adds, and how many requests are answered"
ITEM = {"name": "lamp", "count": 2}
BODY = json.dumps(ITEM).encode()
GET = Case(
    "GET, the application called without a server",
    goals=(Goal(SPECTER, of="Quart", more=7.0), Goal(TWIN, 1.0, OLD), LAW),
    baseline="Quart",
)
POST = Case(
    "POST of JSON with a Schema, without a server",
    goals=(Goal(SPECTER, of="Quart", more=15.0), Goal(TWIN, 1.0, OLD), LAW),
    baseline="Quart",
)


def app_of(module: str, name: str) -> Any:
    """An object of an application, in this process."""
    if str(serving.APPS) not in sys.path:
        sys.path.append(str(serving.APPS))
    return getattr(importlib.import_module(module), name)


class Asked:
    """An ASGI application that is asked again and again, by hand."""

    def __init__(self, app: Callable[..., Awaitable[None]], method: str, path: str, body: bytes) -> None:
        self.app = app
        self.body = body
        self.status = 0
        self.answer = b""
        headers = [(b"host", b"localhost"), (b"content-length", str(len(body)).encode())]
        if body:
            headers.append((b"content-type", b"application/json"))
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
        }

    async def ask(self) -> None:
        """One request."""
        sent = False

        async def receive() -> dict[str, Any]:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": self.body, "more_body": False}
            await asyncio.Event().wait()  # the client stays
            raise AssertionError

        await self.app(dict(self.scope), receive, self.send)

    async def send(self, message: dict[str, Any]) -> None:
        """Take what is answered."""
        if message["type"] == "http.response.start":
            self.status, self.answer = message["status"], b""
        else:
            self.answer += message.get("body", b"")

    def answered(self, status: int, value: object) -> bool:
        """Whether the last answer was this."""
        return self.status == status and json.loads(self.answer) == value


@asynccontextmanager
async def begun(app: Callable[..., Awaitable[None]]) -> AsyncIterator[None]:
    """The lifespan of an application, as a server has it."""
    incoming, started, ended = asyncio.Queue[dict[str, str]](), asyncio.Event(), asyncio.Event()

    async def send(message: dict[str, str]) -> None:
        (started if message["type"].startswith("lifespan.startup") else ended).set()

    lifespan = asyncio.create_task(
        app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, incoming.get, send)
    )  # type: ignore[arg-type]
    incoming.put_nowait({"type": "lifespan.startup"})
    await started.wait()
    yield
    incoming.put_nowait({"type": "lifespan.shutdown"})
    await ended.wait()
    await lifespan


async def asked(run: Run, module: str, method: str, path: str, body: bytes, status: int, value: object) -> float:
    """Microseconds of a request to an ASGI application: Quart's own, so that what lies round it does not count."""
    app = app_of(module, "app")
    asking = Asked(app, method, path, body)
    async with begun(app):
        return await run.per_await(asking.ask, check=lambda: asking.answered(status, value))


def asked_wsgi(run: Run, module: str, method: str, path: str, body: bytes, status: int, value: object) -> float:
    """The same of a Flask application."""
    app, statuses, answers = app_of(module, "app"), list[str](), list[bytes]()
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "application/json" if body else "",
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
    }

    def start(status: str, headers: object, error: object = None) -> None:
        statuses[:] = [status]

    def ask() -> None:
        found = app(
            {**environ, "wsgi.input": io.BytesIO(body)}, lambda status, headers, error=None: statuses.append(status)
        )
        answers[:] = found
        found.close()

    return run.per_call(
        ask, check=lambda: statuses[0].startswith(str(status)) and json.loads(b"".join(answers)) == value
    )


def add_calls(case: Case, *request: Any) -> None:
    """The contenders for one kind of request, without a server."""

    @case.contender(SPECTER)
    async def ours(run: Run) -> float:
        return await asked(run, "quart_specter", *request)

    @case.contender("Quart")
    async def quart(run: Run) -> float:
        return await asked(run, "quart_plain", *request)

    @case.on_gevent
    def on_gevent(run: Run) -> float:
        return asked_wsgi(run, "flask_specter", *request)

    @case.contender("Flask", GEVENT)
    def flask(run: Run) -> float:
        return asked_wsgi(run, "flask_plain", *request)


add_calls(GET, "GET", "/hello", b"", 200, {"hello": "world"})
add_calls(POST, "POST", "/items", BODY, 201, ITEM)


def answer_of(port: int) -> object:
    """What is answered to one request."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/hello", timeout=10) as answer:
        return json.load(answer)


def asked_by_wrk(port: int, seconds: int) -> int:
    """How many requests wrk had answered, with 32 connections that stay open."""
    command = ["wrk", "-t1", "-c32", f"-d{seconds}s", f"http://127.0.0.1:{port}/hello"]
    done = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"(\d+) requests in", done)
    expect(found is not None and "Non-2xx" not in done, True, f"every request is answered ({done})")
    assert found is not None
    return int(found[1])


Command = Callable[[int], list[str]]
"""What serves at a port."""


async def loaded(run: Run, command: Command, backend: str) -> dict[str, float]:
    """Requests in a second, and the microseconds of the server's processor for each."""
    port = serving.free_port()
    with serving.served(run, command(port), port, backend) as server:
        expect(answer_of(port), {"hello": "world"}, "the answer")
        if not run.quick:
            asked_by_wrk(port, 1)
        with server.working(run) as used, run.wall() as spent:
            done = asked_by_wrk(port, run.count(4, 1))
    return {"rate": done / spent.seconds, "cost": used.each(done)}


def served_cases(server: str, plain: str, rate: tuple[Goal, ...], cost: tuple[Goal, ...]) -> tuple[Case, Case]:
    """How many requests a server answers, and what one costs it."""
    return (
        Case(
            f"GET under {server}, 32 connections",
            unit="per s",
            goals=rate,
            baseline=plain,
            more_is_better=True,
            profiled=False,
        ),
        Case(f"the processor time of {server} for one of them", goals=cost, baseline=plain),
    )


def add_served(cases: tuple[Case, Case], name: str, command: Command, backend: str, *needs: str) -> None:
    """A contender under a server."""
    figures = serving.Shared(lambda run: loaded(run, command, backend))

    @cases[0].contender(name, needs=needs, programs=("wrk",))
    async def rate(run: Run) -> float:
        return await figures.take(run, "rate")

    @cases[1].contender(name, needs=needs, programs=("wrk",))
    async def cost(run: Run) -> float:
        return await figures.take(run, "cost")


def add_server(server: str) -> tuple[Case, Case]:
    """The cases for an ASGI server."""
    goals = (Goal(SPECTER, at_least=0.97, of="Quart"),), (Goal(SPECTER, 1.03, "Quart"),)
    cases = served_cases(server.capitalize(), "Quart", *goals)
    for name, module in ((SPECTER, "quart_specter"), ("Quart", "quart_plain")):
        add_served(cases, name, partial(serving.asgi_command, server, module), ASYNCIO, server)
    return cases


HYPERCORN, HYPERCORN_COST = add_server("hypercorn")
UVICORN, UVICORN_COST = add_server("uvicorn")
GRANIAN, GRANIAN_COST = add_server("granian")
PYWSGI, PYWSGI_COST = served_cases("pywsgi", OLD, (Goal(TWIN, at_least=1.0, of=OLD),), (Goal(TWIN, 1.0, OLD), LAW))
add_served((PYWSGI, PYWSGI_COST), TWIN, partial(serving.specter_run, "flask_specter"), GEVENT)
add_served((PYWSGI, PYWSGI_COST), OLD, partial(serving.gevent_command, OLD, "flask_specter"), OLD)
add_served((PYWSGI, PYWSGI_COST), "Flask", partial(serving.gevent_command, GEVENT, "flask_plain"), GEVENT)
