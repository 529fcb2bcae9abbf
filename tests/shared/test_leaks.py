"""What a block leaves behind, on both runtimes."""

import subprocess
import threading
import time
from itertools import count
from types import SimpleNamespace

import pytest

from specter.sansio.errors import LeakError

# Each test plants what it finds, in a bus and a registry of its own.
pytestmark = pytest.mark.allow_leaks("subscriptions", "registry")


async def test_a_block_that_leaves_nothing_is_let_pass(twin, testing):
    twin.bus.on("before", print)
    async with twin.within(testing.no_leaks()), twin.within(twin.Service("s")) as service:
        service.spawn(twin.waits(twin.sleep), 60)
        service.interval(print, 60)
        service.listen("a", print)
        twin.registry.provide("s", service, owner=service)


async def test_each_thing_is_told_with_its_owner_and_its_line(twin, testing):
    service = twin.Service("left")
    async with twin.within(testing.leaks()) as found:
        await twin(service.start())
        service.spawn(twin.waits(twin.sleep), 60, label="work")
        service.interval(print, 60)
        service.listen("a", print)
        twin.registry.provide("b", 1, owner=service)
    await twin(service.stop())

    assert [(leak.kind, leak.owner) for leak in found] == [
        ("services", None),
        ("tasks", "left"),
        ("timers", "left"),
        ("subscriptions", "left"),
        ("registry", "left"),
    ]
    assert [leak.what for leak in found] == [
        "service 'left', which was not stopped",
        "task 'work'",
        "interval of 60 s, print",
        "'a' by print",
        "'b', int",
    ]
    first = test_each_thing_is_told_with_its_owner_and_its_line.__code__.co_firstlineno
    name = "test_each_thing_is_told_with_its_owner_and_its_line"
    assert [leak.created for leak in found] == [f"test_leaks.py:{first + line} in {name}" for line in range(3, 8)]


async def test_a_manager_is_told_first_with_what_ends_it(twin, testing):
    if twin.name == "trio":
        pytest.skip("there a manager is a block, which leaves nothing")
    manager = twin.ServiceManager().register_service(twin.Service("part"))
    async with twin.within(testing.leaks()) as found:
        await twin(manager.boot())
    await twin(manager.shutdown())

    assert found[0].what == "manager 'service_manager', which was not shut down (`running(...)` does that)"


async def test_a_child_is_one_thing_with_all_that_waits_for_it(twin, testing):
    async with twin.within(testing.leaks()) as found:
        process = await twin(twin.start_process("cat", ["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        process.watch_stream("stdout", print)
        await twin.turns()
    await twin(process.stop())

    assert [leak.kind for leak in found] == ["processes"]


async def test_who_reads_what_a_child_has_left_is_told(twin, testing):
    async with twin.within(testing.leaks()) as found:
        script = ["sh", "-c", "exec sleep 60 & echo left"]
        process = await twin(twin.start_process("sh", script, stdout=subprocess.PIPE))
        process.watch_stream("stdout", print)
        await twin(process.wait())
    await twin(process.stop())

    assert "tasks" in [leak.kind for leak in found]


async def test_the_error_lists_them_all(twin, testing):
    with pytest.raises(LeakError, match="(?s)2 things were left behind:\n.*'a' by print.*'b' by print") as caught:
        async with twin.within(testing.no_leaks()):
            twin.bus.on("a", print)
            twin.bus.on("b", print)

    assert [leak.kind for leak in caught.value.leaks] == ["subscriptions"] * 2
    assert str(caught.value).endswith('end what was started, or except it by allow=["subscriptions"]')


async def test_a_kind_can_be_allowed(twin, testing):
    async with twin.within(testing.no_leaks(allow=["subscriptions"])):
        twin.bus.on("a", print)
    async with twin.within(testing.no_leaks(allow="subscriptions")):
        twin.bus.on("c", print)
    with pytest.raises(LeakError):
        async with twin.within(testing.no_leaks(allow=["registry"])):
            twin.bus.on("b", print)


async def test_an_unknown_kind_is_refused(twin, testing):
    with pytest.raises(ValueError, match="'subscription' is no kind of leak; there are: services, tasks, timers,"):
        async with twin.within(testing.no_leaks(allow=["subscription"])):
            pass


async def test_an_error_of_the_block_comes_first(twin, testing):
    with pytest.raises(ZeroDivisionError):
        async with twin.within(testing.no_leaks()):
            twin.bus.on("a", print)
            1 / 0  # noqa: B018


async def test_what_ends_by_itself_in_time_is_no_leak(twin, testing):
    go_on = threading.Event()
    async with twin.within(testing.no_leaks()), twin.within(twin.Service("s")) as service:
        threading.Thread(target=go_on.wait, args=(0.01,)).start()
        service.spawn(twin.waits(twin.sleep), 0.001)


async def test_on_a_busy_machine_what_ends_by_itself_has_more_time(twin, testing, monkeypatch):
    # Each look at the clock finds the 50 ms gone, as where others had the processor all the while.
    clock = SimpleNamespace(monotonic=count().__next__, sleep=time.sleep)
    monkeypatch.setattr("specter._testing.watch.time", clock)

    async with twin.within(testing.no_leaks()):
        threading.Thread(target=time.sleep, args=(0.01,)).start()


async def test_a_block_within_a_block_has_its_own(twin, testing):
    async with twin.within(testing.leaks()) as outer:
        twin.bus.on("a", print)
        async with twin.within(testing.leaks()) as inner:
            twin.bus.on("b", print)

    assert [leak.what for leak in inner] == ["'b' by print"]
    assert [leak.what for leak in outer] == ["'a' by print", "'b' by print"]
    assert None not in [leak.created for leak in outer]
