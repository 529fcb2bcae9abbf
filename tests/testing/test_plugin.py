"""The pytest plugin: loaded by itself, cheap, and no business of a project that does not use it."""

import re
from importlib.metadata import version

import pytest
from fresh import python
from inner_projects import but, run

from specter._testing import names

WITH_PYTEST_ASYNCIO = but("no:asyncio")


def test_async_tests_and_fixtures_run_without_configuration(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import anyio
        import pytest
        import sniffio
        from hypothesis import given, strategies

        @pytest.fixture
        async def number():
            await anyio.sleep(0)
            return 1

        @pytest.fixture
        async def group():
            async with anyio.create_task_group() as group:
                yield group
                group.cancel_scope.cancel()

        async def test_function(number, group):
            group.start_soon(anyio.sleep_forever)
            assert number == 1

        class TestClass:
            async def test_method(self, number):
                assert sniffio.current_async_library() == "asyncio"

        @pytest.mark.parametrize("value", [1, 2])
        async def test_parameters(value):
            assert value

        @given(strategies.integers())
        async def test_property(value):
            await anyio.sleep(0)
        """
    )
    outcome = run(pytester, "-v", plugins=but("no:hypothesispytest"))

    assert outcome.counts == {"passed": 5}, outcome.text
    # An older pytest cannot hide the name of the one backend.
    name = "test_function" if hasattr(pytest, "HIDDEN_PARAM") else "test_function[asyncio]"
    assert f"::{name} PASSED" in outcome.text


def test_the_backend_of_the_project_is_that_of_its_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        import sniffio

        @pytest.fixture(params=["asyncio", "trio"])
        def anyio_backend(request):
            return request.param

        async def test_library(anyio_backend_name):
            assert sniffio.current_async_library() == anyio_backend_name

        async def test_compared(anyio_backend, specter_runtime):
            assert anyio_backend in ("asyncio", "trio")
            assert (sniffio.current_async_library() == "trio") == (anyio_backend == "trio")
            assert f"{anyio_backend}" == sniffio.current_async_library()
        """
    )

    assert run(pytester, subprocess=True).counts == {"passed": 4}


def test_loops_that_the_project_has_chosen_are_left_to_it(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import asyncio
        import pytest

        class Loop(asyncio.SelectorEventLoop):
            pass

        class Policy(asyncio.DefaultEventLoopPolicy):
            def new_event_loop(self):
                return Loop()

        def pytest_configure():
            asyncio.set_event_loop_policy(Policy())

        @pytest.fixture
        def anyio_backend():
            return "asyncio"
        """
    )
    pytester.makepyfile(
        """
        import asyncio

        async def test_loop(harness):
            assert type(asyncio.get_running_loop()).__name__ == "Loop"

        async def test_clock(virtual_clock):
            await asyncio.sleep(60)
            assert virtual_clock.now == 60
        """
    )

    assert run(pytester, subprocess=True).counts == {"passed": 2}


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


def test_who_imports_the_harness_needs_no_fixture_of_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import anyio
        from specter.testing import virtual_time

        async def test_clock():
            with virtual_time() as clock:
                await anyio.sleep(3600)
                assert clock.now == 3600
        """
    )

    assert run(pytester, subprocess=True).counts == {"passed": 1}


def test_virtual_time_where_nobody_runs_the_test_says_why(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        def test_plain(virtual_clock):
            pass

        @pytest.mark.asyncio
        async def test_marked(virtual_clock):
            pass
        """
    )
    pytester.makeini("[pytest]\nmarkers = asyncio")
    outcome = run(pytester)

    needs = "virtual_clock needs an event loop, and"
    assert f"{needs} test_plain is a plain test: make it `async def`" in outcome.section("test_plain")
    assert f"{needs} test_marked is run by nobody: it has the mark of a plugin" in outcome.section("test_marked")


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


def test_it_can_be_turned_off(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        def test_plain():
            pass

        def test_ours(specter_runtime):
            pass
        """
    )
    outcome = run(pytester, "-p", "no:specter")

    assert outcome.counts == {"passed": 1, "errors": 1}
    assert "fixture 'specter_runtime' not found" in outcome.text


HEAVY = """
import sys, pytest
before = set(sys.modules)
import specter._testing.plugin
new = set(sys.modules) - before
heavy = {"anyio", "asyncio", "flask", "gevent", "hypercorn", "logging", "quart", "socketio", "threading", "trio"}
print(sorted(name for name in new if name.partition(".")[0] in heavy), sorted(new))
import specter
print(specter._backend._taken, "specter.service" in new)
"""


def test_importing_it_imports_and_settles_nothing() -> None:
    heavy, settled = python(HEAVY).splitlines()

    assert heavy == "[] ['specter', 'specter._backend', 'specter._testing', 'specter._testing.plugin']"
    assert settled == "None False"


def test_a_run_that_uses_nothing_of_it_imports_no_runtime(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_modules():
            import specter

            assert specter._backend._taken is None
            ours = {name for name in sys.modules if name.startswith("specter.") and "_testing" not in name}
            assert ours == {"specter._backend", "specter.sansio", "specter.sansio.leaks"}
            assert "quart" not in sys.modules
        """
    )

    assert run(pytester, subprocess=True).counts == {"passed": 1}


WITHOUT_PYTEST = f"""
import sys
sys.modules["pytest"] = sys.modules["_pytest"] = None  # an import of it raises ModuleNotFoundError
import anyio, specter.testing, specter_gevent.testing
from specter import Service, bus

for name in {sorted(names.MODULES)!r}:
    assert getattr(specter.testing, name) is not None
for name in specter_gevent.testing.__all__:
    assert getattr(specter_gevent.testing, name) is not None

async def main():
    with specter.testing.isolated():
        async with specter.testing.Harness() as harness, harness.running(Service("s")) as service:
            recorder = harness.record(bus)
            await service.emit("a")
            print(recorder.names)
        async with specter.testing.leaks() as found:
            bus.on("x", print)
        print([leak.kind for leak in found])

anyio.run(main)
"""


def test_the_harness_needs_no_pytest() -> None:
    assert python(WITHOUT_PYTEST) == "['a']\n['subscriptions']"


def test_a_distribution_announces_it() -> None:
    from importlib.metadata import entry_points

    (found,) = entry_points(group="pytest11", name="specter")
    assert found.value == "specter._testing.plugin"


@pytest.mark.parametrize("backend", ["asyncio", "gevent"])
def test_the_harness_is_that_of_the_backend(backend: str) -> None:
    code = "from specter import testing; import specter.testing; print(testing.__name__, specter.testing is testing)"

    package = "specter" if backend == "asyncio" else "specter_gevent"
    assert python(code, SPECTER_BACKEND=backend) == f"{package}.testing True"


HANGING = """
import anyio
import pytest

@pytest.fixture
def anyio_backend():
    return "trio"

@pytest.fixture
async def group():
    async with anyio.create_task_group() as group:
        yield group

async def fail():
    raise ValueError("a task has failed")

async def test_fails(group, specter_runtime):
    group.start_soon(fail)
    await anyio.sleep(5)

async def test_runs_after_it(specter_runtime):
    await anyio.sleep(0)
"""


def test_a_failed_task_group_of_a_fixture_does_not_hang_the_run_on_trio(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(HANGING)
    outcome = run(pytester, subprocess=True)

    assert "::test_fails cannot go on: the task that runs its async fixtures on trio has ended" in outcome.text
    assert outcome.counts["passed"] == 1, outcome.text


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
