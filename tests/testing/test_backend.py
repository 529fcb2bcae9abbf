"""`specter_backend`: one test body on asyncio, on trio and on gevent."""

import pytest
from inner_projects import but, run

from specter.testing import Backend
from specter_gevent.testing import Backend as GeventBackend

SHARED = """
import time

import pytest

@pytest.fixture
async def service(specter_backend):
    async with specter_backend.within(specter_backend.Service("fixture")) as service:
        yield service

@pytest.fixture
async def number(specter_backend):
    await specter_backend.sleep(0.001)
    return 1

async def test_waits_everywhere(specter_backend, service, number):
    heard = []

    @specter_backend.waits
    async def hear(data):
        await specter_backend.sleep(0.001)
        heard.append(data)

    service.listen("a", hear)
    await specter_backend(service.emit("a", number))
    assert heard == [1]
    assert service.running

async def test_names(specter_backend, request):
    assert f"[{specter_backend.name}]" in request.node.name
    assert specter_backend.on_gevent == (specter_backend.name == "gevent")
    assert specter_backend.bus is specter_backend.package.bus

async def test_several_at_once(specter_backend):
    order = []

    async def first():
        await specter_backend.until(lambda: order)
        order.append("first")
        raise ValueError

    async def second():
        await specter_backend.turns()
        order.append("second")
        return 2

    outcomes = await specter_backend.together(first, second)
    assert [type(outcome) for outcome in outcomes] == [ValueError, int]
    assert order == ["second", "first"]

async def test_the_hub_or_loop_was_away(specter_backend):
    async def nap():
        await specter_backend.sleep(0.01)

    await nap()
    time.sleep(1.5)
    assert await specter_backend.together(nap, patience=1.2) == [None]

def test_plain(specter_backend):
    assert specter_backend.create_store("s", {"a": 1}).get() == {"a": 1}

class TestClass:
    @pytest.mark.parametrize("value", [1, 2])
    async def test_method(self, specter_backend, value, harness):
        recorder = harness.record(specter_backend.bus)
        await specter_backend(specter_backend.bus.emit("a", value))
        assert recorder.names == ["a"]
"""


def test_a_shared_test_runs_on_every_backend(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_shared=SHARED)
    outcome = run(pytester, "-v")

    # A plain test has no event loop: trio would be a second asyncio there.
    assert outcome.counts == {"passed": 4 * 3 + 2 + 2 * 3}, outcome.text
    for backend in ("asyncio", "trio", "gevent"):
        assert f"::test_waits_everywhere[{backend}] PASSED" in outcome.text


def test_properties_hold_on_every_backend(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from hypothesis import HealthCheck, given, settings, strategies

        @settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(value=strategies.integers())
        async def test_property(specter_backend, harness, value):
            await specter_backend(specter_backend.bus.emit("a", value))
        """
    )
    outcome = run(pytester, plugins=but("no:hypothesispytest"))

    assert outcome.counts == {"passed": 3}, outcome.text


def test_the_backends_of_the_project_do_not_multiply_it(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nanyio_mode = auto")
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(params=["asyncio", "trio"])
        def anyio_backend(request):
            return request.param
        """
    )
    pytester.makepyfile("async def test_shared(specter_backend): pass\nasync def test_other(): pass")

    assert run(pytester).counts == {"passed": 5}


def test_on_gevent_it_runs_there_alone(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECTER_BACKEND", "gevent")
    pytester.makepyfile(
        """
        import gevent
        import specter
        from specter import Service, bus, registry

        async def test_shared(specter_backend):
            assert specter_backend.name == "gevent"
            await specter_backend.sleep(0)

        def test_harness(harness, specter_runtime):
            assert specter_runtime is gevent.get_hub()
            recorder = harness.record(bus)
            service = harness.enter(harness.running(Service("s")))
            service.emit("a")
            assert recorder.names == ["a"]
            registry.provide("fake", 1, owner=harness)

        def test_clock(virtual_clock):
            gevent.sleep(3600)
            assert virtual_clock.now == 3600

        def test_fresh(specter_runtime):
            assert registry.list() == []
            service = Service("left").start()
            service.interval(print, 60)  # timer
            service.spawn(gevent.sleep, 60)
            gevent.spawn(gevent.sleep, 70)
            bus.on("a", print)
        """
    )
    outcome = run(pytester, subprocess=True)
    left = outcome.section("test_fresh")

    assert outcome.counts == {"passed": 4, "errors": 1}, outcome.text
    assert "services: service 'left', which was not stopped, created at" in left
    assert "tasks: task 'sleep' of 'left', created at" in left
    assert "tasks: greenlet 'sleep', created at" in left
    assert "timers: interval of 60 s, print of 'left', created at" in left
    assert "subscriptions: 'a' by print, created at" in left


def test_an_async_fixture_of_a_wider_scope_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_module="""
        import pytest

        @pytest.fixture(scope="module")
        def anyio_backend():
            return "asyncio"

        @pytest.fixture(scope="module")
        async def database(anyio_backend):
            yield

        async def test_other(database):
            pass

        async def test_shared(specter_backend):
            pass
        """,
        test_next_module="async def test_shared(specter_backend): pass",
    )
    outcome = run(pytester)

    assert outcome.counts == {"passed": 4, "errors": 3}, outcome.text
    assert (
        "specter_backend cannot run test_shared[trio] while the async fixture 'database' of scope 'module' is set up"
        in outcome.text
    )


