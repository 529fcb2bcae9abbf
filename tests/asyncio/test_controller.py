"""A controller's events, schemas and state have one life."""

from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from specter import Controller, Field, Handler, Runtime, Schema, SocketIngress, registry


@pytest.fixture
def ingress() -> Iterator[SocketIngress]:
    ingress = registry.provide("socket_ingress", SocketIngress(), replace=True)
    yield ingress
    registry.unregister("socket_ingress")


class Library(Controller):
    name = "library"
    schemas = {"add": Schema("add", {"path": Field(str, required=True)})}

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Any] = []

    def build_events(self, handler: Any) -> None:
        self.log.append("events")
        handler.on("pending", self.pending).on("first", lambda: self.log.append("first"), priority=1)
        handler.on("first", lambda: self.log.append("second"))

    async def pending(self, data: Any = None) -> int:
        return 7

    async def on_stop(self) -> None:
        self.log.append(("on_stop", self._handler_instance))


async def test_its_events_are_heard_from_build_handler_to_stop(ingress: SocketIngress, runtime: Runtime) -> None:
    library = Library()
    await library.start()
    handler = await library.build_handler()
    assert not handler.registered
    await handler.setup(None)
    assert await library.build_handler() is handler
    assert handler.name == "library_events"
    assert await ingress.dispatch("pending", 1) == 7

    await library.stop()
    assert not handler.registered
    assert await ingress.dispatch("pending", 1) is None
    assert library.log == ["events", ("on_stop", None)]


async def test_the_handler_is_torn_down_before_all_else(ingress: SocketIngress, runtime: Runtime) -> None:
    library = Library()
    await library.start()
    handler = await (await library.build_handler()).setup(None)

    async def on_teardown() -> None:
        await anyio.lowlevel.checkpoint()
        library.log.append(("teardown", library.running))

    handler.on_teardown = on_teardown  # type: ignore[method-assign]
    await library.stop()

    assert library.log[1:] == [("teardown", True), ("on_stop", None)]


async def test_priorities_of_events(ingress: SocketIngress, runtime: Runtime) -> None:
    library = Library()
    await (await library.build_handler()).setup(None)
    await ingress.dispatch("first")

    assert library.log == ["events", "first", "second"]
    await library.stop()


async def test_a_handler_built_without_a_start_goes_with_stop(ingress: SocketIngress) -> None:
    library = Library()
    handler = await (await library.build_handler()).setup(None)
    await library.stop()

    assert not handler.registered and library.health()["has_handler"] is False


async def test_stopping_what_was_never_started_does_nothing() -> None:
    controller = Controller("idle")

    assert await controller.stop() is controller


async def test_a_handler_built_in_a_start_that_fails_goes_with_it(ingress: SocketIngress, runtime: Runtime) -> None:
    class Broken(Library):
        async def on_start(self) -> None:
            await (await self.build_handler()).setup(None)
            assert await ingress.dispatch("pending") == 7
            raise ValueError("no disk")

    with pytest.raises(ValueError, match="no disk"):
        await Broken().start()
    assert await ingress.dispatch("pending") is None


async def test_it_builds_its_events_anew_after_a_stop(ingress: SocketIngress, runtime: Runtime) -> None:
    library = Library()
    for _ in range(2):
        await library.start()
        await (await library.build_handler()).setup(None)
        assert await ingress.dispatch("pending") == 7
        await library.stop()
    assert library.log.count("events") == 2


async def test_create_handler_may_give_another_handler(ingress: SocketIngress, runtime: Runtime) -> None:
    class Own(Handler):
        name = "own"
        events = {"mine": "on_mine"}

        def on_mine(self) -> str:
            return "own"

    class Special(Controller):
        def create_handler(self) -> Handler:
            self._handler_instance = self._handler_instance or Own()
            return self._handler_instance  # type: ignore[no-any-return]

    special = Special("special")
    await special.start()
    handler = await (await special.build_handler()).setup(None)
    assert await ingress.dispatch("mine") == "own"
    await special.stop()
    assert not handler.registered


async def test_an_error_in_build_events_goes_to_who_builds(runtime: Runtime) -> None:
    class Broken(Controller):
        name = "broken"

        def build_events(self, handler: Any) -> None:
            handler.on("x", None)

    broken = Broken()
    with pytest.raises(TypeError, match="the callback of socket event 'x' must be callable, got NoneType"):
        await broken.build_handler()
    assert broken.health()["has_handler"] is False


async def test_its_model_and_store_are_destroyed_when_it_stops(runtime: Runtime) -> None:
    library = Library()
    await library.start()
    model = library.create_model("shelf", {"books": {"count": 1}})
    store = library.create_store("settings", {"colour": "red"}, emit_events=True)
    assert model.get("books.count") == 1 and store.get("colour") == "red"

    heard: list[Any] = []
    model.subscribe(lambda value, _: heard.append(value))
    store.subscribe(lambda value, _: heard.append(value))
    await library.stop()
    model.set("books.count", 2)
    store.set({"colour": "blue"})
    assert heard == []


def test_a_schema_that_is_not_there_is_an_error_that_lists_those_that_are() -> None:
    library = Library()
    assert library.schema("add") is Library.schemas["add"]
    with pytest.raises(KeyError, match="'library' has no schema 'remove'; there are: 'add'"):
        library.schema("remove")
    with pytest.raises(KeyError, match="'bare' has no schema 'remove'; there are: none"):
        Controller("bare").schema("remove")


def test_its_name_is_the_argument_s_or_the_class_s() -> None:
    assert Library().name == "library"
    assert Controller().name == "controller"
    assert Controller("other").name == "other"


def test_health_says_what_was_built() -> None:
    assert Library().health() == {
        "status": "stopped",
        "name": "library",
        "has_blueprint": False,
        "has_handler": False,
        "schemas": ["add"],
    }


def test_its_server_is_its_handler_s_else_the_manager_s() -> None:
    class Manager:
        socketio = object()

    assert Library().socketio is None
    registry.provide("service_manager", Manager())
    try:
        assert Library().socketio is Manager.socketio
    finally:
        registry.unregister("service_manager")
