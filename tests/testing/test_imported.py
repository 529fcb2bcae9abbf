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
from application import Orders, bus, manager, registry

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
"""


def test_at_import_on_asyncio(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(application=ON_ASYNCIO, test_shop=ASYNC_TESTS)

    outcome = run(pytester, subprocess=True)

    assert outcome.counts == {"passed": 4}, outcome.text
