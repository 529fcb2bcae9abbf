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
SERVERS = ("hypercorn", "uvicorn", "granian")


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


def requests_per_second(run: Run, command: list[str], port: int, backend: str = ASYNCIO) -> float:
    """What wrk counts, with 32 connections that stay open."""
    url = f"http://127.0.0.1:{port}/hello"
    with serving.served(command, port, backend):
        with urllib.request.urlopen(url, timeout=10) as answer:
            expect(json.load(answer), {"hello": "world"}, "the answer")
        seconds = str(run.count(4, 1))
        if not run.quick:
            subprocess.run(["wrk", "-t1", "-c32", "-d1s", url], check=True, capture_output=True)
        done = subprocess.run(["wrk", "-t1", "-c32", f"-d{seconds}s", url], check=True, capture_output=True, text=True)
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    expect(found is not None and "Non-2xx" not in done.stdout, True, f"every request is answered ({done.stdout})")
    assert found is not None
    return float(found[1])


def add_server(server: str) -> Case:
    """A case for an ASGI server."""
    case = Case(
        f"GET under {server.capitalize()}, 32 connections",
        unit="per s",
        goals=(Goal(SPECTER, at_least=0.97, of="Quart"),),
        baseline="Quart",
        more_is_better=True,
        repeats=3,
        profiled=False,
    )
    for name, module in ((SPECTER, "quart_specter"), ("Quart", "quart_plain")):
        add_served(case, name, server, module)
    return case


def add_served(case: Case, name: str, server: str, module: str) -> None:
    """A contender under an ASGI server."""

    @case.contender(name, needs=(server,), programs=("wrk",))
    def throughput(run: Run) -> float:
        port = serving.free_port()
        return requests_per_second(run, serving.asgi_command(server, module, port), port)


HYPERCORN, UVICORN, GRANIAN = (add_server(server) for server in SERVERS)
PYWSGI = Case(
    "GET under pywsgi, 32 connections",
    unit="per s",
    goals=(Goal(TWIN, at_least=1.0, of=OLD),),
    more_is_better=True,
    repeats=3,
    profiled=False,
)


@PYWSGI.contender(TWIN, programs=("wrk",))
def _(run: Run) -> float:
    port = serving.free_port()
    return requests_per_second(run, serving.specter_run("flask_specter", port), port, GEVENT)


@PYWSGI.contender(OLD, programs=("wrk",))
def _(run: Run) -> float:
    port = serving.free_port()
    return requests_per_second(run, serving.gevent_command(OLD, "flask_specter", port), port, OLD)


@PYWSGI.contender("Flask", programs=("wrk",))
def _(run: Run) -> float:
    port = serving.free_port()
    return requests_per_second(run, serving.gevent_command(GEVENT, "flask_plain", port), port, GEVENT)
