"""Boot of services, on asyncio and on trio: in order, together, and whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import anyio
import pytest
from booted import Part, fail, managed

from specter import ServiceError, registry


async def test_services_start_after_those_they_depend_on() -> None:
    log: list[str] = []

    async with managed(Part("c", "b", log=log), Part("b", "a", log=log), Part("a", log=log)):
        assert log == ["start a", "start b", "start c"]

    assert log[3:] == ["stop c", "stop b", "stop a"]


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
    assert f"service 'database' was still starting, at test_manager_boot.py:{line} in connect: cancelled" in caplog.text


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


async def test_a_lenient_boot_shows_the_traceback_of_a_failed_start_once(caplog: pytest.LogCaptureFixture) -> None:
    async with managed(Part("bad", log=[], start=fail), strict=False):
        pass

    records = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.exc_info is not None for record in records] == [True, False]
    assert records[0].message == "service 'bad' failed to start"
    assert records[1].message.endswith("; the boot goes on without it")


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
