"""`http` gives Quart's test client, and the application is booted round its requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
import socketio
from flask import Flask
from lifespans import Broken, Part
from quart import Quart, has_request_context, request, session, websocket
from quart.testing import QuartClient

from specter import Runtime, Service, ServiceManager, boot, registry
from specter.sansio.errors import ServiceError
from specter.testing import cancel_everywhere, http, running


@pytest.fixture
def anyio_backend() -> str:
    """Quart runs on asyncio alone."""
    return "asyncio"


def application(*services: Service) -> tuple[Quart, ServiceManager]:
    app = Quart(__name__)
    app.secret_key = "secret"
    manager = boot(app, socketio.AsyncServer(async_mode="asgi"), services=services)

    @app.get("/running")
    async def is_running() -> dict[str, Any]:
        return {"running": registry.require("part").running}

    @app.post("/echo")
    async def echo() -> Any:
        session["last"] = data = await request.get_json()
        return {"got": data, "header": request.headers.get("X-Test")}

    @app.websocket("/ws")
    async def shout() -> None:
        while True:
            text = await websocket.receive()
            await websocket.send(f"{text}! {registry.require('part').running}")

    return app, manager


async def test_a_block_boots_the_application() -> None:
    app, manager = application(part := Part())

    async with http(app) as client:
        assert part.log == ["start"]
        response = await client.get("/running")
        assert await response.get_json() == {"running": True}
        assert manager.ready

    assert part.log == ["start", "stop"]


async def test_the_first_request_boots_the_application() -> None:
    _, manager = application(part := Part())

    client = http(manager)
    assert part.log == []
    response = await client.get("/running")
    assert await response.get_json() == {"running": True}
    await client.get("/running")
    await client.aclose()
    assert part.log == ["start", "stop"]
    await client.aclose()
    assert part.log == ["start", "stop"]


async def test_requests_at_once_boot_it_once() -> None:
    app, _ = application(part := Part())

    client = http(app)
    responses = await asyncio.gather(*(client.get("/running") for _ in range(5)))
    assert [await response.get_json() for response in responses] == [{"running": True}] * 5
    await client.aclose()
    assert part.log == ["start", "stop"]


async def test_a_client_that_made_no_request_boots_nothing() -> None:
    app, _ = application(part := Part())

    await http(app).aclose()

    assert part.log == []


async def test_it_is_the_client_that_quart_users_know() -> None:
    app, manager = application(Part())

    async with http(manager.asgi) as client:
        assert isinstance(client, QuartClient)
        response = await client.post("/echo", json={"a": 1}, headers={"X-Test": "here"})
        assert await response.get_json() == {"got": {"a": 1}, "header": "here"}
        async with client.session_transaction() as kept:
            assert kept["last"] == {"a": 1}
        async with client.request("/echo", method="POST", headers={"Content-Type": "application/json"}) as connection:
            await connection.send(b"[1]")
            await connection.send_complete()
        response = await connection.as_response()
        assert (await response.get_json())["got"] == [1]


async def test_a_websocket_boots_the_application_as_well() -> None:
    app, _ = application(part := Part())

    client = http(app)
    async with client.websocket("/ws") as connection:
        await connection.send("hello")
        assert await connection.receive() == "hello! True"
    await client.aclose()
    assert part.log == ["start", "stop"]


async def test_the_context_of_a_request_can_be_kept() -> None:
    app, _ = application(Part())

    async with http(app) as client:
        await client.post("/echo", json=1)
        assert not has_request_context()
        client.preserve_context = True
        await client.post("/echo", json=2)
        assert request.path == "/echo"


async def test_an_application_has_its_own_class_of_clients() -> None:
    class Own(QuartClient):
        async def running(self) -> bool:
            response = await self.get("/running")
            return bool((await response.get_json())["running"])

    app, _ = application(part := Part())
    app.test_client_class = Own

    async with http(app) as client:
        assert isinstance(client, Own)
        assert await client.running()
    assert part.log == ["start", "stop"]


async def test_an_application_without_a_manager_has_a_client_too() -> None:
    app = Quart(__name__)
    log: list[str] = []

    @app.before_serving
    async def begin() -> None:
        log.append("begin")

    @app.get("/")
    async def index() -> str:
        return str(log)

    async with http(app) as client:
        assert await (await client.get("/")).get_data(as_text=True) == "['begin']"


async def test_a_request_knows_the_runtime_of_the_manager_and_none_of_the_test() -> None:
    app, manager = application(Part())
    seen: list[Any] = []

    @app.get("/runtime")
    async def look() -> str:
        seen.append(Runtime.current())
        return ""

    async with Runtime("of the test") as runtime, http(app) as client:
        await client.get("/runtime")
        assert Runtime.current() is runtime
        assert seen[0].name == manager.name


async def test_a_boot_that_fails_comes_out_of_the_first_request() -> None:
    app, manager = application(Broken("broken"))
    client = http(app)

    for _ in range(2):
        with pytest.raises(ServiceError, match="'broken' did not start: port in use"):
            await client.get("/running")
    await client.aclose()
    assert not manager.running


async def test_a_view_hears_that_its_client_has_gone() -> None:
    app, _ = application(Part())
    reached, log = anyio.Event(), list[str]()

    @app.get("/slow")
    async def slow() -> str:
        try:
            reached.set()
            await anyio.sleep_forever()
        finally:
            log.append("gone")
        return ""

    async with http(app) as client:
        requesting = asyncio.create_task(client.get("/slow"))
        await reached.wait()
        requesting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await requesting
        assert log == ["gone"]


async def test_clients_and_blocks_share_a_boot() -> None:
    app, manager = application(part := Part())

    async with running(manager), http(app) as first:
        async with http(app) as second:
            assert await (await second.get("/running")).get_json() == {"running": True}
        assert await (await first.get("/running")).get_json() == {"running": True}
        assert part.log == ["start"]
    assert part.log == ["start", "stop"]


async def test_a_client_cancelled_at_any_wait_leaves_nothing() -> None:
    made: list[tuple[Part, ServiceManager]] = []

    async def scenario() -> None:
        app, manager = application(part := Part())
        made.append((part, manager))
        async with http(app) as client:
            await client.get("/running")

    def check() -> None:
        part, manager = made.pop()
        assert not (part.running or manager.running)
        assert registry.list() == []

    assert await cancel_everywhere(scenario, check) > 10


@pytest.mark.parametrize("given", [ServiceManager(), lambda scope, receive, send: None], ids=["no app", "other ASGI"])
async def test_without_a_quart_application_there_is_no_client(given: Any) -> None:
    with pytest.raises(TypeError, match=r"http\(\) needs a Quart application"):
        http(given)


async def test_a_flask_application_is_told_of_the_backend_switch() -> None:
    with pytest.raises(TypeError, match=r"specter\.use_backend\('gevent'\)"):
        http(Flask(__name__))


@pytest.fixture
async def client() -> AsyncIterator[QuartClient]:
    app, _ = application(Part())
    async with http(app) as client:
        yield client


async def test_a_fixture_gives_a_client(client: QuartClient) -> None:
    assert await (await client.get("/running")).get_json() == {"running": True}
