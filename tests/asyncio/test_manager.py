"""Boot and shutdown of services, on asyncio and on trio."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import nullcontext
from contextvars import ContextVar
from typing import Any

import anyio
import pytest

from specter import Handler, Runtime, Service, ServiceError, ServiceManager, registry


class Part(Service):
    """A service that notes what happens to it, and can be made to fail or wait."""

    def __init__(self, name: str, *depends_on: str, log: list[str], start: Callable[[], Any] | None = None) -> None:
        super().__init__(name)
        self.depends_on = depends_on
        self.log = log
        self._start = start

    async def on_start(self) -> None:
        self.log.append(f"start {self.name}")
        if self._start is not None:
            await self._start()

    async def on_stop(self) -> None:
        self.log.append(f"stop {self.name}")


def managed(*services: Service, **options: Any) -> ServiceManager:
    manager = ServiceManager(**options)
    for service in services:
        manager.register_service(service)
    return manager


async def fail() -> None:
    raise ValueError("no disk")


async def test_services_start_after_those_they_depend_on() -> None:
    log: list[str] = []

    async with managed(Part("c", "b", log=log), Part("b", "a", log=log), Part("a", log=log)):
        assert log == ["start a", "start b", "start c"]

    assert log[3:] == ["stop c", "stop b", "stop a"]


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


async def test_independent_services_start_at_the_same_time() -> None:
    log: list[str] = []
    first, second = anyio.Event(), anyio.Event()

    async def meet(mine: anyio.Event, other: anyio.Event) -> None:
        mine.set()
        await other.wait()  # for ever, if the other one started only after this one

    with anyio.fail_after(5):
        async with managed(
            Part("a", log=log, start=lambda: meet(first, second)), Part("b", log=log, start=lambda: meet(second, first))
        ) as manager:
            assert manager.booted


@pytest.mark.parametrize(
    ("depends_on", "problem"),
    [
        ({"a": ["b"], "b": ["c"], "c": ["a"]}, "depends on itself: a -> b -> c -> a"),
        ({"a": ["a"]}, "depends on itself: a -> a"),
        ({"a": [], "b": ["nobody"]}, "depends on 'nobody', which is not registered; there are: a, b"),
    ],
    ids=["cycle", "itself", "unknown"],
)
async def test_a_wrong_dependency_is_an_error_before_anything_starts(
    depends_on: dict[str, list[str]], problem: str
) -> None:
    log: list[str] = []
    manager = managed(*[Part(name, *needs, log=log) for name, needs in depends_on.items()])

    with pytest.raises(ServiceError, match=problem):
        async with manager:
            pytest.fail("booted")

    assert log == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"shutdown_timeout": float("inf")}, "shutdown_timeout must be finite, got inf"),
        ({"shutdown_timeout": 0}, "shutdown_timeout must be more than 0 seconds, got 0"),
        ({"graceful_timeout": -1}, "graceful_timeout must be 0 seconds or more, got -1"),
        ({"graceful_timeout": None}, "graceful_timeout must be a number of seconds, got None"),
    ],
    ids=str,
)
def test_a_time_that_no_shutdown_can_keep_is_an_error(options: dict[str, Any], problem: str) -> None:
    with pytest.raises((TypeError, ValueError), match=problem):
        ServiceManager(**options)


async def test_a_name_where_names_belong_is_an_error_that_says_so() -> None:
    log: list[str] = []
    part = Part("a", log=log)
    part.depends_on = "database"  # type: ignore[assignment]  # somebody forgot the comma

    with pytest.raises(ServiceError, match="service 'a' must have a tuple of names as depends_on, got 'database'"):
        async with managed(part):
            pytest.fail("booted")

    assert log == []


async def test_a_boot_that_is_cancelled_names_what_had_not_started_and_where(caplog: pytest.LogCaptureFixture) -> None:
    waits = anyio.Event()

    async def connect() -> None:
        waits.set()
        await anyio.sleep_forever()

    async def boot() -> None:
        async with managed(Part("database", log=[], start=connect)):
            pytest.fail("booted")

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(boot)
            await waits.wait()
            group.cancel_scope.cancel()

    line = connect.__code__.co_firstlineno + 2
    assert f"service 'database' was still starting, at test_manager.py:{line} in connect: cancelled" in caplog.text


async def test_a_boot_that_fails_undoes_itself_and_names_the_service(caplog: pytest.LogCaptureFixture) -> None:
    log: list[str] = []
    manager = managed(Part("a", log=log), Part("bad", "a", log=log, start=fail), Part("never", "bad", log=log))

    with pytest.raises(ServiceError, match="service 'bad' did not start: no disk") as caught:
        async with manager:
            pytest.fail("booted")

    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.service == "bad"
    assert log == ["start a", "start bad", "stop a"]
    assert registry.list() == []
    assert not manager.booted
    assert not manager.ready
    assert "service 'bad' failed to start" in caplog.text


async def test_services_that_fail_together_are_one_raised_and_the_others_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log: list[str] = []
    both = anyio.Event()

    async def first() -> None:
        with anyio.CancelScope(shield=True):
            await both.wait()
        await fail()

    async def second() -> None:
        both.set()
        await anyio.lowlevel.cancel_shielded_checkpoint()
        await fail()

    with pytest.raises(ServiceError, match="did not start: no disk"):
        async with managed(Part("one", log=log, start=first), Part("two", log=log, start=second)):
            pytest.fail("booted")

    assert "service 'one' failed to start" in caplog.text
    assert "service 'two' failed to start" in caplog.text


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_service_that_fails_before_another_has_begun_is_the_end_of_the_boot() -> None:
    log: list[str] = []

    with pytest.raises(ServiceError, match="did not start: no disk"):
        async with managed(Part("bad", log=log, start=fail), Part("next", log=log)):
            pytest.fail("booted")

    assert log == ["start bad"]


async def test_services_that_wait_for_each_other_start_at_the_same_time() -> None:
    events = [anyio.Event() for _ in range(20)]
    log: list[str] = []

    def start(number: int) -> Callable[[], Any]:
        async def hook() -> None:
            events[number].set()
            for event in events:
                await event.wait()

        return hook

    with anyio.fail_after(5):
        async with managed(*(Part(f"part{number}", log=log, start=start(number)) for number in range(20))) as manager:
            assert manager.booted


async def test_hooks_of_one_boot_do_not_see_what_others_set() -> None:
    variable = ContextVar("variable", default="unset")
    seen: list[str] = []

    async def hook() -> None:
        seen.append(variable.get())
        variable.set("set")
        await anyio.lowlevel.checkpoint()

    parts = [Part(f"part{number}", log=[], start=hook) for number in range(5)]
    async with managed(*parts):
        for part in parts:
            await part.spawn(lambda: seen.append(variable.get())).wait()

    assert seen == ["unset"] * 5 + ["set"] * 5


async def test_a_lenient_boot_goes_on_without_the_service_that_failed() -> None:
    log: list[str] = []

    async with managed(Part("bad", log=log, start=fail), Part("good", log=log), strict=False) as manager:
        assert not registry.has("bad")
        assert registry.require("good").running
        assert manager.booted


async def test_services_are_in_the_registry_from_before_their_start_to_the_shutdown() -> None:
    log: list[str] = []
    seen: list[list[str]] = []

    async def look() -> None:
        seen.append(registry.list())

    async with managed(Part("a", log=log, start=look)) as manager:
        assert registry.require("service_manager") is manager
        assert registry.require("socket_ingress") is manager.socket_ingress

    assert seen == [["a", "service_manager", "socket_ingress"]]
    assert registry.list() == []


async def test_what_is_cancelled_while_it_boots_is_undone() -> None:
    log: list[str] = []

    async def hang() -> None:
        scope.cancel()
        await anyio.sleep_forever()

    manager = managed(Part("a", log=log), Part("slow", "a", log=log, start=hang))
    with anyio.CancelScope() as scope:
        async with manager:
            pytest.fail("booted")

    assert scope.cancelled_caught
    assert log == ["start a", "start slow", "stop a"]
    assert not manager.running


async def test_cancelling_the_block_runs_the_whole_teardown_first() -> None:
    log: list[str] = []

    async def slow_stop() -> None:
        await anyio.sleep(0.02)
        log.append("cleaned up")

    with anyio.CancelScope() as scope:
        async with managed(Part("a", log=log)) as manager:
            registry.require("a").add_cleanup(slow_stop)
            scope.cancel()
            await anyio.sleep_forever()

    assert log == ["start a", "stop a", "cleaned up"]
    assert not manager.running


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


async def test_a_shutdown_from_a_task_of_a_service_does_not_wait_for_itself() -> None:
    log: list[str] = []
    manager = managed(Part("a", log=log))
    after = anyio.Event()

    async def end_it_all() -> None:
        await manager.shutdown()
        after.set()

    with anyio.fail_after(5):
        async with manager:
            registry.require("a").spawn(end_it_all)
            await after.wait()
            assert not manager.booted

    assert log == ["start a", "stop a"]


async def test_a_service_that_does_not_end_is_abandoned_by_name_and_the_others_stop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log: list[str] = []
    enough = anyio.Event()

    async def stubborn() -> None:
        while not enough.is_set():
            with anyio.CancelScope(shield=True):
                await enough.wait()

    manager = managed(Part("a", log=log), Part("b", "a", log=log), shutdown_timeout=0.4)
    with anyio.fail_after(5):
        async with manager:
            registry.require("b").spawn(stubborn, label="hang")
            await anyio.sleep(0.01)
    enough.set()

    assert log == ["start a", "start b", "stop b", "stop a"]
    assert len(manager.abandoned) == 1
    assert "task 'hang' of 'b' did not end, waits at test_manager.py" in manager.abandoned[0]
    assert "in stubborn" in manager.abandoned[0]
    assert manager.abandoned[0] in caplog.text


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # trio waits for each task of a nursery
@pytest.mark.parametrize("end", ["fails", "is cancelled"])
async def test_a_start_that_does_not_end_is_abandoned_by_name_and_the_others_stop(
    end: str, caplog: pytest.LogCaptureFixture
) -> None:
    log: list[str] = []
    enough, begun = anyio.Event(), anyio.Event()

    async def stubborn() -> None:
        begun.set()
        while not enough.is_set():
            with anyio.CancelScope(shield=True):
                await enough.wait()

    async def bad() -> None:
        await begun.wait()
        if end == "fails":
            raise ValueError("no disk")
        scope.cancel()
        await anyio.sleep_forever()

    manager = managed(
        Part("a", log=log),
        Part("bad", "a", log=log, start=bad),
        Part("hangs", "a", log=log, start=stubborn),
        shutdown_timeout=0.4,
    )
    with anyio.fail_after(5), anyio.CancelScope() as scope:
        with pytest.raises(ServiceError, match="no disk") if end == "fails" else nullcontext():
            await manager.__aenter__()
            pytest.fail("booted")
    enough.set()

    assert scope.cancelled_caught == (end == "is cancelled")
    assert sorted(log) == ["start a", "start bad", "start hangs", "stop a"]
    assert len(manager.abandoned) == 1
    assert "start of service 'hangs' did not end, waits at test_manager.py" in manager.abandoned[0]
    assert "in stubborn" in manager.abandoned[0]
    assert manager.abandoned[0] in caplog.text


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_start_that_awaits_what_is_cancelled_has_failed() -> None:
    log: list[str] = []

    async def end() -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    with pytest.raises(ServiceError, match="service 'ends' did not start: CancelledError"):
        await managed(
            Part("a", log=log), Part("ends", "a", log=log, start=end), Part("b", "ends", log=log)
        ).__aenter__()

    assert log == ["start a", "start ends", "stop a"]


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
