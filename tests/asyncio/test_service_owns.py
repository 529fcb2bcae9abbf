"""What a service owns besides tasks and timers: children, resources, context managers, listeners."""

import contextlib
import contextvars
import dataclasses

import anyio
import pytest
from anyio.lowlevel import checkpoint
from logged import errors
from parts import Part

from specter import Runtime, Service, bus
from specter.testing import cancel_everywhere, eventually


async def in_an_empty_context(fn):
    """Await *fn* where no runtime can be seen, as in a request."""
    async with anyio.create_task_group() as group:
        group.create_task(fn(), context=contextvars.Context())


# Children.


async def test_adopt_starts_the_child_and_gives_the_owner(service):
    child = Service("child")

    assert await service.adopt(child) is service
    assert child.running


async def test_an_adopted_child_needs_no_runtime_around_it():
    async with Service("svc") as service:
        child = Service("child")

        async def adopt():
            assert Runtime.current() is None
            await service.adopt(child)

        await in_an_empty_context(adopt)
        assert child.running


async def test_none_is_ignored(service):
    assert await service.adopt(None) is service


@pytest.mark.parametrize("child", ["name", 1, object()])
async def test_what_is_no_service_cannot_be_adopted(service, child):
    with pytest.raises(TypeError, match=f"'svc' can adopt a Service only, got {type(child).__name__}"):
        await service.adopt(child)


async def test_a_service_cannot_adopt_itself_or_its_owners(service):
    child, grandchild = Service("child"), Service("grandchild")
    await service.adopt(child)
    await child.adopt(grandchild)
    for one in (service, child, grandchild):
        with pytest.raises(ValueError, match=f"'grandchild' cannot adopt {one.name!r}, which owns it"):
            await grandchild.adopt(one)


async def test_children_stop_with_the_service_last_first(service):
    log = []
    for name in "abc":
        child = Service(name)
        child.on_stop = lambda name=name: log.append(name)
        await service.adopt(child)
    await service.stop()

    assert log == ["c", "b", "a"]


async def test_a_child_whose_start_fails_is_not_owned(service):
    def fail():
        raise ValueError("no good")

    child = Part("child", start=fail)
    with pytest.raises(ValueError, match="no good"):
        await service.adopt(child)

    assert child.is_clean()
    assert child._parent is None
    assert not service._ledger.children


async def test_a_child_that_is_not_started_belongs_to_the_service_when_it_is(service):
    child = Service("child")
    await service.adopt(child, start=False)
    assert not child.running
    await child.start()
    await service.stop()

    assert not child.running


async def test_a_child_that_was_stopped_and_started_again_still_belongs_to_the_service(runtime, service):
    child = Part("child")
    await service.adopt(child)
    await child.stop()
    assert not service._ledger.children
    await child.start()
    await service.stop()

    assert child.is_clean()
    assert not runtime._services


async def test_children_that_come_and_go_leave_nothing_behind(service):
    for _ in range(10):
        child = Service("child")
        await service.adopt(child)
        await child.stop()

    assert not service._ledger.children


async def test_a_running_service_can_be_adopted(runtime, service):
    child = await Service("child").start()
    await service.adopt(child)
    assert runtime._services == {id(service): service}
    await service.stop()

    assert not child.running


async def test_adopting_twice_is_adopting_once(service):
    child = Part("child")
    await service.adopt(child)
    await service.adopt(child)
    await service.stop()

    assert child.log.count("child stops") == 1


async def test_a_child_can_change_its_owner(service):
    other, child = await Service("other").start(), Service("child")
    await service.adopt(child)
    await other.adopt(child)
    await service.stop()
    assert child.running
    await other.stop()

    assert not child.running


async def test_a_child_that_is_being_stopped_is_waited_for_and_then_owned(service):
    gate = anyio.Event()
    child = await Part("child", stop=gate.wait).start()
    async with anyio.create_task_group() as group:
        group.start_soon(child.stop)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(service.adopt, child)
        await anyio.wait_all_tasks_blocked()
        gate.set()

    assert child.running
    assert list(service._ledger.children.values()) == [child]
    await service.stop()
    assert not child.running


async def test_a_service_of_another_runtime_cannot_be_adopted_while_it_runs(service):
    async with Runtime("inner"):
        child = await Service("child").start()
        with pytest.raises(RuntimeError, match="'svc' cannot adopt 'child': it runs in <Runtime 'inner' open>"):
            await service.adopt(child)

    assert not child.running


async def test_a_stopped_service_can_adopt_what_runs_until_its_own_stop(runtime):
    owner, child = Service("owner"), Service("child")
    await owner.adopt(child)
    assert child.running
    await owner.start()
    await owner.stop()

    assert not child.running


