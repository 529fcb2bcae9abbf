"""A test fails for what it leaves behind, by name and by the line that created it."""

import gc
import weakref

import pytest
from inner_projects import marked, run

import specter_gevent
import specter_gevent.testing

LEAVING = """
import asyncio
import os
import socket
import subprocess
import sys
import threading

import anyio
import pytest
import trio

from specter import Runtime, Service, bus, registry, start_process

released = threading.Event()
kept = []


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param


@pytest.fixture(autouse=True, scope="module")
def release():
    yield
    released.set()


async def waiting():
    await anyio.sleep(60)  # waits


async def test_service(specter_runtime):
    await Service("left").start()  # service


async def test_task(specter_runtime):
    service = await Service("left").start()
    service.spawn(waiting)  # task


async def test_timer(specter_runtime):
    service = await Service("left").start()
    service.interval(print, 60)  # timer
    service.timeout(print, 70)


async def test_child_of_a_service(specter_runtime):
    service = await Service("parent").start()
    child = Service("child")
    await service.adopt(child)  # child
    child.spawn(waiting, label="work")


async def test_task_of_the_runtime(specter_runtime):
    specter_runtime.start_task(waiting, label="own")  # own


async def test_foreign_task(specter_runtime, anyio_backend):
    if anyio_backend == "asyncio":
        kept.append(asyncio.create_task(waiting()))  # asyncio task
    else:
        trio.lowlevel.spawn_system_task(waiting)  # trio task


async def test_another_runtime(specter_runtime):
    await Runtime("other").__aenter__()  # runtime


async def test_subscription(specter_runtime):
    bus.on("media:added", print)  # subscription


async def test_owned_subscription(specter_runtime):
    service = await Service("left").start()
    service.listen("a", print)  # owned


async def test_entry(specter_runtime):
    service = await Service("left").start()
    registry.provide("db", 1, owner=service)  # entry


async def test_process(specter_runtime):
    subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)  # process


async def test_process_of_anyio(specter_runtime):
    kept.append(await anyio.open_process([sys.executable, "-c", "input()"]))  # anyio process


async def test_managed_process(specter_runtime):
    process = await start_process("sleep", ["sleep", "60"], stdout=subprocess.PIPE)  # managed process
    process.watch_stream("stdout", print)


async def test_thread(specter_runtime):
    threading.Thread(target=released.wait, name="mine").start()  # thread


async def test_busy_worker(specter_runtime):
    with anyio.move_on_after(0.05):
        await anyio.to_thread.run_sync(released.wait, abandon_on_cancel=True)  # worker


async def test_socket(specter_runtime):
    kept.append(socket.create_server(("127.0.0.1", 0)))  # socket


async def test_file(specter_runtime, tmp_path):
    kept.append(open(tmp_path / "log.txt", "w"))  # file


async def test_pipe(specter_runtime):
    kept.append(os.pipe())


def test_plain(specter_runtime):
    registry.provide("plain", 1)  # plain


async def test_in_a_fixture_of_the_project(started):
    pass


@pytest.fixture
async def started(specter_runtime):
    await Service("of a fixture").start()  # fixture
    yield
"""


