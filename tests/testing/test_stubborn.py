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


# Where none of our fixtures ends what the test has left, and on trio, a thread sees to it, after some patience.
IMPATIENT = """
from specter._testing import stubborn, watchdog
watchdog._LONG = 0.0
watchdog._LOOK_AT_LONG_EVERY = 0.05
stubborn.PATIENCE = 0.5
"""
FUNCTIONS = """\
import asyncio
import anyio
import pytest
from specter import Service

async def stubborn():
    while True:
        try:
            await anyio.sleep(3600)  # waits
        except BaseException:
            continue

async def shielded():
    with anyio.CancelScope(shield=True):
        await anyio.Event().wait()  # shielded

class Owner(Service):
    stop_timeout = 0.1

    def __init__(self, fn):
        super().__init__("owner")
        self.fn = fn

    def on_start(self):
        self.spawn(self.fn)

async def test_uses_a_fixture(harness):
    pass
"""
ON_TRIO = (
    FUNCTIONS
    + """
@pytest.fixture
def anyio_backend():
    return "trio"

@pytest.mark.parametrize("fn", [stubborn, shielded])
async def test_service(harness, fn):
    owner = await Owner(fn).start()
    await anyio.wait_all_tasks_blocked()
    await owner.stop()

@pytest.mark.parametrize("fn", [stubborn, shielded])
async def test_group(fn):
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fn)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()

async def test_fixture_and_test_go_on(harness):
    await anyio.sleep(0)
"""
)
ON_ASYNCIO = (
    FUNCTIONS
    + """
MARK

@pytest.mark.parametrize("fn", [stubborn, shielded])
async def test_left(fn):
    kept.append(asyncio.ensure_future(fn()))
    await asyncio.sleep(0)

async def test_next():
    await asyncio.sleep(0)

kept = []
"""
)
ON_UVLOOP = """
@pytest.fixture
def anyio_backend():
    return "asyncio", {"use_uvloop": True}
"""
GROUPS = (
    FUNCTIONS
    + """
@pytest.mark.parametrize("kind", ["asyncio", "anyio"])
@pytest.mark.parametrize("fn", [stubborn, shielded])
async def test_group(fn, kind):
    async with asyncio.TaskGroup() if kind == "asyncio" else anyio.create_task_group() as tasks:
        tasks.create_task(fn()) if kind == "asyncio" else tasks.start_soon(fn)
        await anyio.sleep(0.01)
        raise ValueError

async def test_nested():
    async def host():
        async with anyio.create_task_group() as inner:
            inner.start_soon(stubborn)

    with anyio.move_on_after(0.01):
        async with anyio.create_task_group() as outer:
            outer.start_soon(host)

async def test_next():
    await asyncio.sleep(0)
"""
)
OFF = "[pytest]\nspecter_leaks = off\n"


def test_on_trio_it_is_ended_by_force(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(IMPATIENT)
    pytester.makepyfile(test_it=ON_TRIO)
    outcome = run(pytester, subprocess=True)

    assert outcome.counts == {"passed": 4, "failed": 2, "errors": 2}, outcome.text
    for fn, comment in (("stubborn", "waits"), ("shielded", "shielded")):
        at = f"waits at test_it.py:{marked(ON_TRIO, comment)} in {fn}\n"
        group = outcome.section(f"test_group[{fn}]")
        assert "StubbornTask: test_it.py::test_group[" in group
        assert f"task 'test_it.{fn}', {at}" in group
        assert at in outcome.section(f"test_service[{fn}]")


def test_on_trio_the_test_fails_without_the_leak_report(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(IMPATIENT)
    pytester.makepyfile(test_it=ON_TRIO)
    pytester.makeini(OFF)
    outcome = run(pytester, "-k", "service", subprocess=True)

    assert outcome.counts == {"passed": 2, "errors": 2, "deselected": 4}, outcome.text
    for fn in ("stubborn", "shielded"):
        section = outcome.section(f"test_service[{fn}]")
        assert section.count("tasks: ") == 1
        assert (
            f"test_service[{fn}] cannot go on, because of what does not end when it is cancelled:\n  tasks: " in section
        )


@pytest.mark.parametrize(
    "mark, plugins, counts",
    [
        ("", QUIET, {"passed": 3, "failed": 1}),
        (ON_UVLOOP, QUIET, {"passed": 3, "failed": 1}),
        (WIDER, QUIET, {"passed": 4, "errors": 1}),
        ("pytestmark = pytest.mark.asyncio", but("no:asyncio"), {"passed": 4, "errors": 1}),
    ],
    ids=["anyio", "uvloop", "wider", "asyncio"],
)
def test_it_does_not_keep_a_loop_from_being_closed(
    pytester: pytest.Pytester, mark: str, plugins: list[str], counts: dict[str, int]
) -> None:
    pytester.makeconftest(IMPATIENT)
    tests = ON_ASYNCIO.replace("MARK", mark)
    pytester.makepyfile(test_it=tests)
    pytester.makeini(OFF)
    outcome = run(pytester, "-Wignore", plugins=plugins, subprocess=True)

    assert outcome.counts == counts, outcome.text
    assert "StubbornTask: test_it.py::" in outcome.text
    assert f"task 'stubborn', waits at test_it.py:{marked(tests, 'waits')} in stubborn\n" in outcome.text


def test_it_does_not_keep_a_task_group_of_asyncio(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(IMPATIENT)
    pytester.makepyfile(test_it=GROUPS)
    outcome = run(pytester, "-Wignore", subprocess=True)

    assert outcome.counts == {"passed": 2, "failed": 5}, outcome.text
    # anyio's shield does not hold against asyncio's own cancellation: that group is left in order.
    assert "StubbornTask" not in outcome.section("test_group[shielded-asyncio]")
    for name in ("stubborn-asyncio", "stubborn-anyio", "shielded-anyio"):
        section, fn = outcome.section(f"test_group[{name}]"), name.partition("-")[0]
        line = marked(GROUPS, "waits" if fn == "stubborn" else "shielded")
        assert f"[{name}] cannot go on, because of what does not end when it is cancelled:\n" in section
        assert f"{fn}', waits at test_it.py:{line} in {fn}\n" in section
    nested = outcome.section("test_nested")
    assert "in stubborn\n" in nested
    assert "host'," not in nested


def test_in_a_patched_process_no_greenlet_looks_for_it(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from gevent import monkey; monkey.patch_all()")
    pytester.makepyfile(
        """
        import threading

        async def test_it(specter_backend):
            assert [one for one in threading.enumerate() if "watchdog" in one.name] == []
        """
    )

    assert run(pytester, subprocess=True).counts == {"passed": 1}
