"""
The pytest plugin, loaded by itself where Specter is installed: async tests without configuration, and fixtures.

Thin: it is imported at the start of every test run, also of projects that use nothing of it. What a test needs is
imported when the test needs it.

What surrounds a test, outermost first: verdict on leaks, isolation; watch for leaks, runtime, virtual clock; harness.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import AsyncIterator, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from specter.testing import Backend, Harness

    from .running_tests import Here

LEAKS = ("used", "all", "off")

# anyio's plugin imports `ssl` before an application can have gevent patch it, and gevent would warn in each run.
_PATCHED_LATE = "Monkey-patching ssl after ssl has already been imported"


# Both run where the filters of the configuration and of `-W` stand already.


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    warnings.filterwarnings("ignore", message=_PATCHED_LATE, category=RuntimeWarning)


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    warnings.filterwarnings("ignore", message=_PATCHED_LATE, category=RuntimeWarning)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "specter_leaks",
        'which tests fail when they leave something behind: "used" (those with a fixture of Specter), "all" or "off"',
        default="used",
    )
    parser.addini(
        "specter_fail_on_logged_errors",
        "whether tests fail when Specter logs an error, as of a hook, a task, a timer or a listener",
        type="bool",
        default=False,
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "virtual_clock: the test runs in virtual time, which moves when all tasks wait.")
    config.addinivalue_line("markers", "allow_leaks(*kinds): kinds of things that the test may leave behind.")
    config.addinivalue_line(
        "markers", "fail_on_logged_errors(fail=True): whether the test fails when Specter logs an error."
    )
    if config.getini("specter_leaks") not in LEAKS:
        raise pytest.UsageError(
            f"specter_leaks must be one of {', '.join(LEAKS)}, got {config.getini('specter_leaks')}"
        )
    if config.pluginmanager.has_plugin("asyncio") and _knows(config, "asyncio_default_test_loop_scope"):
        from . import plugin_asyncio

        config.pluginmanager.register(plugin_asyncio, "specter-asyncio")


def _knows(config: pytest.Config, option: str) -> bool:
    try:
        config.getini(option)
    except ValueError:  # an older version of the plugin it belongs to
        return False
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: Any, name: str, obj: Any) -> None:
    from .collecting import prepare

    if collector.istestfunction(obj, name):
        prepare(collector, obj)


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    from .collecting import choose_backends

    choose_backends(metafunc)


def pytest_collection_finish(session: pytest.Session) -> None:
    from .collecting import find_used

    find_used(session)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> Generator[None, object, object]:
    from .backends import arranged

    with arranged(fixturedef, request):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    from .backends import on_its_backend

    with on_its_backend(pyfuncitem):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    from .hanging import watched

    with watched(item):
        return (yield)


def pytest_runtest_logfinish() -> None:
    # A child that outlives its test, be it left behind or of a fixture for many, does not hold the time of the next.
    if "specter._testing.children" in sys.modules:
        from .children import ignore_all

        ignore_all()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    from .logged import begin, is_to_fail

    if is_to_fail(item):
        begin(item)


# Outermost: what fixtures end may log as well.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    from .hanging import told
    from .logged import end
    from .verdict import has_failed

    try:
        result = yield
    finally:
        text = end(item)
    if (text := told() or text) and not has_failed(item):
        pytest.fail(text, pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    from .tracebacks import hide_harness
    from .verdict import note_outcome

    if call.excinfo is not None:
        hide_harness(call.excinfo.value)
    report = yield
    note_outcome(item, report)
    return report


@pytest.fixture
def specter_runtime(request: pytest.FixtureRequest, _specter_around: None) -> Any:
    """
    A runtime, a bus and a registry of the test's own.

    `specter.bus` and `specter.registry` begin with what the application has registered when it was imported, and are
    afterwards what they were. On gevent, what the test boots is shut down at its end. Gives the `Runtime`: open in an
    async test, where services start in it; closed in a plain one. On gevent it is the hub.
    """
    from .running_tests import fixture_of

    return fixture_of(request, "here").runtime


@pytest.fixture
def virtual_clock(request: pytest.FixtureRequest, _specter_around: None) -> Any:
    """The `VirtualClock` of the test: time moves when all tasks wait, to the next moment that one waits for."""
    from .running_tests import fixture_of

    return fixture_of(request, "here").clock


@pytest.fixture
def harness(request: pytest.FixtureRequest, specter_runtime: Any) -> Any:
    """The functions of `specter.testing`, bound to the test: what they have open at its end is closed or undone."""
    from .running_tests import fixture_of

    return fixture_of(request, "harness")


@pytest.fixture
def specter_backend(request: pytest.FixtureRequest, specter_runtime: Any) -> Backend:
    """The runtime under a shared test, which runs on asyncio, on trio and on gevent where they are installed."""
    from .backends import refuse_asyncio_for_trio, refuse_wider_fixtures
    from .running_tests import harness_of

    refuse_wider_fixtures(request)
    refuse_asyncio_for_trio(request)
    backend: Backend = harness_of(request.node).Backend(request.param)
    return backend


# As few as can be: each takes some tenths of a millisecond.


@pytest.fixture
def _specter_around(request: pytest.FixtureRequest) -> Iterator[None]:
    """Isolate the test, if it is to be, and fail it for what it has left behind."""
    from .running_tests import isolated_item
    from .verdict import verdict

    with isolated_item(request.node):
        yield
    if text := verdict(request.node):
        pytest.fail(text, pytrace=False)


@pytest.fixture
def _specter_leaks(request: pytest.FixtureRequest, _specter_around: None) -> None:
    from .running_tests import fixture_of

    fixture_of(request, "here")


# One for each way to run a test: by anyio's plugin, by pytest-asyncio (`plugin_asyncio`), on gevent, by pytest alone.


@pytest.fixture
async def _specter_here_anyio(request: pytest.FixtureRequest, _specter_around: None) -> AsyncIterator[Here]:
    from .running_tests import here_async

    async with here_async(request.node) as here:
        yield here


@pytest.fixture
async def _specter_harness_anyio() -> AsyncIterator[Harness]:
    from specter.testing import Harness

    async with Harness() as harness:
        yield harness


@pytest.fixture
def _specter_here_gevent(request: pytest.FixtureRequest, _specter_around: None) -> Iterator[Here]:
    from .running_tests import here_on_gevent

    with here_on_gevent(request.node) as here:
        yield here


@pytest.fixture
def _specter_harness_gevent() -> Iterator[Any]:
    from specter_gevent.testing import Harness

    with Harness() as harness:
        yield harness


@pytest.fixture
def _specter_here_pytest(request: pytest.FixtureRequest, _specter_around: None) -> Iterator[Here]:
    from .running_tests import here_plainly

    with here_plainly(request.node) as here:
        yield here


@pytest.fixture
def _specter_harness_pytest() -> Iterator[Harness]:
    from specter.testing import Harness

    harness = Harness()
    yield harness
    harness.close()
