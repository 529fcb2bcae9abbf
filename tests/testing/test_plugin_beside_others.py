"""The pytest plugin beside others: tests of anyio, pytest-asyncio and gevent run as they would without it."""

import re
from importlib.metadata import version

import pytest
from inner_projects import but, run

WITH_PYTEST_ASYNCIO = but("no:asyncio")


def test_tests_of_anyio_run_as_they_would_without_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.anyio
        async def test_marked(anyio_backend):
            assert type(anyio_backend) is str

        @pytest.mark.anyio
        class TestClass:
            async def test_method(self):
                pass

        async def test_by_its_fixture(anyio_backend):
            assert type(anyio_backend) is str
        """
    )
    with_it, without = (run(pytester, "-v", *more, subprocess=True).text for more in ([], ["-p", "no:specter"]))

    assert [line.split()[0] for line in with_it.splitlines() if "PASSED" in line] == [
        line.split()[0] for line in without.splitlines() if "PASSED" in line
    ]
    assert "test_marked[trio]" in with_it


def test_tests_of_pytest_asyncio_are_left_to_it(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    pytester.makepyfile(
        """
        import asyncio
        import pytest

        @pytest.mark.asyncio
        async def test_marked(request):
            assert "anyio_backend" not in request.fixturenames

        async def test_unmarked(request):
            assert "anyio_backend" in request.fixturenames
        """
    )

    assert run(pytester, plugins=WITH_PYTEST_ASYNCIO, subprocess=True).counts == {"passed": 2}

    pytester.makepyfile(
        """
        async def test_unmarked(request):
            assert "anyio_backend" not in request.fixturenames
        """
    )

    automatic = run(pytester, "--asyncio-mode=auto", plugins=WITH_PYTEST_ASYNCIO, subprocess=True)
    assert automatic.counts == {"passed": 1}, automatic.text


def test_tests_that_another_plugin_runs_are_left_to_it(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest
        import trio

        def pytest_configure(config):
            config.addinivalue_line("markers", "trio: run by this project itself")

        @pytest.hookimpl(tryfirst=True)
        def pytest_pyfunc_call(pyfuncitem):
            if pyfuncitem.get_closest_marker("trio"):
                trio.run(pyfuncitem.obj)
                return True
        """
    )
    pytester.makepyfile(
        """
        import pytest
        import trio

        @pytest.mark.trio
        async def test_marked():
            trio.lowlevel.current_task()
        """
    )
    outcome = run(pytester, "-v")

    assert outcome.counts == {"passed": 1}
    assert "::test_marked PASSED" in outcome.text
    assert "anyio_backend" not in run(pytester, "--setup-plan").text


@pytest.mark.skipif(version("pytest-asyncio") < "1.4", reason="it is too old to choose an event loop")
def test_virtual_time_on_a_foreign_loop_of_pytest_asyncio_says_what_to_write(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    pytester.makepyfile(
        """
        import asyncio
        import pytest

        @pytest.mark.asyncio
        async def test_clock(virtual_clock):
            await asyncio.sleep(3600)
            assert virtual_clock.now == 3600
        """
    )
    refused = run(pytester, plugins=WITH_PYTEST_ASYNCIO)
    _, _, advice = refused.text.partition("conftest.py:\n")
    pytester.makeconftest(re.sub("^E ?", "", re.match("(E(    .*)?\n)*", advice)[0], flags=re.M))

    assert refused.counts == {"errors": 1}
    assert run(pytester, plugins=WITH_PYTEST_ASYNCIO).counts == {"passed": 1}


def test_the_fixtures_serve_tests_of_pytest_asyncio(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    pytester.makeconftest(
        """
        import pytest

        @pytest.hookimpl(optionalhook=True)
        def pytest_asyncio_loop_factories(config, item):
            from specter.testing import loop_factory

            return {"harness": loop_factory}
        """
    )
    pytester.makepyfile(
        """
        import asyncio
        from importlib.metadata import version

        import pytest
        import pytest_asyncio
        from specter import Runtime, Service, bus
        from specter.testing import running

        pytestmark = pytest.mark.asyncio
        FACTORIES = version("pytest-asyncio") >= "1.4"

        @pytest_asyncio.fixture
        async def service(specter_runtime):
            async with running(Service("fixture")) as service:
                yield service

        async def test_runtime(specter_runtime, service):
            assert Runtime.current() is specter_runtime
            assert service.running

        @pytest.mark.asyncio(loop_scope="module")
        async def test_wider_loop(specter_runtime):
            assert Runtime.current() is specter_runtime
            await Service("left").start()

        @pytest.mark.skipif(not FACTORIES, reason="pytest-asyncio is too old to choose an event loop")
        async def test_clock(virtual_clock):
            await asyncio.sleep(3600)
            assert virtual_clock.now == 3600

        async def test_harness(harness):
            recorder = harness.record(bus)
            await bus.emit("a")
            assert recorder.names == ["a"]
        """
    )
    outcome = run(pytester, plugins=WITH_PYTEST_ASYNCIO, subprocess=True)

    assert outcome.counts in ({"passed": 4, "errors": 1}, {"passed": 3, "skipped": 1, "errors": 1}), outcome.text
    assert "services: service 'left'" in outcome.section("test_wider_loop")


def test_a_run_without_anyios_plugin_goes_on(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_plain(specter_runtime): pass")

    assert run(pytester, "-p", "no:anyio").counts == {"passed": 1}


@pytest.mark.parametrize("file", ["conftest.py", "test_it.py", "inner/conftest.py"])
def test_an_application_that_gevent_patches_is_tested_without_a_warning(pytester: pytest.Pytester, file: str) -> None:
    path = pytester.path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("from gevent import monkey\nmonkey.patch_all()\n")
    with (path.parent / "test_it.py").open("a") as test:
        test.write("import socket\n\ndef test_it():\n    assert 'gevent' in socket.socket.__module__\n")

    outcome = run(pytester, "-W", "error", subprocess=True)

    assert outcome.counts == {"passed": 1}, outcome.text


def test_an_async_test_runs_beside_an_application_on_gevent(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPECTER_BACKEND", "gevent")
    pytester.makepyfile(
        """
        import anyio

        def test_of_the_application(harness):
            assert type(harness).__module__.startswith("specter_gevent")

        async def test_of_something_else():
            await anyio.sleep(0)
        """
    )

    outcome = run(pytester, subprocess=True)

    assert outcome.counts == {"passed": 2}, outcome.text
