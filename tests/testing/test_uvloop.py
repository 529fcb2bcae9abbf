"""The harness in projects that run their tests on uvloop."""

import pytest
from inner_projects import marked, run

pytest.importorskip("uvloop")

BY_OPTION = """
import pytest

@pytest.fixture(scope="SCOPE")
def anyio_backend():
    return "asyncio", {"use_uvloop": True}
"""
BY_POLICY = """
import asyncio
import pytest
import uvloop
import warnings

with warnings.catch_warnings(action="ignore"):
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

@pytest.fixture(scope="SCOPE")
def anyio_backend():
    return "asyncio"
"""
TESTS = """
import asyncio
import socket
import subprocess

import anyio
import pytest
import socketio
import uvloop
from quart import Quart

from specter import EventBus, Service, ServiceManager, bus
from specter.testing import cancel_everywhere

@pytest.fixture(scope="SCOPE")
async def wide(anyio_backend):
    async with Service("wide") as service:
        service.interval(print, 60)
        yield service

async def test_loop(specter_runtime, wide):
    assert isinstance(asyncio.get_running_loop(), uvloop.Loop)
    assert wide.running

async def test_service(specter_runtime):
    async with Service("s") as service:
        service.spawn(anyio.sleep, 60)
        process = await service.start_process(["echo", "hello"], stdout=subprocess.PIPE)
        assert [line async for line in process.lines()] == [b"hello"]

async def test_clients(harness):
    app, sio = Quart(__name__), socketio.AsyncServer(async_mode="asgi")

    @app.get("/")
    async def index():
        return "hello"

    @sio.on("echo")
    async def echo(sid, data):
        return data

    manager = ServiceManager(app, sio)
    async with harness.http(manager) as client, harness.socket(manager) as connection:
        assert await (await client.get("/")).get_data(as_text=True) == "hello"
        assert await connection.call("echo", 1) == 1

async def test_probes(harness):
    recorder = harness.record(bus, "media:*")
    async with Service("s") as service:
        service.spawn(service.emit, "media:ready")
        await harness.eventually(lambda: recorder.names == ["media:ready"])

async def test_cancelled(specter_runtime):
    events = EventBus()

    async def emit():
        await events.emit("a")
        await anyio.sleep(0.001)

    assert await cancel_everywhere(emit) > 0

async def test_another_loop(specter_runtime):
    await anyio.to_thread.run_sync(anyio.run, anyio.sleep, 0)

async def test_left(specter_runtime):
    left.extend(socket.socketpair())  # left

left = []
"""


@pytest.mark.parametrize(
    ("chosen", "scope"), [(BY_OPTION, "module"), (BY_POLICY, "function")], ids=["option, module", "policy, function"]
)
def test_only_what_a_test_leaves_is_told(pytester: pytest.Pytester, chosen: str, scope: str) -> None:
    tests = TESTS.lstrip().replace("SCOPE", scope)
    pytester.makeconftest(chosen.replace("SCOPE", scope))
    pytester.makepyfile(test_it=tests)

    outcome = run(pytester, subprocess=True)

    assert outcome.counts == {"passed": 7, "errors": 1}, outcome.text
    told = outcome.section("test_left")
    assert told.count(f", created at test_it.py:{marked(tests, 'left')} in test_left") == 2
    assert "2 things were left behind" in told


@pytest.mark.parametrize("kind", ["async def", "def"])
def test_the_first_loop_of_a_process_leaves_nothing(pytester: pytest.Pytester, kind: str) -> None:
    pytester.makepyfile(
        f"""
        import threading
        import anyio
        import uvloop

        def run():
            anyio.run(anyio.sleep, 0, backend_options={{"use_uvloop": True}})

        {kind} test_in_a_thread(specter_runtime):
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()
        """
    )

    outcome = run(pytester, subprocess=True)

    assert outcome.counts == {"passed": 1}, outcome.text