def test_what_waits_by_itself_on_gevent_is_told(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import asyncio

        async def test_waits(specter_backend):
            if specter_backend.on_gevent:
                await asyncio.sleep(0)
        """
    )
    outcome = run(pytester)

    assert outcome.counts == {"passed": 2, "failed": 1}
    assert "a shared test waits by itself on gevent: wrap the call that waits in backend(...)" in outcome.text


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_call_of_the_wrong_colour_is_refused(anyio_backend: str) -> None:
    async def waits() -> None: ...

    with pytest.raises(TypeError, match="nothing to await, but 1"):
        await Backend("asyncio")(1)
    coroutine = waits()
    with pytest.raises(TypeError, match="on gevent nothing awaits it"):
        await GeventBackend("gevent")(coroutine)
    coroutine.close()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_what_does_not_come_true_fails(anyio_backend: str) -> None:
    for backend in (Backend("asyncio"), GeventBackend("gevent")):
        with pytest.raises(AssertionError, match=r"did not come true within 0\.01 s"):
            await backend.until(lambda: False, patience=0.01)


def test_a_service_left_running_is_told_on_every_backend(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_left="""
        async def test_left(specter_backend):
            await specter_backend(specter_backend.Service("left").start())

        async def test_stopped(specter_backend):
            service = specter_backend.Service("stopped")
            await specter_backend(service.start())
            await specter_backend(service.stop())
        """
    )
    outcome = run(pytester)

    assert outcome.counts == {"passed": 6, "errors": 3}, outcome.text
    for backend in ("asyncio", "trio", "gevent"):
        left = outcome.section(f"test_left[{backend}]")
        assert "services: service 'left', which was not stopped, created at test_left.py:2 in test_left" in left


@pytest.mark.parametrize("option", ["asyncio_mode=auto", "asyncio_mode=strict"])
def test_on_trio_another_plugin_than_anyio_is_refused(pytester: pytest.Pytester, option: str) -> None:
    mark = "import pytest\npytestmark = pytest.mark.asyncio\n" if option.endswith("strict") else ""
    pytester.makepyfile(
        test_shared=f"""{mark}
async def test_shared(specter_backend, harness):
    await specter_backend.sleep(0)

def test_plain(specter_backend):
    pass
"""
    )
    outcome = run(pytester, "-o", option, "-Wignore", plugins=but("no:asyncio"), subprocess=True)

    assert outcome.counts == {"passed": 4, "errors": 1}, outcome.text
    refused = outcome.section("test_shared[trio]")
    assert "specter_backend cannot run test_shared[trio]: the test is run by a plugin that has no trio" in refused


def test_in_a_patched_process_threads_and_sockets_are_told_as_such(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from gevent import monkey; monkey.patch_all()")
    pytester.makepyfile(
        test_patched="""
        import socket
        import threading
        import time

        def test_thread(specter_runtime):
            threading.Thread(target=time.sleep, args=(1,), name="mine").start()

        def test_socket(specter_runtime):
            global kept
            kept = socket.create_server(("127.0.0.1", 0))

        def test_clock(virtual_clock):
            time.sleep(3600)
            assert virtual_clock.now == 3600

        async def test_shared(specter_backend, harness):
            assert specter_backend.on_gevent
            recorder = harness.record(specter_backend.bus)
            specter_backend.bus.emit("a")
            assert recorder.names == ["a"]
        """
    )
    outcome = run(pytester, "-W", "ignore", subprocess=True)

    assert outcome.counts == {"passed": 4, "errors": 2}, outcome.text
    assert "1 thing was" in outcome.section("test_thread")
    assert "threads: thread 'mine', created at test_patched.py:6 in test_thread" in outcome.section("test_thread")
    assert "created at test_patched.py:10 in test_socket" in outcome.section("test_socket")
