"""Set up in one task, used in a second, torn down in a third: the fixtures of pytest-asyncio."""

import pytest
from fresh import ROOT

pytest_plugins = ["pytester"]

PROJECT = """
import asyncio
import pytest
import pytest_asyncio
import socketio
from quart import Quart
from specter import Controller, Service, ServiceManager, boot, registry
from specter import testing as harness

tasks = []
stopped = []

class Part(Service):
    async def on_start(self):
        tasks.append(asyncio.current_task())
        self.interval(lambda: None, 0.01)
        self.spawn(asyncio.sleep, 60)

    async def on_stop(self):
        stopped.append(self.name)

class Echo(Controller):
    name = "echo"

    def build_routes(self, router):
        @router.route("/running")
        async def running():
            return {"running": registry.require("part").running}

    def build_events(self, handler):
        handler.on("echo", lambda data: data)

def application():
    return boot(
        Quart(__name__), socketio.AsyncServer(async_mode="asgi"), services=[Part("part")], controllers=[Echo()]
    )

@pytest_asyncio.fixture
async def service():
    before = asyncio.current_task()
    async with harness.running(Part("service")) as part:
        yield part
        assert part.running
    assert asyncio.current_task() is not before

@pytest_asyncio.fixture
async def manager():
    async with harness.running(ServiceManager().register_service(Part("part"))) as manager:
        yield manager

@pytest_asyncio.fixture
async def client():
    async with harness.http(application()) as client:
        yield client

@pytest_asyncio.fixture
async def sio():
    async with harness.socket(application()) as sio:
        yield sio

@pytest.mark.asyncio
async def test_a_service(service):
    assert service.running

@pytest.mark.asyncio
async def test_a_manager(manager):
    assert registry.require("part").running

@pytest.mark.asyncio
async def test_requests(client):
    assert await (await client.get("/running")).get_json() == {"running": True}

@pytest.mark.asyncio
async def test_sockets(sio):
    assert await sio.call("echo", b"bytes") == b"bytes"

def test_all_are_stopped():
    assert stopped == ["service", "part", "part", "part"]
    assert registry.list() == []
"""


def test_fixtures_of_pytest_asyncio_boot_all_of_them(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(PROJECT)
    pytester.makeini(
        "[pytest]\nasyncio_mode = strict\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:hypothesispytest", timeout=60)

    result.assert_outcomes(passed=5)
