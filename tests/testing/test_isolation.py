"""Each test has a bus, a registry and a runtime of its own, in any order and in any process."""

import threading

import anyio
import pytest
from inner_projects import QUIET, run

import specter.testing
import specter_gevent
import specter_gevent.testing
from specter import EventBus, Runtime, Service, bus, registry
from specter.event_bus import bus as imported_long_before

emit_nowait = bus.emit_nowait

ORDER = """
import random

def pytest_addoption(parser):
    parser.addoption("--seed", type=int)

def pytest_collection_modifyitems(config, items):
    random.Random(config.getoption("seed")).shuffle(items)
"""
APPLICATION = """
from specter import Service, bus, registry

heard = []
bus.on("imported", heard.append)  # before any test

def announce(value):
    bus.emit_nowait("announced", value)

class Worker(Service):
    def on_start(self):
        registry.provide("worker", self, owner=self)
        self.listen("announced", heard.append)
"""
TESTS = """
import pytest
import application
from application import Worker, announce, heard
from specter import Runtime, bus, registry

pytestmark = pytest.mark.allow_leaks("services", "subscriptions", "registry")

@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param

def check_fresh():
    assert bus.listener_count() == bus.listener_count("imported") == 1
    assert registry.list() == []
    heard.clear()

@pytest.mark.parametrize("number", range(6))
async def test_async(specter_runtime, number):
    check_fresh()
    assert Runtime.current() is specter_runtime
    assert specter_runtime.tasks() == []
    worker = await Worker("worker").start()
    announce(number)
    assert heard == [number]
    assert registry.require("worker") is worker
    bus.on("left", print)

@pytest.mark.parametrize("number", range(6))
def test_plain(specter_runtime, number):
    check_fresh()
    registry.provide("worker", number)
    bus.on("announced", heard.append)
    announce(number)
    assert heard == [number]
    assert Runtime.current() is None

@pytest.mark.parametrize("number", range(3))
def test_without(number):
    assert registry.list() == []
    heard.clear()
    announce(number)
    bus.emit_nowait("imported", number)
    assert heard == [number]

@pytest.mark.parametrize("number", range(3))
async def test_shared(specter_backend, number):
    assert specter_backend.registry.list() == []
    assert specter_backend.bus.listener_count() == (0 if specter_backend.on_gevent else 1)
    specter_backend.bus.on("left", print)
    await specter_backend(specter_backend.Service("left").start())
    specter_backend.registry.provide("left", number)
"""


@pytest.mark.parametrize("arguments", [["--seed=1"], ["--seed=2"], ["--seed=3", "-n", "2"]], ids=" ".join)
def test_nothing_of_a_test_reaches_the_next_one(pytester: pytest.Pytester, arguments: list[str]) -> None:
    pytester.makeconftest(ORDER)
    pytester.makepyfile(application=APPLICATION, test_application=TESTS)
    parallel = "-n" in arguments
    plugins = QUIET[:-2] if parallel else QUIET
    outcome = run(pytester, *arguments, plugins=plugins, subprocess=parallel)

    assert outcome.counts == {"passed": 12 + 6 + 3 + 9}, outcome.text


def test_the_objects_stay_and_their_state_is_put_back() -> None:
    with specter.testing.isolated():
        bus.on("outer", print)
        registry.provide("outer", 1)
        with specter.testing.isolated():
            heard: list[object] = []
            imported_long_before.on("a", heard.append)
            emit_nowait("a", 1)
            other = threading.Thread(target=emit_nowait, args=("a", 2))
            bus.clear("a")
            bus.on("a", heard.append)
            other.start()
            other.join()
            assert (heard, registry.list(), bus.has_listeners("outer")) == ([1, 2], [], False)

        assert bus is imported_long_before
        assert (registry.list(), bus.listener_count()) == (["outer"], 1)


def test_an_error_of_the_block_puts_it_back_as_well() -> None:
    with specter.testing.isolated():
        registry.provide("a", 1)
        with pytest.raises(ZeroDivisionError), specter.testing.isolated():
            registry.provide("b", 1 / 0)

        assert registry.list() == ["a"]


async def test_a_service_that_is_stopped_outside_takes_nothing_of_others_along() -> None:
    async with Runtime():
        service = Service("s")
        with specter.testing.isolated():
            await service.start()
            service.listen("a", print)
        with specter.testing.isolated():
            bus.on("a", print)
            await service.stop()

            assert bus.listener_count("a") == 1


def test_gevent_has_its_own() -> None:
    with specter_gevent.testing.isolated():
        specter_gevent.bus.on("a", print)
        specter_gevent.registry.provide("a", 1)
        with specter_gevent.testing.isolated():
            assert specter_gevent.bus.listener_count() == 0
            assert specter_gevent.registry.list() == []

        assert specter_gevent.bus.listener_count() == 1
    assert specter_gevent.registry.list() == []


def test_a_subscription_that_ends_elsewhere_takes_nothing_of_others_along_on_gevent() -> None:
    service = specter_gevent.Service("s")
    with specter_gevent.testing.isolated():
        service.start()
        service.listen("a", print)
    with specter_gevent.testing.isolated():
        specter_gevent.bus.on("a", print)
        service.stop()

        assert specter_gevent.bus.listener_count("a") == 1


async def test_who_waits_in_the_outer_registry_waits_on() -> None:
    with specter.testing.isolated(), anyio.fail_after(5):
        found: list[object] = []

        async def wait() -> None:
            found.append(await registry.wait_for("a"))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            with specter.testing.isolated():
                registry.provide("a", "inner")
                await anyio.wait_all_tasks_blocked()
                assert found == []
            registry.provide("a", "outer")

        assert found == ["outer"]
    assert isinstance(bus, EventBus)


@pytest.mark.parametrize("backend", ["asyncio", "trio", "gevent"])
def test_a_child_of_one_test_does_not_hold_the_time_of_the_next(pytester: pytest.Pytester, backend: str) -> None:
    pytester.makepyfile(
        """
        import subprocess
        import time

        import pytest

        kept = []

        @pytest.fixture(scope="module")
        def server():
            kept.append(subprocess.Popen(["sleep", "60"]))

        @pytest.mark.allow_leaks("processes")
        async def test_leaves_one(specter_backend, virtual_clock, server):
            kept.append(subprocess.Popen(["sleep", "60"]))

        async def test_goes_on(specter_backend, virtual_clock, server, caplog):
            began = time.monotonic()
            await specter_backend(virtual_clock.advance(3600))
            assert time.monotonic() - began < 1
            assert caplog.records == []
        """
    )

    assert run(pytester, "-k", backend, subprocess=True).counts == {"passed": 2, "deselected": 4}