# {test: what is said of it}. A number in braces stands for the line with that comment.
SAID = {
    "test_service": [
        "1 thing was",
        "services: service 'left', which was not stopped, created at {service} in test_service",
        'end what the test has started, or mark the test with @pytest.mark.allow_leaks("services")',
    ],
    "test_task": ["tasks: task 'waiting' of 'left', created at {task} in test_task, waits at {waits} in waiting"],
    "test_timer": [
        "timers: interval of 60 s, print of 'left', created at {timer} in test_timer",
        "timers: timeout, print of 'left', created at",
    ],
    "test_child_of_a_service": [
        "services: service 'child', which was not stopped of 'parent', created at {child} in test_child_of_a_service",
        "tasks: task 'work' of 'child'",
    ],
    "test_task_of_the_runtime": ["tasks: task 'own' of 'test_task_of_the_runtime[", "created at {own}"],
    "test_foreign_task[asyncio]": ["tasks: task 'waiting', created at {asyncio task}", "waits at {waits} in waiting"],
    "test_foreign_task[trio]": ["tasks: task 'test_leaving.waiting', created at {trio task}", "waits at {waits}"],
    "test_another_runtime[asyncio]": ["tasks: the open runtime 'other', created at {runtime}"],
    "test_subscription": ["subscriptions: 'media:added' by print, created at {subscription} in test_subscription"],
    "test_owned_subscription": ["subscriptions: 'a' by print of 'left', created at {owned}"],
    "test_entry": ["registry: 'db', int of 'left', created at {entry} in test_entry"],
    "test_process": ["processes: child process", "created at {process} in test_process", "1 thing was"],
    "test_process_of_anyio[asyncio]": ["1 thing was", "processes: child process", "created at {anyio process}"],
    "test_process_of_anyio[trio]": ["processes: child process"],
    "test_managed_process": ["1 thing was", "processes: child process", "created at {managed process}"],
    "test_thread": ["threads: thread 'mine', created at {thread} in test_thread"],
    "test_busy_worker[asyncio]": ["threads: thread 'AnyIO worker thread', created at {worker} in test_busy_worker"],
    "test_busy_worker[trio]": ["threads: thread 'wrapper ", "waits at threading.py:"],
    "test_socket": ["sockets: socket at ('127.0.0.1', ", "created at {socket} in test_socket"],
    "test_file": ["files: ", "log.txt, fd ", "created at {file} in test_file"],
    "test_pipe": ["2 things were", "files: pipe, fd "],
    "test_plain": ["registry: 'plain', int, created at {plain} in test_plain"],
    "test_in_a_fixture_of_the_project": [
        "services: service 'of a fixture', which was not stopped, created at {fixture}"
    ],
}


def expected(text: str, source: str) -> str:
    before, brace, rest = text.partition("{")
    if not brace:
        return text
    comment, _, rest = rest.partition("}")
    return f"{before}test_leaving.py:{marked(source, comment)}{expected(rest, source)}"


def test_each_kind_of_leak_fails_its_test_by_name_and_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_leaving=LEAVING)
    outcome = run(pytester, subprocess=True)
    source = LEAVING.lstrip()

    missing = {
        (test, text): outcome.section(test)
        for name, said in SAID.items()
        for test in ([name] if name.endswith("]") or name == "test_plain" else [f"{name}[asyncio]", f"{name}[trio]"])
        for text in (expected(part, source) for part in said)
        if text not in outcome.section(test)
    }
    assert missing == {}
    assert outcome.counts == {"passed": 39, "errors": 39}


def test_the_leaks_of_a_failed_test_are_shown_beside_its_failure(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from specter import bus

        async def test_fails(specter_runtime):
            bus.on("also", print)
            assert 1 == 2
        """
    )
    outcome = run(pytester)

    assert outcome.counts == {"failed": 1}
    assert "Captured leaks teardown" in outcome.text
    assert "subscriptions: 'also' by print, created at" in outcome.text


def test_in_a_patched_process_a_child_is_told_by_the_line_that_asked_for_it(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from gevent import monkey; monkey.patch_all()")
    source = """\
from specter import Service, start_process

def test_own(harness):
    start_process("sleep", ["sleep", "60"])  # own

def test_of_a_service(harness):
    Service("s").start_process(["sleep", "60"])  # of a service
"""
    pytester.makepyfile(test_children=source)
    outcome = run(pytester, subprocess=True)

    assert outcome.counts == {"passed": 2, "errors": 2}, outcome.text
    for comment in ("own", "of a service"):
        assert f"(sleep), created at test_children.py:{marked(source, comment)} in test_" in outcome.text


def test_on_gevent_a_service_that_was_left_is_not_kept_by_the_report() -> None:
    with specter_gevent.testing.leaks() as found:
        left = weakref.ref(specter_gevent.Service("left").start())
    told = [leak.what for leak in found]
    found.clear()
    gc.collect()

    assert told == ["service 'left', which was not stopped"]
    assert left() is None


RUN_TWICE = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    runtestprotocol(item, nextitem=nextitem, log=False)
    item._initrequest()
    for report in runtestprotocol(item, nextitem=nextitem, log=False):
        item.ihook.pytest_runtest_logreport(report=report)
    return True
"""


def test_a_test_that_is_run_again_fails_for_what_it_leaves_then(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(RUN_TWICE)
    pytester.makepyfile(
        """
        from specter import registry

        runs = []

        def test_it(harness):
            runs.append(1)
            assert len(runs) == 2
            registry.provide("left", 1)
        """
    )
    outcome = run(pytester)

    assert outcome.counts == {"passed": 1, "errors": 1}, outcome.text
