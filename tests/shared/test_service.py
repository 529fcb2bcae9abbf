"""Services, on both runtimes: what they own, and the order in which it goes."""

import re

import pytest


@pytest.fixture
def part(twin):
    """The class of a service that writes down what happens to it."""

    class Part(twin.Service):
        def __init__(self, name="part", log=None, start=None, stop=None):
            super().__init__(name)
            self.log = [] if log is None else log
            self.start_hook, self.stop_hook = start, stop

        @twin.waits
        async def on_start(self):
            self.log.append(f"{self.name} starts")
            if self.start_hook is not None:
                await self.start_hook()

        @twin.waits
        async def on_stop(self):
            self.log.append(f"{self.name} stops")
            if self.stop_hook is not None:
                await self.stop_hook()

    return Part


async def fail():
    raise ZeroDivisionError("no")


async def test_start_and_stop_run_their_hooks_once(twin, part):
    service = part()
    for call in (service.start, service.start, service.stop, service.stop):
        assert await twin(call()) is service

    assert service.log == ["part starts", "part stops"]
    assert not service.running


async def test_a_service_runs_while_its_hooks_run(twin, part):
    seen = []

    async def look():
        seen.append((service.running, service.health()["status"]))

    service = part(start=look, stop=look)
    await twin(service.start())
    await twin(service.stop())

    assert seen == [(True, "ok"), (True, "ok")]
    assert service.health() == {"status": "stopped", "name": "part"}


async def test_two_starts_at_once_run_the_hook_once_and_end_together(twin, part):
    log = []

    async def slow():
        await twin.turns()
        log.append("ready")

    service = part(log=log, start=slow)

    async def start():
        await twin(service.start())
        log.append("back")

    await twin.together(start, start)

    assert log == ["part starts", "ready", "back", "back"]
    await twin(service.stop())


async def test_two_stops_at_once_run_the_hook_once_and_end_together(twin, part):
    log = []

    async def slow():
        await twin.turns()
        log.append("done")

    service = part(log=log, stop=slow)
    await twin(service.start())

    async def stop():
        await twin(service.stop())
        log.append("back")

    await twin.together(stop, stop)

    assert log == ["part starts", "part stops", "done", "back", "back"]


async def test_what_a_failing_start_has_acquired_is_released(twin, part):
    log = []
    child = part("child", log)

    async def acquire_and_fail():
        service.listen("event", log.append)
        service.spawn(twin.waits(twin.sleep), 60)
        service.interval(lambda: log.append("tick"), 60)
        service.add_cleanup(lambda: log.append("cleanup"))
        await twin(service.adopt(child))
        raise ZeroDivisionError("no")

    service = part(log=log, start=acquire_and_fail)
    with pytest.raises(ZeroDivisionError):
        await twin(service.start())
    await twin(twin.bus.emit("event", "event"))

    assert log == ["part starts", "child starts", "child stops", "cleanup"]
    assert not service.running


async def test_what_a_service_owns_goes_in_order(twin, part):
    log = []

    @twin.waits
    async def work():
        try:
            await twin.sleep(60)
        finally:
            log.append("task")

    async def emit(step):
        await twin(twin.bus.emit("event", f"event in {step}"))

    async def told():
        await emit("on_stop")

    service = part("owner", log, stop=told)
    await twin(service.start())
    service.listen("event", log.append)
    service.subscribe(lambda state, of: log.append(f"state {state['n']}"))
    service.spawn(work)
    for name in ("first", "second"):
        await twin(service.adopt(part(name, log)))
        service.add_cleanup(lambda name=name: (log.append(f"{name} cleanup"), service.set_state({"n": name}))[0])
    await twin.turns()
    log.clear()
    await twin(service.stop())
    service.set_state({"n": "never told"})
    await twin.turns()
    log.remove("task")  # asyncio's waits for its end, gevent's kills it

    assert log == [
        "owner stops", "event in on_stop", "second stops", "first stops",
        "second cleanup", "state second", "first cleanup", "state first",
    ]  # fmt: skip


async def test_a_failing_step_keeps_no_other_from_running(twin, part):
    log = []
    service = part("owner", log, stop=fail)
    await twin(service.start())
    await twin(service.adopt(part("child", log)))
    await twin(service.adopt(part("failing", log, stop=fail)))
    service.add_cleanup(lambda: log.append("cleanup"))
    service.add_cleanup(lambda: 1 / 0)
    log.clear()

    assert await twin(service.stop()) is service
    assert log == ["owner stops", "failing stops", "child stops", "cleanup"]
    assert not service.running


async def test_a_service_stops_itself_from_its_own_task(twin, part):
    log = []
    service = part(log=log)
    await twin(service.start())
    service.add_cleanup(lambda: log.append("cleanup"))

    @twin.waits
    async def ends_it():
        await twin(service.stop())

    service.spawn(ends_it)
    await twin.until(lambda: not service.running)

    assert log == ["part starts", "part stops", "cleanup"]


async def test_stop_inside_on_stop_is_no_deadlock(twin, part):
    async def again():
        await twin(service.stop())

    service = part(stop=again)
    await twin(service.start())
    await twin(service.stop())

    assert service.log == ["part starts", "part stops"]
    assert not service.running


async def test_a_service_can_be_started_again(twin, part):
    heard = []

    async def listen():
        service.listen("event", heard.append)

    service = part(start=listen)
    for number in range(3):
        await twin(service.start())
        await twin(twin.bus.emit("event", number))
        await twin(service.stop())
        await twin(twin.bus.emit("event", "never heard"))

    assert heard == [0, 1, 2]


