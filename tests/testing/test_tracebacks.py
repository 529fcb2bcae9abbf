"""Of an error, pytest shows the line of the test and those of the application, and none of the harness."""

import pytest
from inner_projects import run

FAILING = """
import anyio
import pytest
import socketio
from quart import Quart

from specter import Handler, Service, ServiceManager, boot, bus
from specter import testing


class Guard(Handler):
    events = {"connect": "on_connect"}

    def on_connect(self, auth):
        raise ConnectionRefusedError("no")


def application():
    return boot(Quart("app"), socketio.AsyncServer(async_mode="asgi"))


async def test_class(harness):
    async with harness.running(Service):
        pass

async def test_plain_block(harness):
    with harness.running(application()):
        pass

async def test_start(harness):
    service = Service("s")
    harness.fail(service, "on_start", OSError("no disk"))
    async with harness.running(service):
        pass

async def test_nothing_received(harness):
    async with harness.socket(application()) as sio:
        await sio.receive("nothing", timeout=0.01)

async def test_nothing_sent(harness):
    await harness.socket(application()).emit("nothing")

async def test_not_sendable(harness):
    async with harness.socket(application()) as sio:
        await sio.emit("nothing", object())

async def test_refused(harness):
    server = socketio.AsyncServer(async_mode="asgi")
    manager = ServiceManager(Quart("app"), server).register_handler(Guard())
    async with harness.socket(manager):
        pass

async def test_never(harness):
    await harness.eventually(lambda: False, timeout=0.01)

async def test_not_recorded(harness):
    await harness.record(bus).wait_for("nothing", timeout=0.01)

async def test_left(harness):
    async with testing.no_leaks("services"):
        harness.add_cleanup(bus.on("left", print))

async def test_misspelt(harness):
    harness.fail(Service("s"), "on_strat", OSError)

async def test_cancelled(harness):
    async def scenario():
        await anyio.sleep(0)
        raise KeyError("scenario")
    await harness.cancel_everywhere(scenario)

async def test_cause(harness):
    try:
        harness.http(Service("s"))
    except TypeError as error:
        raise RuntimeError("outer") from error

async def test_group(harness):
    async with anyio.create_task_group():
        harness.sockets

async def test_left_by_the_test(harness):
    bus.on("left", print)

@pytest.mark.allow_leaks("task")
async def test_marked_wrongly(harness):
    pass

async def test_end_that_fails(harness):
    harness.add_cleanup(lambda: 1 / 0)

def test_gevent():
    from specter_gevent.testing import running
    with running(3):
        pass
"""


def test_the_frames_of_the_harness_are_hidden(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_failing=FAILING)
    outcome = run(pytester, "--tb=short", "--show-capture=no")
    lines = outcome.text.splitlines()

    assert outcome.counts == {"failed": FAILING.count("def test_") - 3, "passed": 2, "errors": 3}
    shown = [line for line in lines if "testing/" in line or "sansio/" in line]
    assert [line for line in shown if "testing/plugin.py" not in line] == []
    assert [line for line in lines if "entries are hidden" in line] == []


def test_a_full_trace_shows_them(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_failing=FAILING)
    outcome = run(pytester, "--tb=short", "--full-trace", "-k", "class")

    assert "testing/_running.py" in outcome.text
