"""`running` boots what is under test, and shuts it down again, whoever leaves the block and however."""

from __future__ import annotations

import asyncio
import gc
import signal
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import pytest
import socketio
from anyio.lowlevel import checkpoint
from flask import Flask
from quart import Quart

from specter import Runtime, Service, ServiceManager, boot, registry
from specter.sansio.errors import ServiceError
from specter.testing import cancel_everywhere, running

on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])
on_trio = pytest.mark.parametrize("anyio_backend", ["trio"])


class Part(Service):
    def __init__(self, name: str = "part") -> None:
        super().__init__(name)
        self.log: list[str] = []

    async def on_start(self) -> None:
        self.log.append("start")

    async def on_stop(self) -> None:
        self.log.append("stop")


class Broken(Service):
    async def on_start(self) -> None:
        raise OSError("port in use")


def application(*services: Service) -> tuple[Quart, ServiceManager, list[str]]:
    """A Quart application that notes its own lifespan, and its manager."""
    app = Quart(__name__)
    log: list[str] = []

    @app.before_serving
    async def open_pool() -> None:
        log.append("pool")

    @app.after_serving
    async def close_pool() -> None:
        log.append("no pool")

    return app, boot(app, socketio.AsyncServer(async_mode="asgi"), services=services), log


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


@on_asyncio
async def test_a_manager_that_somebody_else_has_booted_is_left_as_it_is() -> None:
    part = Part()

    async with ServiceManager().register_service(part) as manager:
        async with running(manager):
            assert part.log == ["start"]
        assert part.log == ["start"]


@on_asyncio
@pytest.mark.parametrize("wired", [True, False], ids=["application", "services"])
async def test_an_error_that_no_service_may_swallow_reaches_the_test(wired: bool) -> None:
    part = Part()
    manager = application(part)[1] if wired else ServiceManager().register_service(part)

    async def found() -> None:
        pytest.fail("found in a task")

    with pytest.raises(pytest.fail.Exception, match="found in a task"):
        async with running(manager):
            await part.spawn(found).wait()


# An application.


@on_asyncio
@pytest.mark.parametrize(
    "given",
    [lambda app, manager: app, lambda app, manager: manager, lambda app, manager: manager.asgi],
    ids=["app", "manager", "asgi"],
)
async def test_an_application_boots_with_all_of_its_lifespan(given: Callable[..., Any]) -> None:
    app, manager, log = application(part := Part())

    async with running(given(app, manager)) as it:
        assert it is given(app, manager)
        assert manager.ready
        assert (log, part.log) == (["pool"], ["start"])

    assert (log, part.log) == (["pool", "no pool"], ["start", "stop"])
    assert not manager.running


@on_asyncio
async def test_a_manager_that_was_not_wired_boots_beside_its_application() -> None:
    app, _, log = application()
    app.extensions.clear()
    manager = ServiceManager(app, socketio.AsyncServer(async_mode="asgi")).register_service(part := Part())

    async with running(manager):
        assert part.running
        assert log == ["pool"]

    assert part.log == ["start", "stop"]
    assert log == ["pool", "no pool"]


@on_asyncio
async def test_an_application_without_a_manager_has_its_lifespan() -> None:
    log: list[str] = []
    sio = socketio.AsyncServer(async_mode="asgi")
    asgi = socketio.ASGIApp(sio, on_startup=lambda: log.append("on"), on_shutdown=lambda: log.append("off"))

    async with running(asgi) as it:
        assert it is asgi
        assert log == ["on"]

    assert log == ["on", "off"]


@on_asyncio
async def test_an_application_may_be_its_own_app() -> None:
    class Own:
        def __init__(self) -> None:
            self.app = self
            self.log: list[str] = []

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            for phase in ("startup", "shutdown"):
                await receive()
                self.log.append(phase)
                await send({"type": f"lifespan.{phase}.complete"})

    async with running(Own()) as own:
        assert own.log == ["startup"]
    assert own.log == ["startup", "shutdown"]


@on_asyncio
async def test_the_errors_of_a_boot_in_a_lifespan_come_out_as_themselves() -> None:
    app, manager, log = application(part := Part(), Broken("broken"))

    with pytest.raises(ServiceError, match="'broken' did not start: port in use") as raised:
        async with running(app):
            pytest.fail("entered")

    assert isinstance(raised.value.__cause__, OSError)
    assert not (part.running or manager.running)