async def test_children_stop_with_their_owner_last_first(twin, part):
    log = []
    owner, child = part("owner", log), part("child", log)
    await twin(owner.start())
    assert await twin(owner.adopt(child)) is owner
    await twin(child.adopt(part("grandchild", log)))
    await twin(owner.adopt(part("idle", log), start=False))
    assert await twin(owner.adopt(None)) is owner
    with pytest.raises(TypeError, match="str"):
        await twin(owner.adopt("no service"))
    log.clear()
    await twin(owner.stop())

    assert log == ["owner stops", "child stops", "grandchild stops"]


async def test_two_services_may_listen_with_one_function(twin, part):
    heard = []
    first, second = part("first"), part("second")
    for service in (first, second):
        await twin(service.start())
        assert service.listen("event", heard.append) is service
    await twin(first.emit("event", "both"))
    await twin(first.stop())
    await twin(second.emit("event", "one"))
    await twin(second.stop())
    await twin(twin.bus.emit("event", "none"))

    assert heard == ["both", "one"]


async def test_spawned_tasks_are_owned_until_they_end(twin, part, caplog):
    log = []

    @twin.waits
    async def work(value, more=0):
        await twin.turns(1)
        log.append(value + more)

    def fails():
        raise ZeroDivisionError("no")

    service = part()
    with pytest.raises(RuntimeError, match="start"):
        service.spawn(work, 1)
    await twin(service.start())
    service.spawn(work, 1, more=2, label="sum")
    service.spawn(fails)
    service.spawn_later(0.001, work, 5)
    service.spawn_later(60, work, 7)
    await twin.until(lambda: len(log) == 2)
    await twin(service.stop())

    assert log == [3, 5]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]


async def test_a_task_can_be_cancelled(twin, part):
    log = []

    @twin.waits
    async def work():
        try:
            await twin.sleep(60)
        finally:
            log.append("ended")

    service = part()
    await twin(service.start())
    handle = service.spawn(work)
    await twin.turns()
    assert service.cancel_task(handle) is service.cancel_task(None) is service
    await twin.until(lambda: log)

    assert service.running
    await twin(service.stop())


async def test_intervals_go_on_and_timeouts_do_not(twin, part, caplog):
    log = []

    def ticks():
        log.append("tick")
        if log.count("tick") == 2:
            raise ZeroDivisionError("no")

    service = part()
    await twin(service.start())
    interval = service.interval(ticks, 0.005)
    timeout = service.timeout(lambda: log.append("timeout"), 0.005)
    never = service.timeout(lambda: log.append("never"), 0.005)
    service.cancel_timeout(never)
    service.cancel_timeout("unknown")
    await twin.until(lambda: log.count("tick") >= 4)
    service.cancel_interval(interval)
    service.cancel_interval("unknown")
    count = len(log)
    await twin.sleep(0.02)

    assert len(log) == count
    assert log.count("timeout") == 1
    assert "never" not in log
    assert re.fullmatch("interval_[0-9a-f]{8}", interval)
    assert re.fullmatch("timeout_[0-9a-f]{8}", timeout)
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]
    await twin(service.stop())


async def test_timers_end_with_the_service(twin, part):
    log = []
    service = part()
    await twin(service.start())
    service.interval(lambda: log.append("tick"), 0.05)
    service.timeout(lambda: log.append("timeout"), 0.05)
    await twin(service.stop())
    await twin.sleep(0.08)

    assert log == []


async def test_the_state_is_merged_and_told_in_copies(twin, part):
    told = []
    service = twin.Service("a", {"a": 1})
    end = service.subscribe(lambda state, of: told.append((state, of is service)))
    service.subscribe(lambda state, of: 1 / 0)
    service.set_state({"b": 2})
    service.get_state()["a"] = 5
    end()
    service.set_state({"c": 3})

    assert told == [({"a": 1, "b": 2}, True)]
    assert service.get_state() == {"a": 1, "b": 2, "c": 3}


async def test_a_subscription_to_the_state_ends_with_its_owner(twin, part):
    told = []
    owner, service = part("owner"), twin.Service("a", {"n": 0})
    await twin(owner.start())
    service.subscribe(lambda state, of: told.append(state["n"]), immediate=True, owner=owner)
    with pytest.raises(TypeError, match="object"):
        service.subscribe(lambda state, of: told.append("never"), owner=object())
    service.set_state({"n": 1})
    await twin(owner.stop())
    service.set_state({"n": 2})

    assert told == [0, 1]


@pytest.mark.parametrize("method", ["stop", "close", "disconnect", "destroy", "terminate", "kill"])
async def test_a_resource_is_ended_by_the_method_that_it_has(twin, part, method):
    ended = []
    service = part()
    await twin(service.start())
    resource = type("Resource", (), {method: lambda self: ended.append(method)})()
    assert service.own(resource) is resource
    assert service.own(None) is None
    with pytest.raises(TypeError, match="object"):
        service.own(object())
    await twin(service.stop())

    assert ended == [method]


async def test_leaving_the_block_stops_the_service(twin, part):
    service = part()
    with pytest.raises(ZeroDivisionError):
        async with twin.within(service) as entered:
            assert entered is service
            assert service.running
            raise ZeroDivisionError("no")

    assert service.log == ["part starts", "part stops"]


async def test_a_context_is_left_at_the_stop(twin, part):
    log = []

    class Context:
        def __enter__(self):
            log.append("entered")
            return "value"

        def __exit__(self, *error):
            log.append("left")

    service = part()
    await twin(service.start())
    assert await twin(service.enter(Context())) == "value"
    assert log == ["entered"]
    await twin(service.stop())
    assert log == ["entered", "left"]
