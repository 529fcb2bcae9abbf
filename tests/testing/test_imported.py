"""An application that is made, or booted, when it is imported: its tests begin with what it has registered."""

import pytest
from inner_projects import run

APPLICATION = """
import gevent
from flask import Flask
from specter import Service, ServiceManager, boot, bus, registry

app = Flask("shop")

class Orders(Service):
    def __init__(self):
        super().__init__("orders")
        self.heard = []
        self.ticks = 0

    def on_start(self):
        self.listen("order:placed", self.heard.append)
        self.interval(self.tick, 60)
        registry.provide("settings", {"currency": "EUR"}, owner=self)

    def tick(self):
        self.ticks += 1

@app.post("/orders/<what>")
def place(what):
    orders = registry.require("orders")
    bus.emit("order:placed", what)
    return {"heard": orders.heard, "currency": registry.require("settings")["currency"]}
"""
BOOTED = APPLICATION + "\nMANAGER = boot(app, None, services=[Orders()])\n"
MADE = APPLICATION + "\nMANAGER = ServiceManager(app).register_service(Orders())\n"

TESTS = """
import pytest
from application import MANAGER, Orders, app, boot, bus, registry

@pytest.mark.parametrize("given", [MANAGER, app, MANAGER], ids=["manager", "app", "again"])
def test_a_request(harness, given):
    if given is app and not MANAGER.booted:
        pytest.skip("nobody knows of its manager")
    answer = harness.http(given).post("/orders/tea").json
    assert (answer["heard"][-1], answer["currency"]) == ("tea", "EUR")

@pytest.mark.parametrize("number", [1, 2])
def test_a_change_ends_with_its_test(harness, number):
    assert "changed" not in registry.list()
    assert bus.listener_count("changed") == 0
    registry.provide("changed", number, owner=harness)
    harness.add_cleanup(bus.on("changed", print))
    registry.provide("orders", number, replace=True, owner=harness)

@pytest.mark.parametrize("number", [1, 2])
def test_a_boot_in_the_test(harness, number, virtual_clock):
    mine = Orders()
    manager = boot(None, None, services=[mine])
    virtual_clock.advance(120)
    assert mine.ticks == 2
    booted.append((manager, mine))

booted = []

def test_was_shut_down():
    assert [(manager.booted, mine.running) for manager, mine in booted] == [(False, False)] * 2

def test_something_else_is_left(harness):
    boot(None, None, services=[Orders()])
    import gevent
    gevent.spawn(gevent.sleep, 100)
"""


@pytest.mark.parametrize("application", [BOOTED, MADE], ids=["booted", "made"])
def test_at_import_on_gevent(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, application: str) -> None:
    monkeypatch.setenv("SPECTER_BACKEND", "gevent")
    pytester.makepyfile(application=application, test_shop=TESTS)

    outcome = run(pytester, subprocess=True)

    booted = application is BOOTED
    expected = {"passed": 8 + booted, "errors": 1}
    assert outcome.counts == (expected if booted else expected | {"skipped": 1}), outcome.text
    left = outcome.section("test_something_else_is_left")
    assert "1 thing was left behind" in left
    assert "tasks: greenlet 'sleep'" in left


SHUT_DOWN = """
import pytest
from application import MANAGER, Orders, bus, registry
from specter import Service

BOOTED_AT_IMPORT = MANAGER.booted

def known():
    return sorted(registry.list()), bus.listener_count("order:placed"), [one.name for one in MANAGER._services]

@pytest.fixture(autouse=True)
def extra(harness):
    MANAGER.register_service(Service("extra"))

def test_shuts_it_down(harness):
    MANAGER.boot()
    assert registry.require("orders").running and "extra" in known()[0]
    MANAGER.shutdown()
    assert known() == ([], 0, [])

def test_boots_it_and_leaves_it(harness):
    MANAGER.boot()
    MANAGER.register_service(Service("more"))
    assert "more" in known()[0] and "extra" in known()[0]

def test_nothing_of_it_is_left(harness):
    assert known() == (([], 0, ["orders", "extra"]))

def test_a_client_boots_it(harness):
    answer = harness.http(MANAGER).post("/orders/tea").json
    assert (answer["heard"][-1], answer["currency"]) == ("tea", "EUR")
"""


@pytest.mark.parametrize("application", [BOOTED, MADE], ids=["booted", "made"])
def test_what_a_test_shuts_down_is_gone_for_the_next(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, application: str
) -> None:
    monkeypatch.setenv("SPECTER_BACKEND", "gevent")
    pytester.makepyfile(application=application, test_shop=SHUT_DOWN)

    outcome = run(pytester, subprocess=True)

    assert outcome.counts == {"passed": 4}, outcome.text


ON_ASYNCIO = """
import socketio
from quart import Quart
from specter import Service, boot, bus, registry

app = Quart("shop")
heard = []
bus.on("order:placed", heard.append)
registry.provide("settings", {"currency": "EUR"})

class Orders(Service):
    def on_start(self):
        self.listen("order:placed", print)

@app.post("/orders/<what>")
async def place(what):
    await bus.emit("order:placed", what)
    return {"heard": heard, "currency": registry.require("settings")["currency"], "orders": registry.has("orders")}

manager = boot(app, socketio.AsyncServer(async_mode="asgi"), services=[Orders("orders")])
"""
ASYNC_TESTS = """
import pytest
from application import bus, manager, registry
from specter import Service

@pytest.mark.parametrize("number", [1, 2])
async def test_a_request(harness, number):
    answer = await (await harness.http(manager).post("/orders/tea")).get_json()
    assert answer == {"heard": ["tea"] * number, "currency": "EUR", "orders": True}

@pytest.mark.parametrize("number", [1, 2])
async def test_a_change_ends_with_its_test(harness, number):
    assert (registry.list(), bus.listener_count()) == (["settings"], 1)
    registry.provide("settings", number, replace=True, owner=harness)
    harness.add_cleanup(bus.on("order:placed", print))
    bus.clear("order:placed")

@pytest.mark.parametrize("number", [1, 2])
async def test_what_it_registers_goes_with_it(harness, number):
    manager.register_service(Service("extra"))
    async with harness.running(manager):
        assert registry.has("extra")
"""
WIDER_TESTS = """
import pytest
from application import manager, registry
from specter import Service
from specter.testing import running

class Providing(Service):
    def on_start(self):
        registry.provide("mine", 1, owner=self)

@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"

@pytest.fixture(scope="module", autouse=True)
async def providing():
    async with running(manager), running(Providing("providing")) as providing:
        yield providing

async def test_stops_one(harness, providing):
    assert registry.has("orders") and registry.has("mine")
    await providing.stop()
    assert registry.has("orders") and not registry.has("mine")

async def test_shuts_the_other_down(harness):
    assert registry.has("orders") and not registry.has("mine")
    await manager.shutdown()
    assert not registry.has("orders")

async def test_next(harness):
    assert registry.list() == ["settings"]
"""


def test_at_import_on_asyncio(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(application=ON_ASYNCIO, test_shop=ASYNC_TESTS, test_wider=WIDER_TESTS)

    outcome = run(pytester, subprocess=True)

    assert outcome.counts == {"passed": 9}, outcome.text
