"""A test may fail for errors that services only log."""

import logging

import pytest
from inner_projects import marked, run

TESTS = """\
import logging
import pytest

class Broken(Exception):
    pass

def fails(*args):
    raise Broken("planted")  # planted

@pytest.fixture
async def service(specter_backend, virtual_clock):
    service = specter_backend.Service("broken")
    await specter_backend(service.start())
    yield service
    await specter_backend(service.stop())

async def test_stop(specter_backend, service):
    service.on_stop = fails

async def test_interval(specter_backend, service):
    service.interval(fails, 1)
    await specter_backend.sleep(1.5)

async def test_task(specter_backend, service):
    service.spawn(fails)
    await specter_backend.turns()

async def test_listener(specter_backend, service):
    service.listen("a", fails)
    await specter_backend(service.emit("a"))

@pytest.mark.fail_on_logged_errors(False)
async def test_meant(specter_backend, service):
    service.spawn(fails)
    await specter_backend.turns()

async def test_failed(specter_backend, service):
    service.spawn(fails)
    await specter_backend.turns()
    raise Broken("the test's own")

async def test_none(specter_backend, service):
    logging.getLogger("specter").warning("no error")
    logging.getLogger("application").error("not Specter's")

def test_plain():
    logging.getLogger("specter.service").error("failed: %s", 1)
    logging.getLogger("specter_gevent._patching").error("failed: %s", 2)
"""
ON = ["-o", "specter_fail_on_logged_errors=true"]


def test_by_the_configuration(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=TESTS)

    outcome = run(pytester, *ON)

    assert outcome.counts == {"passed": 6 * 3 + 1, "failed": 3, "errors": 4 * 3 + 1}, outcome.text
    for backend in ("asyncio", "trio", "gevent"):
        for test in ("test_stop", "test_interval", "test_task", "test_listener"):
            told = outcome.section(f"{test}[{backend}]")
            assert told.lstrip().startswith("1 error was logged:\nERROR specter"), told
            assert f'test_it.py", line {marked(TESTS, "planted")}, in fails' in told
            assert "Broken: planted\nif the test means to cause that, mark it with" in told
    plain = outcome.section("test_plain")
    assert (
        "2 errors were logged:\nERROR specter.service: failed: 1\nERROR specter_gevent._patching: failed: 2\n" in plain
    )


def test_without_it_they_are_only_logged(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=TESTS)

    assert run(pytester).counts == {"passed": 6 * 3 + 1, "failed": 3}


def test_by_a_mark(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""\
import logging
import pytest

pytestmark = pytest.mark.fail_on_logged_errors

def test_module():
    logging.getLogger("specter").error("failed")

@pytest.mark.fail_on_logged_errors(False)
def test_own():
    logging.getLogger("specter").error("failed")
"""
    )

    before = list(logging.getLogger("specter").handlers)
    outcome = run(pytester)

    assert outcome.counts == {"passed": 2, "errors": 1}
    assert logging.getLogger("specter").handlers == before
    assert "1 error was logged:\nERROR specter: failed" in outcome.section("test_module")
