"""`running` boots an application with all of its lifespan, and shuts it down again; errors come out as themselves."""

from __future__ import annotations

import gc
import signal
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import socketio
from lifespans import Broken, Part, application
from loops import asyncio_only
from quart import Quart

from specter import ServiceManager, registry
from specter.sansio.errors import ServiceError
from specter.testing import running


@asyncio_only
@pytest.mark.parametrize("wired", [True, False], ids=["application", "services"])
async def test_an_error_that_no_service_may_swallow_reaches_the_test(wired: bool) -> None:
    part = Part()
    manager = application(part)[1] if wired else ServiceManager().register_service(part)

    async def found() -> None:
        pytest.fail("found in a task")

    with pytest.raises(pytest.fail.Exception, match="found in a task"):
        async with running(manager):
            await part.spawn(found).wait()


@asyncio_only
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


@asyncio_only
async def test_a_manager_that_was_not_wired_boots_beside_its_application() -> None:
    app, _, log = application()
    app.extensions.clear()
    manager = ServiceManager(app, socketio.AsyncServer(async_mode="asgi")).register_service(part := Part())

    async with running(manager):
        assert part.running
        assert log == ["pool"]

    assert part.log == ["start", "stop"]
    assert log == ["pool", "no pool"]


@asyncio_only
async def test_an_application_without_a_manager_has_its_lifespan() -> None:
    log: list[str] = []
    sio = socketio.AsyncServer(async_mode="asgi")
    asgi = socketio.ASGIApp(sio, on_startup=lambda: log.append("on"), on_shutdown=lambda: log.append("off"))

    async with running(asgi) as it:
        assert it is asgi
        assert log == ["on"]

    assert log == ["on", "off"]


@asyncio_only
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


@asyncio_only
async def test_the_errors_of_a_boot_in_a_lifespan_come_out_as_themselves() -> None:
    app, manager, log = application(part := Part(), Broken("broken"))

    with pytest.raises(ServiceError, match="'broken' did not start: port in use") as raised:
        async with running(app):
            pytest.fail("entered")

    assert isinstance(raised.value.__cause__, OSError)
    assert not (part.running or manager.running)


@asyncio_only
async def test_the_errors_of_the_application_itself_come_out_as_themselves() -> None:
    app = Quart(__name__)

    @app.before_serving
    async def connect() -> None:
        raise LookupError("no database")

    with pytest.raises(LookupError, match="no database"):
        async with running(app):
            pytest.fail("entered")


@asyncio_only
async def test_an_error_of_the_shutdown_comes_out_as_itself() -> None:
    app, manager, _ = application(part := Part())

    @app.after_serving
    async def disconnect() -> None:
        raise LookupError("database is stuck")

    with pytest.raises(LookupError, match="database is stuck"):
        async with running(app):
            pass
    assert part.log == ["start", "stop"]


@asyncio_only
async def test_an_application_that_says_no_more_than_that_it_failed_is_told_of() -> None:
    async def asgi(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no licence"})

    with pytest.raises(RuntimeError, match="the lifespan of the application failed: no licence"):
        async with running(asgi):
            pytest.fail("entered")


@asyncio_only
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


@asyncio_only
async def test_signals_stay_those_of_the_test_runner() -> None:
    app, _, _ = application()

    def own(number: int, frame: object) -> None: ...

    before = signal.signal(signal.SIGTERM, own)
    try:
        async with running(app):
            assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


@asyncio_only
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


@asyncio_only
async def test_an_application_is_not_kept_when_it_has_ended() -> None:
    async def use() -> weakref.ref[Quart]:
        app, _, _ = application(Part())
        async with running(app):
            return weakref.ref(app)

    ended = await use()
    gc.collect()
    assert ended() is None


@pytest.fixture
async def app() -> AsyncIterator[Quart]:
    app, _, _ = application(Part("in the application"))
    async with running(app):
        yield app


@asyncio_only
async def test_a_fixture_of_anyio_boots_an_application(app: Quart) -> None:
    assert registry.require("in the application").running
