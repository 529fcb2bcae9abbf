"""What services own, on both runtimes: children, listeners, tasks, timers, state and resources."""

import re

import pytest


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
