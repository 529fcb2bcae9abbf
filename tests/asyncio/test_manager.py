"""The manager, on asyncio and on trio: its names, its block, what it adopts and tells."""

from __future__ import annotations

import logging
from typing import Any

import anyio
import pytest
from booted import Part, fail, managed

from specter import Handler, Runtime, Service, ServiceError, ServiceManager, registry


@pytest.mark.parametrize("first", [0, 1], ids=["the first to enter", "the second"])
async def test_two_tasks_enter_one_manager_and_the_first_that_leaves_ends_it(first: int) -> None:
    log: list[str] = []
    manager = managed(Part("a", log=log))
    inside = [anyio.Event(), anyio.Event()]
    leave = [anyio.Event(), anyio.Event()]
    left = [anyio.Event(), anyio.Event()]

    async def stay(number: int) -> None:
        async with manager:
            inside[number].set()
            await leave[number].wait()
        left[number].set()

    async with anyio.create_task_group() as group:
        for number in (0, 1):
            group.start_soon(stay, number)
            await inside[number].wait()
        leave[first].set()
        await left[first].wait()
        assert log == ["start a", "stop a"]
        leave[1 - first].set()

    assert not manager.booted
    assert Runtime.current() is None
    async with manager:
        assert log[2:] == ["start a"]


async def test_an_error_that_leaves_the_block_is_the_error_itself() -> None:
    with pytest.raises(KeyError, match="mine"):
        async with managed():
            raise KeyError("mine")


async def test_registering_is_refused_from_the_boot_on() -> None:
    async with managed() as manager:
        with pytest.raises(RuntimeError, match=r"'late' comes too late.*await manager\.adopt\(late\)"):
            manager.register_service(Service("late"))


async def test_adopting_starts_provides_and_stops_with_the_others() -> None:
    log: list[str] = []

    async with managed(Part("a", log=log)) as manager:
        await manager.adopt(Part("late", log=log))
        assert registry.require("late").running

    assert log == ["start a", "start late", "stop late", "stop a"]


async def test_adopting_what_does_not_start_leaves_no_trace() -> None:
    async with managed() as manager:
        with pytest.raises(ServiceError, match="service 'bad' did not start"):
            await manager.adopt(Part("bad", log=[], start=fail))

        assert not registry.has("bad")


async def test_what_is_adopted_is_part_of_the_health_while_it_is_there() -> None:
    late = Service("late")
    async with managed(Service("a")) as manager:
        await manager.adopt(late)
        assert manager.health()["services"]["late"] == {"status": "ok", "name": "late"}
        await late.stop()
        assert set(manager.health()["services"]) == {"a"}


@pytest.mark.parametrize("name", ["a", "late", "service_manager", "socket_ingress"])
async def test_a_name_that_is_there_cannot_be_adopted(name: str) -> None:
    async with managed(Service("a")) as manager:
        await manager.adopt(Service("late"))
        before = registry.require(name)
        with pytest.raises(ServiceError, match=f"service '{name}' is registered already"):
            await manager.adopt(double := Service(name))

        assert registry.require(name) is before
        assert not double.running


async def test_what_is_adopted_again_is_the_same_one() -> None:
    async with managed() as manager:
        late = Service("late")
        await manager.adopt(late)
        await manager.adopt(late)

        assert registry.require("late") is late
        assert late.running


async def test_adopting_again_and_again_leaves_nothing_behind() -> None:
    async with managed() as manager:
        for _ in range(2):
            late = Service("late")
            await manager.adopt(late)
            await late.stop()
            kept = len(manager._ledger.cleanups)

        await manager.adopt(Service("late"))

        assert len(manager._ledger.cleanups) == kept


@pytest.mark.parametrize("part", [object(), "service", Service], ids=["object", "text", "class"])
async def test_what_is_no_service_is_refused(part: Any) -> None:
    manager = ServiceManager()

    with pytest.raises(TypeError, match="needs a Service"):
        manager.register_service(part)
    with pytest.raises(TypeError, match="needs setup"):
        manager.register_handler(part)
    with pytest.raises(TypeError, match="needs setup"):
        manager.register_handler(Handler)  # one of its instances was meant
    with pytest.raises(TypeError, match="needs a Controller"):
        manager.register_controller(part)


async def test_a_name_is_registered_once() -> None:
    manager = managed(Service("a"))

    for name in ("a", "service_manager", "socket_ingress"):
        with pytest.raises(ServiceError, match=f"service '{name}' is registered already"):
            manager.register_service(Service(name))
    with pytest.raises(ServiceError, match="service 'b' is registered already"):
        manager.register_service(twice := Service("b")).register_service(twice)


async def test_a_name_is_free_again_when_its_service_was_renamed() -> None:
    manager = managed(renamed := Service("a"))
    renamed.name = "b"
    manager.register_service(Service("a"))

    async with manager:
        assert set(manager.health()["services"]) == {"a", "b"}


async def test_two_services_of_one_name_are_refused_at_boot() -> None:
    started: list[str] = []
    manager = managed(Part("a", log=started), renamed := Part("b", log=started))
    renamed.name = "a"

    with pytest.raises(ServiceError, match="service 'a' is there twice"):
        async with manager:
            pass
    assert started == []


async def test_a_manager_boots_again_with_the_same_parts() -> None:
    log: list[str] = []
    manager = managed(Part("a", log=log))

    for _ in range(2):
        async with manager:
            assert manager.ready

    assert log == ["start a", "stop a"] * 2


async def test_health_tells_of_every_service() -> None:
    class Sick(Service):
        def health(self) -> dict[str, Any]:
            raise OSError("thermometer broken")

    manager = managed(Service("well"), Sick("sick"))
    assert manager.health() == {
        "status": "stopped",
        "services": {
            "well": {"status": "stopped", "name": "well"},
            "sick": {"status": "error", "error": "thermometer broken"},
        },
        "handlers": {},
    }

    async with manager:
        assert manager.health()["status"] == "ok"
        assert manager.health()["services"]["well"]["status"] == "ok"


async def test_the_manager_is_the_runtime_of_its_block() -> None:
    async with managed() as manager:
        runtime = Runtime.current()
        assert runtime is not None
        assert runtime.name == manager.name

    assert Runtime.current() is None


async def test_the_log_tells_of_boot_and_shutdown_in_order(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="specter"):
        async with managed(Part("a", log=[])):
            pass

    assert [record.message for record in caplog.records if record.levelno == logging.INFO] == [
        "service 'a' started",
        "service 'service_manager' started",
        "boot complete: 1 services, 0 handlers",
        "shutdown begins",
        "service 'a' stopped",
        "service 'service_manager' stopped",
        "shutdown complete",
    ]