@on_asyncio
async def test_the_errors_of_the_application_itself_come_out_as_themselves() -> None:
    app = Quart(__name__)

    @app.before_serving
    async def connect() -> None:
        raise LookupError("no database")

    with pytest.raises(LookupError, match="no database"):
        async with running(app):
            pytest.fail("entered")


@on_asyncio
async def test_an_error_of_the_shutdown_comes_out_as_itself() -> None:
    app, manager, _ = application(part := Part())

    @app.after_serving
    async def disconnect() -> None:
        raise LookupError("database is stuck")

    with pytest.raises(LookupError, match="database is stuck"):
        async with running(app):
            pass
    assert part.log == ["start", "stop"]


@on_asyncio
async def test_an_application_that_says_no_more_than_that_it_failed_is_told_of() -> None:
    async def asgi(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no licence"})

    with pytest.raises(RuntimeError, match="the lifespan of the application failed: no licence"):
        async with running(asgi):
            pytest.fail("entered")


@on_asyncio
async def test_a_middleware_that_keeps_the_lifespan_from_the_manager_is_named() -> None:
    app, manager, _ = application()

    class Middleware:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            assert scope["type"] != "lifespan"

    with pytest.raises(RuntimeError, match="the lifespan of Middleware has not booted the manager"):
        async with running(Middleware(manager.asgi)):
            pytest.fail("entered")


@on_asyncio
async def test_signals_stay_those_of_the_test_runner() -> None:
    app, _, _ = application()

    def own(number: int, frame: object) -> None: ...

    before = signal.signal(signal.SIGTERM, own)
    try:
        async with running(app):
            assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


@on_asyncio
async def test_a_manager_beside_an_application_that_does_not_start_is_shut_down() -> None:
    app, _, _ = application()
    app.extensions.clear()
    manager = ServiceManager(app).register_service(part := Part())

    @app.before_serving
    async def connect() -> None:
        raise LookupError("no database")

    with pytest.raises(LookupError, match="no database"):
        async with running(manager):
            pytest.fail("entered")
    assert part.log == ["start", "stop"]


@on_asyncio
async def test_an_application_is_not_kept_when_it_has_ended() -> None:
    async def use() -> weakref.ref[Quart]:
        app, _, _ = application(Part())
        async with running(app):
            return weakref.ref(app)

    ended = await use()
    gc.collect()
    assert ended() is None


# Sharing.


@on_asyncio
async def test_blocks_round_one_application_share_a_boot() -> None:
    app, manager, log = application(part := Part())

    async with running(app):
        async with running(manager), running(manager.asgi):
            assert part.log == ["start"]
        assert part.log == ["start"]

    assert (log, part.log) == (["pool", "no pool"], ["start", "stop"])


@on_asyncio
async def test_the_last_to_leave_shuts_down() -> None:
    app, manager, _ = application(part := Part())
    first, second = running(app), running(app)

    await first.__aenter__()
    await second.__aenter__()
    await first.__aexit__(None, None, None)
    assert part.running
    await second.__aexit__(None, None, None)
    assert part.log == ["start", "stop"]


@on_asyncio
async def test_an_application_can_be_booted_again() -> None:
    app, _, log = application(part := Part())

    for _ in range(2):
        async with running(app):
            pass

    assert part.log == ["start", "stop"] * 2
    assert log == ["pool", "no pool"] * 2


@on_asyncio
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


@on_asyncio
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


# What cannot run.


@on_asyncio
@pytest.mark.parametrize("given", ["app", None, Quart, object()], ids=["text", "None", "class", "object"])
async def test_what_cannot_run_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match="a manager, a Quart application or another ASGI application is needed"):
        async with running(given):
            pytest.fail("entered")


@on_asyncio
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


@pytest.fixture
async def app() -> AsyncIterator[Quart]:
    app, _, _ = application(Part("in the application"))
    async with running(app):
        yield app


async def test_a_fixture_of_anyio_boots_a_service(part: Part) -> None:
    assert part.running
    part.spawn(anyio.sleep_forever)


@on_asyncio
async def test_a_fixture_of_anyio_boots_an_application(app: Quart) -> None:
    assert registry.require("in the application").running
