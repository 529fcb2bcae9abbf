"""A task that swallows its cancellation fails the test that has left it, and the run goes on."""

import pytest
from inner_projects import QUIET, but, marked, run

TESTS = """\
import asyncio
import pytest
from specter import Service

MARK

async def stubborn():
    while True:
        try:
            await asyncio.sleep(3600)  # waits
        except asyncio.CancelledError:
            continue

async def test_left(specter_runtime):
    asyncio.create_task(stubborn(), name="poll")  # made
    await asyncio.sleep(0)

@pytest.mark.allow_leaks("tasks")
async def test_allowed(specter_runtime):
    asyncio.create_task(stubborn())
    await asyncio.sleep(0)

async def test_of_a_service(harness):
    service = Service("owner")
    service.stop_timeout = 0.1
    await service.start()
    service.spawn(stubborn)
    await asyncio.sleep(0)
    await service.stop()

async def test_virtual(virtual_clock):
    asyncio.create_task(stubborn())
    await virtual_clock.advance(7200)

async def test_that_ends(specter_runtime):
    asyncio.create_task(asyncio.sleep(3600))
    await asyncio.sleep(0)

async def test_next(specter_runtime):
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "poll"] == []
"""
WIDER = """
@pytest.fixture(scope="module", autouse=True)
async def wider():
    yield

@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"
"""

LOOPS = """
import specter.testing

def pytest_asyncio_loop_factories(config, item):
    return {"harness": specter.testing.loop_factory}
"""


@pytest.mark.parametrize(
    "mark, plugins",
    [("", QUIET), (WIDER, QUIET), ("pytestmark = pytest.mark.asyncio", but("no:asyncio"))],
    ids=["anyio", "wider", "asyncio"],
)
def test_it_fails_its_test_by_its_lines(pytester: pytest.Pytester, mark: str, plugins: list[str]) -> None:
    tests = TESTS.replace("MARK", mark)
    pytester.makepyfile(test_it=tests)

    if plugins is not QUIET:
        pytester.makeconftest(LOOPS)
    outcome = run(pytester, "-Wignore", plugins=plugins, subprocess=True)

    assert outcome.counts == {"passed": 6, "errors": 5}, outcome.text
    left, made, waits = outcome.section("test_left"), marked(tests, "made"), marked(tests, "waits")
    assert "task 'poll', which does not end when it is cancelled, " in left
    assert f"created at test_it.py:{made} in test_left, waits at test_it.py:{waits} in stubborn\n" in left
    assert left.count("tasks: ") == 1
    for name in ("test_allowed", "test_of_a_service", "test_virtual"):
        assert "task 'stubborn', which does not end when it is cancelled" in outcome.section(name)
    assert "which does not end" not in outcome.section("test_that_ends")
