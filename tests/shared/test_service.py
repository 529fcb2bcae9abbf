"""Services, on both runtimes: how they start and stop, and in which order."""

import pytest


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


async def test_leaving_the_block_stops_the_service(twin, part):
    service = part()
    with pytest.raises(ZeroDivisionError):
        async with twin.within(service) as entered:
            assert entered is service
            assert service.running
            raise ZeroDivisionError("no")

    assert service.log == ["part starts", "part stops"]
