"""A manager in the life of a Quart application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import socketio
from anyio.lowlevel import checkpoint
from flask import Flask
from quart import Quart
from quart.testing.app import LifespanError

from specter import Controller, Handler, Runtime, Service, ServiceManager, boot, registry
from specter.testing import cancel_everywhere, http, running


class Part(Service):
    def __init__(self, name: str, log: list[str]) -> None:
        super().__init__(name)
        self.log = log

    async def on_start(self) -> None:
        self.log.append(f"start {self.name}")

    async def on_stop(self) -> None:
        self.log.append(f"stop {self.name}")


async def test_services_run_from_before_the_first_request_to_the_end_of_serving() -> None:
    log: list[str] = []
    app = Quart(__name__)

    @app.get("/")
    async def is_running() -> dict[str, Any]:
        return {"running": registry.require("part").running}

    manager = boot(app, None, services=[Part("part", log)])
    assert log == []

    async with http(app) as client:
        assert manager.ready
        response = await client.get("/")
        assert await response.get_json() == {"running": True}

    assert log == ["start part", "stop part"]
    assert not manager.ready


async def test_an_application_can_be_served_again() -> None:
    log: list[str] = []
    app = Quart(__name__)
    boot(app, None, services=[Part("part", log)])

    for _ in range(2):
        async with app.test_app():
            pass

    assert log == ["start part", "stop part"] * 2


class PlainHandler:
    """What has `setup` and `teardown`, be they plain, is a handler."""

    registered = False

    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.log = log

    def setup(self, socketio: Any) -> None:
        self.registered = True
        self.log.append(f"set up {self.name}")

    def teardown(self) -> None:
        self.registered = False
        self.log.append(f"tear down {self.name}")


class Talk(Controller):
    name = "talk"

    def build_events(self, handler: Any) -> None:
        handler.on("say", lambda text: text)


async def test_handlers_come_after_the_services_and_go_before_them_in_reverse() -> None:
    log: list[str] = []
    app = Quart(__name__)
    sio = socketio.AsyncServer(async_mode="asgi")
    manager = boot(
        app,
        sio,
        services=[Part("part", log)],
        handlers=[PlainHandler("first", log), PlainHandler("second", log)],
        controllers=[Talk()],
    )

    async with running(app):
        assert manager.health()["handlers"] == {
            "first": {"registered": True},
            "second": {"registered": True},
            "talk_events": {"registered": True},
        }

    assert log == ["start part", "set up first", "set up second", "tear down second", "tear down first", "stop part"]


async def test_what_the_application_set_up_before_outlives_the_services() -> None:
    log: list[str] = []
    app = Quart(__name__)

    @app.before_serving
    async def open_database() -> None:
        log.append("open")

    @app.while_serving
    async def pool() -> AsyncIterator[None]:
        log.append("pool")
        yield
        log.append("no pool")

    @app.after_serving
    async def close_database() -> None:
        log.append("close")

    boot(app, None, services=[Part("part", log)])
    async with running(app):
        pass

    assert log == ["open", "pool", "start part", "stop part", "no pool", "close"]


async def test_a_boot_that_fails_keeps_the_server_from_starting_and_leaves_nothing() -> None:
    log: list[str] = []

    class Bad(Part):
        depends_on = ("good",)

        async def on_start(self) -> None:
            raise OSError("port in use")

    app = Quart(__name__)
    boot(app, None, services=[Part("good", log), Bad("bad", log)])

    with pytest.raises(LifespanError, match="service 'bad' did not start: port in use"):
        async with app.test_app():
            pytest.fail("served")

    assert log == ["start good", "stop good"]
    assert registry.list() == []


async def test_the_error_of_a_boot_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Service):
        async def on_start(self) -> None:
            raise ValueError("no database")

    app = Quart(__name__)
    boot(app, None, services=[Failing("failing")])

    for _ in range(2):
        caplog.clear()
        with pytest.raises(LifespanError, match="no database"):
            async with app.test_app():
                pytest.fail("served")

        assert [record.exc_info[1].args for record in caplog.records if record.exc_info] == [("no database",)]
        assert app.logger.filters == []


async def test_other_errors_of_a_start_are_reported_by_quart(caplog: pytest.LogCaptureFixture) -> None:
    app = Quart(__name__)
    boot(app, None)

    @app.before_serving
    async def fails() -> None:
        raise ValueError("of its own")

    with pytest.raises(LifespanError):
        async with app.test_app():
            pytest.fail("served")

    assert [record.name for record in caplog.records if record.exc_info] == [app.logger.name]


async def test_parts_can_be_registered_until_the_server_starts() -> None:
    log: list[str] = []
    app = Quart(__name__)
    manager = boot(app, None)
    manager.register_service(Part("late", log))

    async with running(app):
        assert log == ["start late"]
        with pytest.raises(RuntimeError, match="comes too late"):
            manager.register_service(Part("later", log))


async def test_a_request_sees_the_managers_runtime_and_its_tasks_do_not_see_the_request() -> None:
    app = Quart(__name__)
    seen: dict[str, Any] = {}

    @app.get("/")
    async def view() -> str:
        from quart import has_request_context

        def look() -> None:
            seen["request"] = has_request_context()
            seen["in task"] = Runtime.current()

        seen["in view"] = Runtime.current()
        await registry.require("part").spawn(look).wait()
        return ""

    boot(app, None, services=[Part("part", [])])
    async with http(app) as client:
        await client.get("/")

    assert seen["in view"] is seen["in task"] is not None
    assert seen["request"] is False


async def test_a_plain_view_changes_state_from_its_worker_thread() -> None:
    app = Quart(__name__)
    heard: list[int] = []

    @app.get("/<int:number>")
    def view(number: int) -> str:
        registry.require("part").set_state({"number": number})
        registry.require("part").emit_nowait("number", number)
        return str(len(heard))

    part = Part("part", [])
    part.subscribe(lambda state, _: heard.append(state["number"]))
    boot(app, None, services=[part])
    async with http(app) as client:
        part.subscribe(lambda state, _: heard.append(state["number"]))
        for number in range(3):
            response = await client.get(f"/{number}")
            assert await response.get_data(as_text=True) == str(2 * (number + 1))

    assert heard == [0, 0, 1, 1, 2, 2]


async def test_an_application_has_one_manager() -> None:
    log: list[str] = []
    app = Quart("shop")
    boot(app, None, services=[Part("part", log)])
    with pytest.raises(RuntimeError, match="application 'shop' has a manager already: register more parts with that"):
        boot(app, None, services=[Part("other", log)])

    async with running(app):
        assert log == ["start part"]


def test_a_flask_application_is_told_of_the_backend_switch() -> None:
    with pytest.raises(TypeError, match=r"specter\.use_backend\('gevent'\)"):
        boot(Flask(__name__), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("app", ["app", object(), Quart], ids=["text", "object", "class"])
def test_what_is_no_application_is_refused(app: Any) -> None:
    with pytest.raises(TypeError, match="must be a Quart application"):
        boot(app, None)


@pytest.mark.parametrize("server", [object(), socketio.Server(async_mode="threading")], ids=["object", "not async"])
def test_what_is_no_asynchronous_socketio_server_is_refused(server: Any) -> None:
    with pytest.raises(TypeError, match=r"must be a socketio\.AsyncServer"):
        boot(Quart(__name__), server)


async def test_a_manager_without_an_app_has_nothing_to_serve() -> None:
    with pytest.raises(RuntimeError, match="nothing to serve"):
        _ = ServiceManager().asgi


class Chat(Handler):
    name = "chat"
    events = {"message": "on_message"}

    async def on_setup(self) -> None:
        await checkpoint()

    async def on_teardown(self) -> None:
        await checkpoint()

    def on_message(self, data: Any) -> Any: ...


class Room(Controller):
    name = "room"

    def build_events(self, handler: Any) -> None:
        handler.on_setup = checkpoint
        handler.on("enter", lambda data: None)


class LateRoom(Room):
    name = "late"


async def test_a_boot_and_a_shutdown_with_sockets_cancelled_at_any_wait_leave_nothing() -> None:
    made: dict[str, Any] = {}

    async def scenario() -> None:
        made["log"] = log = []
        made["sio"] = sio = socketio.AsyncServer(async_mode="asgi")
        parts = made["parts"] = [Chat(), Chat(), Room(), LateRoom()]
        manager = made["manager"] = ServiceManager(Quart(__name__), sio)
        manager.register_service(Part("part", log)).register_handler(parts[0]).register_controller(parts[2])
        async with manager:
            await manager.adopt(parts[1])
            await manager.adopt(parts[3])

    def check() -> None:
        manager = made["manager"]
        assert not (manager.running or manager.booted or manager.ready or manager._ledger)
        assert registry.list() == []
        assert not [part for part in made["parts"] if getattr(part, "registered", False) or getattr(part, "running", 0)]
        assert made["log"] in ([], ["start part", "stop part"]) or made["log"] == ["start part"]
        assert not made["sio"].handlers.get("/", {})
        assert Runtime.current() is None

    assert await cancel_everywhere(scenario, check) > 10


async def test_an_adoption_cancelled_at_any_wait_is_whole_or_undone() -> None:
    async with ServiceManager(Quart(__name__), socketio.AsyncServer(async_mode="asgi")) as manager:
        room = Room()

        async def check() -> None:
            assert room.running == registry.has("room") == (id(room) in manager._ledger.children)
            await room.stop()
            registry.unregister("room")

        assert await cancel_everywhere(lambda: manager.adopt(room), check) > 2
