"""What a service owns besides tasks, timers and children: resources and context managers."""

import contextlib

import anyio
import pytest
from anyio.lowlevel import checkpoint
from logged import errors

from specter import Runtime, Service
from specter.testing import cancel_everywhere, eventually

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
