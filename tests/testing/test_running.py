"""`running` boots a service or a manager of services, and shuts it down again, whoever leaves the block and however."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from flask import Flask
from lifespans import Broken, Part
from loops import asyncio_only
from quart import Quart

from specter import Runtime, ServiceManager, registry
from specter.sansio.errors import ServiceError
from specter.testing import cancel_everywhere, running

on_trio = pytest.mark.parametrize("anyio_backend", ["trio"])


# A service.


async def test_a_service_runs_in_the_block() -> None:
    part = Part()

    async with running(part) as it:
        assert it is part
        assert part.running

    assert part.log == ["start", "stop"]
    assert Runtime.current() is None


async def test_a_service_runs_in_the_runtime_around() -> None:
    part = Part()

    async with Runtime() as runtime, running(part):
        assert runtime.tasks() == []
        part.spawn(anyio.sleep_forever)
        assert [task.owner for task in runtime.tasks()] == ["part"]


async def test_an_error_of_a_start_is_itself() -> None:
    with pytest.raises(OSError, match="port in use"):
        async with running(Broken("broken")):
            pytest.fail("entered")

    assert Runtime.current() is None


async def test_an_error_of_the_block_is_itself() -> None:
    part = Part()

    with pytest.raises(KeyError, match="own"):
        async with running(part):
            raise KeyError("own")
    assert part.log == ["start", "stop"]


async def test_a_service_cancelled_at_any_wait_is_stopped() -> None:
    part = Part()

    async def scenario() -> None:
        async with running(part):
            await checkpoint()

    def check() -> None:
        assert not part.running
        assert Runtime.current() is None

    assert await cancel_everywhere(scenario, check) > 3


# A manager.


async def test_a_manager_of_services_alone_boots() -> None:
    part = Part()
    manager = ServiceManager().register_service(part)

    async with running(manager) as it:
        assert it is manager
        assert registry.require("part") is part

    assert part.log == ["start", "stop"]
    assert registry.list() == []


async def test_a_boot_that_fails_comes_out_with_its_cause_and_leaves_nothing() -> None:
    part = Part()
    manager = ServiceManager().register_service(part).register_service(Broken("broken"))

    with pytest.raises(ServiceError, match="'broken' did not start: port in use") as raised:
        async with running(manager):
            pytest.fail("entered")

    assert isinstance(raised.value.__cause__, OSError)
    assert not (part.running or manager.running)
    assert registry.list() == []


@asyncio_only
async def test_a_manager_that_somebody_else_has_booted_is_left_as_it_is() -> None:
    part = Part()

    async with ServiceManager().register_service(part) as manager:
        async with running(manager):
            assert part.log == ["start"]
        assert part.log == ["start"]


# What cannot run.


@asyncio_only
@pytest.mark.parametrize("given", ["app", None, Quart, object()], ids=["text", "None", "class", "object"])
async def test_what_cannot_run_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match="a manager, a Quart application or another ASGI application is needed"):
        async with running(given):
            pytest.fail("entered")


@asyncio_only
async def test_a_flask_application_is_told_of_the_backend_switch() -> None:
    with pytest.raises(TypeError, match=r"specter\.use_backend\('gevent'\)"):
        async with running(Flask(__name__)):
            pytest.fail("entered")


@on_trio
async def test_an_application_on_trio_is_refused() -> None:
    with pytest.raises(RuntimeError, match="Quart and python-socketio do not run on trio"):
        async with running(Quart(__name__)):
            pytest.fail("entered")


# Fixtures.


@pytest.fixture
async def part() -> AsyncIterator[Part]:
    async with running(Part()) as it:
        yield it


async def test_a_fixture_of_anyio_boots_a_service(part: Part) -> None:
    assert part.running
    part.spawn(anyio.sleep_forever)