async def test_a_child_of_a_stopped_service_stops_with_the_runtime():
    child = Service("child")
    async with Runtime():
        await Service("owner").adopt(child)

    assert not child.running


async def test_a_running_service_that_a_stopped_one_takes_over_stops_with_the_runtime():
    child, owner = Service("child"), Service("owner")
    async with Runtime(), Service("svc") as service:
        await service.adopt(child)
        await owner.adopt(child)
        await service.stop()
        assert child.running

    assert not child.running
    assert not owner._ledger.children


async def test_a_cancelled_adopt_lets_go_of_a_child_that_another_starts(runtime, service):
    gate = anyio.Event()
    child = Part("child", start=gate.wait)
    async with anyio.create_task_group() as group:
        group.start_soon(child.start)
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(0.01):
            await service.adopt(child)
        gate.set()

    assert child.running
    await service.stop()
    assert child.running
    assert list(runtime._services.values()) == [child]


async def test_an_adopt_that_fails_late_leaves_the_next_owner_its_child(service):
    other = await Service("other").start()
    child = Part("child", start=anyio.sleep_forever)

    async def adopt():
        with pytest.raises(RuntimeError, match="was stopped while it started"):
            await service.adopt(child)

    async with anyio.create_task_group() as group:
        group.start_soon(adopt)
        await anyio.wait_all_tasks_blocked()
        child.start_hook = lambda: None
        await child.stop()
        await other.adopt(child)
        await anyio.wait_all_tasks_blocked()

    assert child._parent is other
    await other.stop()
    assert child.is_clean()


async def test_a_cancelled_adopt_leaves_nothing(service):
    children = []

    async def scenario():
        children.append(Part("child", start=checkpoint))
        await service.adopt(children[-1])
        await children[-1].stop()

    def check():
        assert children[-1].is_clean()
        assert not service._ledger.children

    assert await cancel_everywhere(scenario, check) > 3


async def test_a_child_that_stops_in_its_own_way_is_asked_to(service):
    log = []

    class Own(Service):
        async def stop(self):
            log.append("begin")
            await super().stop()
            log.append("end")
            return self

    await service.adopt(Own("child"))
    await service.stop()

    assert log == ["begin", "end"]


async def test_a_service_that_is_a_dataclass_can_be_owned(runtime):
    @dataclasses.dataclass
    class Data(Service):
        number: int

        def __post_init__(self):
            super().__init__("data")

    async with Service("svc") as service:
        child = Data(1)
        await service.adopt(child)
        await child.spawn(checkpoint).wait()

    assert not child.running


# Resources.


class Resource:
    def __init__(self, *names, slow=False):
        self.called = []
        for name in names:
            setattr(self, name, self._slow(name) if slow else self._plain(name))

    def _plain(self, name):
        return lambda: self.called.append(name)

    def _slow(self, name):
        async def method():
            await checkpoint()
            self.called.append(name)

        return method


ALL = ("stop", "close", "aclose", "disconnect", "destroy", "terminate", "kill")


