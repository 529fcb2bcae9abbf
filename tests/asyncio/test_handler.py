"""A handler's events come and go together, and with them what it owns."""

import logging
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from specter import Handler, SocketIngress, Store, registry
from specter.testing import cancel_everywhere


@pytest.fixture
def ingress() -> Iterator[SocketIngress]:
    """The one that handlers find in the registry."""
    ingress = registry.provide("socket_ingress", SocketIngress(), replace=True)
    yield ingress
    registry.unregister("socket_ingress")


class Chat(Handler):
    name = "chat"
    events = {"message": "on_message", "bye": "on_bye"}

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Any] = []

    async def on_setup(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.log.append(("setup", self.registered))

    async def on_teardown(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.log.append(("teardown", self.registered))

    def on_message(self, sid: str, data: Any) -> Any:
        return {sid: data}

    async def on_bye(self) -> str:
        return "bye"


class Closable:
    def __init__(self, log: list[Any]) -> None:
        self.log = log

    async def aclose(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.log.append("closed")


async def test_its_events_are_heard_from_setup_to_teardown(ingress: SocketIngress) -> None:
    chat = Chat()
    assert await chat.setup(None) is chat
    assert chat.registered and chat.socketio is None
    assert await ingress.dispatch("message", "hello", sid="me") == {"me": "hello"}
    assert await ingress.dispatch("bye") == "bye"

    assert await chat.teardown() is chat
    assert not chat.registered
    assert await ingress.dispatch("message", "hello") is None
    assert chat.log == [("setup", True), ("teardown", True)]


async def test_setup_and_teardown_do_nothing_the_second_time(ingress: SocketIngress) -> None:
    chat = Chat()
    await chat.teardown()
    await (await chat.setup(None)).setup(None)
    await (await chat.stop()).stop()

    assert [step for step, _ in chat.log] == ["setup", "teardown"]


async def test_it_can_be_set_up_again(ingress: SocketIngress) -> None:
    chat = Chat()
    for _ in range(2):
        await chat.setup(None)
        assert await ingress.dispatch("bye") == "bye"
        await chat.teardown()
        assert await ingress.dispatch("bye") is None


async def test_a_method_that_is_missing_is_logged_and_skipped(
    ingress: SocketIngress, caplog: pytest.LogCaptureFixture
) -> None:
    class Typo(Chat):
        events = {"message": "on_mesage", "bye": "on_bye"}

    await Typo().setup(None)

    assert await ingress.dispatch("bye") == "bye"
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        "handler 'chat' has no method 'on_mesage' for event 'message'"
    ]


async def test_priorities_order_the_handlers(ingress: SocketIngress) -> None:
    called: list[str] = []

    class First(Handler):
        events = {"x": "on_x"}
        event_priorities = {"x": 1}

        def on_x(self) -> None:
            called.append("first")

    class Second(Handler):
        events = {"x": "on_x"}

        def on_x(self) -> None:
            called.append("second")

    for handler in (Second(), First()):
        await handler.setup(None)
    await ingress.dispatch("x")

    assert called == ["first", "second"]


async def test_cleanups_run_last_first_after_the_hook(ingress: SocketIngress) -> None:
    chat = Chat()
    await chat.setup(None)

    async def waits() -> None:
        await anyio.lowlevel.checkpoint()
        chat.log.append("second")

    assert chat.add_cleanup(lambda: chat.log.append("first")) is chat
    chat.add_cleanup(waits)
    resource = chat.own(Closable(chat.log))
    assert isinstance(resource, Closable)
    assert chat.own(None) is None
    chat.log.clear()
    await chat.teardown()

    assert chat.log == [("teardown", True), "closed", "second", "first"]


async def test_errors_of_hooks_and_cleanups_are_logged_and_the_rest_goes_on(
    ingress: SocketIngress, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Chat):
        def on_setup(self) -> None:  # type: ignore[override]
            raise ValueError("in setup")

        def on_teardown(self) -> None:  # type: ignore[override]
            raise ValueError("in teardown")

    broken = Broken()
    await broken.setup(None)
    assert broken.registered and await ingress.dispatch("bye") == "bye"

    broken.add_cleanup(lambda: broken.log.append("cleaned"))
    broken.add_cleanup(lambda: 1 / 0)
    await broken.teardown()

    assert not broken.registered and broken.log == ["cleaned"]
    assert await ingress.dispatch("bye") is None
    errors = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert errors == ["in setup", "in teardown", "division by zero"]


async def test_a_cancelled_setup_subscribes_nothing(ingress: SocketIngress) -> None:
    class Slow(Chat):
        async def on_setup(self) -> None:
            self.add_cleanup(lambda: self.log.append("cleaned"))
            await anyio.sleep_forever()

    slow = Slow()
    with anyio.move_on_after(0):
        await slow.setup(None)

    assert not slow.registered and slow.log == ["cleaned"]
    assert await ingress.dispatch("bye") is None


async def test_teardown_is_whole_although_its_caller_is_cancelled(ingress: SocketIngress) -> None:
    chat = Chat()
    await chat.setup(None)
    chat.own(Closable(chat.log))
    chat.log.clear()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await chat.teardown()

    assert chat.log == [("teardown", True), "closed"]
    assert not chat.registered


async def test_a_second_teardown_waits_for_the_first(ingress: SocketIngress) -> None:
    class Slow(Chat):
        async def on_teardown(self) -> None:
            begun.set()
            await may_end.wait()

    begun, may_end = anyio.Event(), anyio.Event()
    slow = Slow()
    await slow.setup(None)

    async def second() -> None:
        await begun.wait()
        may_end.set()
        await slow.teardown()
        assert not slow.registered

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(slow.teardown)
        tasks.start_soon(second)


async def test_a_teardown_from_within_returns_at_once(ingress: SocketIngress) -> None:
    class Eager(Chat):
        async def on_teardown(self) -> None:
            await self.teardown()
            self.log.append("hook ended")

    eager = Eager()
    await eager.setup(None)
    with anyio.fail_after(5):
        await eager.teardown()

    assert eager.log[-1] == "hook ended" and not eager.registered


async def test_what_hangs_is_named_and_left_behind(
    ingress: SocketIngress, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specter.handler._TEARDOWN_TIMEOUT", 0.05)

    class Hangs(Chat):
        async def on_teardown(self) -> None:
            await anyio.sleep_forever()

    hangs = Hangs()
    await hangs.setup(None)
    hangs.add_cleanup(lambda: hangs.log.append("first"))
    hangs.add_cleanup(anyio.sleep_forever)
    hangs.log.clear()
    with anyio.fail_after(5):
        await hangs.teardown()

    assert hangs.log == ["first"] and await ingress.dispatch("bye") is None
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        "on_teardown of handler 'chat' did not end in time, going on without it",
        "a cleanup of handler 'chat' did not end in time, going on without it",
    ]


async def test_it_finds_what_the_registry_has(ingress: SocketIngress) -> None:
    chat = Chat()
    assert chat.require("socket_ingress") is ingress
    assert chat.resolve("nowhere") is None
    with pytest.raises(KeyError, match="nowhere"):
        chat.require("nowhere")


async def test_without_an_ingress_it_needs_a_server() -> None:
    chat = Chat()
    with pytest.raises(TypeError, match="a socketio.AsyncServer is needed, got NoneType"):
        await chat.setup(None)
    assert not chat.registered


async def test_it_forgets_what_ended_before_it(ingress: SocketIngress) -> None:
    handler = await Handler().setup(None)
    kept = len(handler._cleanups.pending)
    ingress.subscribe("come", print, owner=handler)()
    Store("s").subscribe(print, owner=handler)()

    assert len(handler._cleanups.pending) == kept


async def test_what_cannot_be_owned_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="int cannot be owned"):
        Chat().own(3)
    with pytest.raises(TypeError, match="a cleanup must be callable, got int"):
        Chat().add_cleanup(3)  # type: ignore[arg-type]


def test_it_says_its_name() -> None:
    assert repr(Chat()) == "<Chat 'chat'>"
    assert Handler().name == "unnamed_handler" and Handler.events == {}


async def test_a_handler_cancelled_at_any_wait_is_set_up_or_torn_down_whole(ingress: SocketIngress) -> None:
    class Owning(Chat):
        async def on_setup(self) -> None:
            self.own(Closable(self.log))
            self.own(Closable(self.log))
            await super().on_setup()

    async def scenario() -> None:
        chats.append(Owning())
        await chats[-1].setup(None)
        try:
            await anyio.lowlevel.checkpoint()
        finally:
            await chats[-1].teardown()

    def check() -> None:
        assert not chats[-1].registered
        assert not ingress._subscribers.of("message") and not ingress._subscribers.of("bye")
        assert chats[-1].log in (["closed", "closed"], [("setup", True), ("teardown", True), "closed", "closed"])

    chats: list[Chat] = []
    assert await cancel_everywhere(scenario, check) > 4
