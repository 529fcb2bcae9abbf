"""The children that a service adopts: when they start and stop, and whose they are."""

import contextvars
import dataclasses

import anyio
import pytest
from anyio.lowlevel import checkpoint
from parts import Part

from specter import Runtime, Service
from specter.testing import cancel_everywhere


async def in_an_empty_context(fn):
    """Await *fn* where no runtime can be seen, as in a request."""
    async with anyio.create_task_group() as group:
        group.create_task(fn(), context=contextvars.Context())


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
