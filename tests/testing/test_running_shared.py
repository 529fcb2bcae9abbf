"""Blocks of `running` round one application share its boot, and the last to leave shuts it down."""

from __future__ import annotations

import asyncio

import anyio
import pytest
from anyio.lowlevel import checkpoint
from lifespans import Part, application
from loops import asyncio_only

from specter import Runtime, ServiceManager, registry
from specter.testing import cancel_everywhere, running


@asyncio_only
async def test_blocks_round_one_application_share_a_boot() -> None:
    app, manager, log = application(part := Part())

    async with running(app):
        async with running(manager), running(manager.asgi):
            assert part.log == ["start"]
        assert part.log == ["start"]

    assert (log, part.log) == (["pool", "no pool"], ["start", "stop"])


@asyncio_only
async def test_the_last_to_leave_shuts_down() -> None:
    app, manager, _ = application(part := Part())
    first, second = running(app), running(app)

    await first.__aenter__()
    await second.__aenter__()
    await first.__aexit__(None, None, None)
    assert part.running
    await second.__aexit__(None, None, None)
    assert part.log == ["start", "stop"]


@asyncio_only
async def test_an_application_can_be_booted_again() -> None:
    app, _, log = application(part := Part())

    for _ in range(2):
        async with running(app):
            pass

    assert part.log == ["start", "stop"] * 2
    assert log == ["pool", "no pool"] * 2


@asyncio_only
async def test_who_waits_for_a_boot_that_is_cancelled_boots_itself() -> None:
    app, _, log = application(part := Part())
    begun, go_on = anyio.Event(), anyio.Event()

    @app.before_serving
    async def slow() -> None:
        begun.set()
        await go_on.wait()

    async def use() -> list[str]:
        async with running(app):
            return list(part.log)

    first = asyncio.create_task(use())
    await begun.wait()
    second = asyncio.create_task(use())
    await asyncio.sleep(0)
    first.cancel()
    go_on.set()

    assert await second == ["start"]
    with pytest.raises(asyncio.CancelledError):
        await first
    assert part.log == ["start", "stop"]


@asyncio_only
async def test_an_application_cancelled_at_any_wait_is_shut_down() -> None:
    made: list[tuple[Part, ServiceManager, list[str]]] = []

    async def scenario() -> None:
        app, manager, log = application(part := Part())
        made.append((part, manager, log))
        async with running(app):
            await checkpoint()

    def check() -> None:
        part, manager, log = made.pop()
        assert not (part.running or manager.running or manager.ready)
        assert part.log in ([], ["start"], ["start", "stop"])
        assert registry.list() == []
        assert Runtime.current() is None

    assert await cancel_everywhere(scenario, check) > 10