@pytest.mark.parametrize("slow", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize("first", range(len(ALL)), ids=ALL)
async def test_a_resource_is_ended_by_its_most_gentle_method(service, first, slow):
    resource = Resource(*ALL[first:], slow=slow)

    assert service.own(resource) is resource
    await service.stop()
    assert resource.called == [ALL[first]]


async def test_the_method_can_be_named(service):
    resource = Resource("stop", "bye")
    service.own(resource, "bye")
    await service.stop()

    assert resource.called == ["bye"]


async def test_a_resource_that_cannot_be_ended_is_refused(service):
    with pytest.raises(TypeError, match=r"Resource cannot be owned: .*stop, close, aclose, disconnect, destroy"):
        service.own(Resource())
    with pytest.raises(TypeError, match="Resource cannot be owned: .*'bye'"):
        service.own(Resource("stop"), "bye")


async def test_owning_none_gives_none(service):
    assert service.own(None) is None


async def test_cleanups_run_last_first_and_may_be_async(service):
    log = []

    async def slow():
        await checkpoint()
        log.append("slow")

    assert service.add_cleanup(lambda: log.append("first")) is service
    service.add_cleanup(slow)
    service.add_cleanup(lambda: log.append("last"))
    await service.stop()

    assert log == ["last", "slow", "first"]


async def test_what_cannot_be_called_is_no_cleanup(service):
    with pytest.raises(TypeError, match="a cleanup must be callable, got NoneType"):
        service.add_cleanup(None)


# Context managers.


@contextlib.contextmanager
def plain(log):
    log.append("enter")
    yield "value"
    log.append("exit")


@contextlib.asynccontextmanager
async def slow(log):
    await checkpoint()
    log.append("enter")
    try:
        yield "value"
    finally:
        with anyio.CancelScope(shield=True):
            await checkpoint()
        log.append("exit")


@pytest.mark.parametrize("make", [plain, slow])
async def test_a_context_manager_is_entered_now_and_left_at_stop(service, make):
    log = []

    assert await service.enter(make(log)) == "value"
    assert log == ["enter"]
    await service.stop()
    assert log == ["enter", "exit"]


async def test_context_managers_are_left_last_first_after_the_tasks(service):
    log = []

    @contextlib.asynccontextmanager
    async def named(name):
        yield
        log.append(name)

    async def work():
        try:
            await anyio.sleep_forever()
        finally:
            log.append("task")

    await service.enter(named("one"))
    await service.enter(named("two"))
    service.spawn(work)
    await anyio.wait_all_tasks_blocked()
    await service.stop()

    assert log == ["task", "two", "one"]


async def test_a_task_group_can_be_entered_in_one_task_and_left_in_another(service):
    log = []

    async def work():
        await anyio.sleep(0.01)
        log.append("whole")

    async def use():
        group = await service.enter(anyio.create_task_group())
        group.start_soon(work)

    await service.spawn(use).wait()
    await service.stop()

    assert log == ["whole"]


async def test_what_is_no_context_manager_is_refused(service):
    with pytest.raises(TypeError, match="a context manager is needed, got int"):
        await service.enter(1)


async def test_a_service_that_is_not_started_enters_nothing():
    with pytest.raises(RuntimeError, match="cannot enter nullcontext in 'svc': it is not started"):
        await Service("svc").enter(contextlib.nullcontext())


async def test_an_error_on_entering_is_the_caller_s(service, caplog):
    @contextlib.asynccontextmanager
    async def broken():
        await checkpoint()
        raise ValueError("no good")
        yield

    with pytest.raises(ValueError, match="no good") as found:
        await service.enter(broken())

    assert found.value.__context__ is None
    assert errors(caplog) == []
    await service.stop()
    assert errors(caplog) == []


async def test_an_error_on_leaving_is_logged_once(service, caplog):
    @contextlib.asynccontextmanager
    async def broken():
        yield
        raise ValueError("no good")

    await service.enter(broken())
    await service.stop()

    assert len(errors(caplog)) == 1
    assert "of 'svc' failed" in errors(caplog)[0]


async def test_what_fails_while_it_is_held_is_logged_once(runtime, service, caplog):
    async def fail():
        raise ValueError("no good")

    group = await service.enter(anyio.create_task_group())
    group.start_soon(fail)
    await eventually(lambda: errors(caplog))
    await service.stop()

    assert len(errors(caplog)) == 1
    assert errors(caplog)[0] == "TaskGroup, held by 'svc', failed"
    assert Runtime.current() is runtime


async def test_an_enter_cancelled_at_any_wait_leaves_what_it_entered(service):
    log = []

    async def prepare():
        log.clear()
        await service.start()

    async def check():
        entered = service._ledger.cleanups
        assert log in ([], ["enter", "exit"]) if not entered else log == ["enter"]
        await service.stop()
        assert log in ([], ["enter", "exit"])

    assert await cancel_everywhere(lambda: service.enter(slow(log)), check, prepare=prepare) > 2


@pytest.mark.virtual_clock
async def test_a_context_manager_that_is_not_left_in_time_is_cancelled(runtime, caplog):
    log = []

    @contextlib.asynccontextmanager
    async def hanging():
        yield
        try:
            await anyio.sleep_forever()
        finally:
            log.append("cancelled")

    service = Service("svc")
    service.stop_timeout = 4
    await service.start()
    await service.enter(hanging())
    began = anyio.current_time()
    await service.stop()

    assert log == ["cancelled"]
    assert anyio.current_time() - began <= 4
    assert "did not end in time" in errors(caplog)[0]
    assert runtime.abandoned == []


@pytest.mark.virtual_clock
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_context_manager_that_cannot_be_left_is_named(runtime, caplog):
    enough = anyio.Event()

    @contextlib.asynccontextmanager
    async def deaf():
        yield
        with anyio.CancelScope(shield=True):
            await enough.wait()

    service = Service("svc")
    service.stop_timeout = 4
    await service.start()
    await service.enter(deaf())
    await service.stop()

    assert not service.running
    assert any("_AsyncGeneratorContextManager" in text and "in deaf" in text for text in runtime.abandoned)
    enough.set()


# Listeners.


async def test_a_listener_is_gone_when_the_service_stops(service):
    heard = []
    assert service.listen("event", heard.append) is service
    bus.emit_nowait("event", 1)
    await service.stop()
    bus.emit_nowait("event", 2)

    assert heard == [1]
    assert bus.listener_count("event") == 0


async def test_emit_and_emit_nowait_are_the_bus_s(service):
    heard = []
    service.listen("event", heard.append)

    assert await service.emit("event", 1) is service
    assert service.emit_nowait("event", 2) is service
    assert await service.emit("event") is service
    assert heard == [1, 2, None]


@pytest.mark.parametrize("slow", [False, True], ids=["plain", "async"])
async def test_one_function_of_two_services_is_called_once_and_gone_with_the_last(runtime, slow):
    one, two = await Service("one").start(), await Service("two").start()
    heard = []

    async def hear_later(data):
        await checkpoint()
        heard.append(data)

    hear = hear_later if slow else heard.append
    one.listen("event", hear)
    two.listen("event", hear)
    for step in (lambda: None, one.stop, two.stop):
        if (waiting := step()) is not None:
            await waiting
        bus.emit_nowait("event", len(heard))
        await anyio.wait_all_tasks_blocked()
        await bus.emit("event", len(heard))

    assert heard == [0, 1, 2, 3]


async def test_what_waits_for_a_listener_of_two_services_is_not_lost_with_the_first(runtime):
    one, two = await Service("one").start(), await Service("two").start()
    heard = []

    async def hear(data):
        if data == 0:
            await anyio.sleep_forever()
        heard.append(data)

    one.listen("event", hear)
    two.listen("event", hear)
    for number in range(3):
        bus.emit_nowait("event", number)
    await anyio.wait_all_tasks_blocked()
    await one.stop()
    await anyio.wait_all_tasks_blocked()

    assert heard == [1, 2]


async def test_a_listener_that_runs_ends_with_its_service(service):
    log = []

    async def hear(data):
        try:
            await anyio.sleep_forever()
        finally:
            log.append(data)

    service.listen("event", hear)
    bus.emit_nowait("event", "nowait")
    async with anyio.create_task_group() as group:
        group.start_soon(bus.emit, "event", "emit")
        await anyio.wait_all_tasks_blocked()
        await service.stop()

    assert sorted(log) == ["emit", "nowait"]


# Blocks.


async def test_a_service_as_a_block_opens_a_runtime_where_there_is_none():
    async with Service("svc") as service:
        assert service.running
        runtime = Runtime.current()
        assert runtime is not None
        assert runtime.name == "svc"

    assert not service.running
    assert Runtime.current() is None


async def test_a_service_as_a_block_takes_the_runtime_that_is_there(runtime):
    async with Service("svc"):
        assert Runtime.current() is runtime


async def test_blocks_of_one_service_nest():
    service = Service("svc")
    async with service:
        async with service:
            async with service:
                assert service.running
            assert not service.running
        assert Runtime.current() is not None
        await service.start()

    assert not service.running
    assert Runtime.current() is None


async def test_a_block_whose_start_fails_closes_its_runtime():
    def fail():
        raise ValueError("no good")

    with pytest.raises(ValueError, match="no good") as found:
        async with Part("svc", start=fail):
            raise AssertionError

    assert Runtime.current() is None
    assert found.value.__context__ is None


async def test_a_block_can_be_entered_again():
    part = Part("svc")
    for _ in range(2):
        async with part:
            assert part.running

    assert part.is_clean()


@pytest.mark.parametrize("first_out", ["first in", "last in"])
async def test_two_tasks_may_be_in_blocks_of_one_service(first_out):
    part = Part("svc")
    entered, leave = [anyio.Event(), anyio.Event()], [anyio.Event(), anyio.Event()]

    async def block(number):
        async with part:
            entered[number].set()
            await leave[number].wait()
            inside.append(Runtime.current())
        assert Runtime.current() is None

    inside = []
    async with anyio.create_task_group() as group:
        for number in range(2):
            group.start_soon(block, number)
            await entered[number].wait()
        for number in (0, 1) if first_out == "first in" else (1, 0):
            leave[number].set()
            await anyio.wait_all_tasks_blocked()

    assert part.is_clean()
    assert None not in inside


async def test_a_block_cancelled_at_any_wait_leaves_nothing():
    parts = []

    async def scenario():
        parts.append(Part("svc", start=checkpoint, stop=checkpoint))
        async with parts[-1]:
            await checkpoint()

    def check():
        assert parts[-1].is_clean()
        assert Runtime.current() is None

    assert await cancel_everywhere(scenario, check) > 10
