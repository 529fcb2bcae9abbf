"""Events of real clients, on their way to many subscribers, and the answers and errors on their way back."""

import asyncio
import logging
from typing import Any

import anyio
import pytest
import socketio
from live_sockets import Live, live_server, raising, settled, transports

from specter import SocketIngress, current_sid
from specter.testing import eventually

# The acknowledgement.


@transports
async def test_the_last_answer_that_is_not_none_is_the_acknowledgement(
    server: Live, ingress: SocketIngress, transport: str
) -> None:
    async def first(data: int) -> int:
        return data + 1

    ingress.on("add", first)
    ingress.on("add", lambda data: data + 2)
    ingress.on("add", lambda data: None)
    async with server.client(transport) as client:
        assert await client.call("add", 1) == 3


async def test_the_acknowledgement_is_empty_if_none_answers(server: Live, ingress: SocketIngress) -> None:
    ingress.on("quiet", lambda: None)
    async with server.client() as client:
        assert await client.call("quiet", "data") is None


async def test_the_acknowledgement_is_empty_if_all_fail(
    server: Live, ingress: SocketIngress, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(data: int) -> None:
        raise ValueError("no good")

    ingress.on("bad", fails)
    async with server.client() as client:
        assert await client.call("bad", 1) is None

    (record,) = [record for record in caplog.records if record.name == "specter.socket_ingress"]
    assert "'bad'" in record.getMessage() and "fails" in record.getMessage()
    assert record.exc_info is not None and record.levelno == logging.ERROR


async def test_a_tuple_is_several_values(server: Live, ingress: SocketIngress) -> None:
    ingress.on("pair", lambda: (1, {"two": 2}))
    async with server.client() as client:
        assert await client.call("pair") == (1, {"two": 2})


async def test_an_event_that_nobody_hears_is_told_once_and_not_answered(
    server: Live, ingress: SocketIngress, caplog: pytest.LogCaptureFixture
) -> None:
    ingress.on("known", lambda: "here")
    ingress.on("connect", lambda: None)
    answers: list[Any] = []
    async with server.client() as client:
        sid = client.get_sid()
        for name in ("unknown", "unknown", "*"):
            await client.emit(name, {"a": 1}, callback=lambda *values: answers.append(values))
        assert await client.call("known") == "here"

    assert answers == []
    assert [record.getMessage() for record in caplog.records if record.name == "specter.socket_ingress"] == [
        f"socket event {name!r} is heard by nobody (sid {sid}); heard are: known" for name in ("unknown", "*")
    ]


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("kind", ["every event", "every event of every namespace", "namespace class"])
async def test_a_handler_for_every_event_hears_what_nobody_else_does(
    caplog: pytest.LogCaptureFixture, kind: str, before: bool
) -> None:
    class Root(socketio.AsyncNamespace):
        async def on_other(self, sid: str, data: int) -> list[Any]:
            return ["other", data]

    def register(sio: socketio.AsyncServer) -> None:
        if kind == "namespace class":
            sio.register_namespace(Root("/"))
        elif kind == "every event":
            sio.on("*", lambda event, sid, data: [event, data])
        else:
            sio.on("*", lambda event, namespace, sid, data: [event, data], namespace="*")

    async with live_server() as server:
        ingress = SocketIngress(server.sio)
        if before:
            register(server.sio)
        ingress.on("known", lambda: "here")
        if not before:
            register(server.sio)
        async with server.client() as client:
            assert await client.call("other", 1) == ["other", 1]
            assert await client.call("known") == "here"

    assert [record for record in caplog.records if record.name.startswith("specter")] == []


async def test_names_without_end_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with live_server() as server:
        SocketIngress(server.sio).on("known", lambda: "here")
        async with server.client() as client:
            for number in range(150):
                await client.emit(f"unknown {number}")
            assert await client.call("known") == "here"

    told = [record.getMessage() for record in caplog.records if record.name == "specter.socket_ingress"]
    assert len(told) == 101
    assert told[-1] == "more socket events that nobody hears are not told"


@transports
async def test_bytes_arrive_and_go_back_as_bytes(server: Live, ingress: SocketIngress, transport: str) -> None:
    ingress.on("binary", lambda data, more: {"first": data["a"], "second": more})
    async with server.client(transport) as client:
        answer = await client.call("binary", ({"a": b"\x00\xff"}, b"\x01" * 70_000))

    assert answer == {"first": b"\x00\xff", "second": b"\x01" * 70_000}


async def test_a_client_that_vanishes_before_its_acknowledgement_harms_nobody(
    server: Live, ingress: SocketIngress, caplog: pytest.LogCaptureFixture
) -> None:
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow() -> str:
        begun.set()
        await may_end.wait()
        ended.set()
        return "too late"

    ingress.on("slow", slow)
    ingress.on("ping", lambda: "pong")
    async with server.client() as client, server.client() as other:
        await client.emit("slow", callback=lambda: None)
        await begun.wait()
        # No goodbye: the connection breaks.
        await client.eio.ws.close()
        may_end.set()
        await ended.wait()
        await settled(server.sio)
        assert await other.call("ping") == "pong"

    assert [record for record in caplog.records if record.name.startswith(("specter", "asyncio"))] == []


async def test_twenty_clients_are_told_apart(server: Live, ingress: SocketIngress) -> None:
    async def who(data: int, sid: str) -> list[Any]:
        await asyncio.sleep(0)
        return [data, sid, current_sid()]

    ingress.on("who", who)

    async def one(number: int) -> None:
        async with server.client() as client:
            sid = client.get_sid()
            for turn in range(5):
                assert await client.call("who", number * 10 + turn) == [number * 10 + turn, sid, sid]

    async with anyio.create_task_group() as clients:
        for number in range(20):
            clients.start_soon(one, number)


# What a callback is called with.


async def test_sid_environ_and_auth_are_filled_by_name(server: Live, ingress: SocketIngress) -> None:
    seen: dict[str, Any] = {}

    class Chat:
        def connected(self, environ: Any, auth: Any, sid: str) -> None:
            seen["connect"] = (environ["PATH_INFO"], auth, sid)

        async def message(self, sid: str, data: Any, environ: Any) -> str:
            seen["message"] = (sid, data, environ["PATH_INFO"])
            return "done"

        def gone(self, reason: str, sid: str, environ: Any) -> None:
            seen["disconnect"] = (reason, sid, environ["PATH_INFO"])

    chat = Chat()
    ingress.on("connect", chat.connected)
    ingress.on("message", chat.message)
    ingress.on("disconnect", chat.gone)
    async with server.client(auth={"token": 1}) as client:
        sid = client.get_sid()
        await client.call("message", "hello")
        await server.sio.disconnect(sid)

    assert seen == {
        "connect": ("/socket.io/", {"token": 1}, sid),
        "message": (sid, "hello", "/socket.io/"),
        "disconnect": ("server disconnect", sid, "/socket.io/"),
    }


async def test_connect_s_value_is_auth_and_disconnect_s_the_reason(server: Live, ingress: SocketIngress) -> None:
    seen: list[Any] = []
    ingress.on("connect", lambda value: seen.append(value))
    ingress.on("disconnect", lambda value: seen.append(value))
    async with server.client(auth="secret") as client:
        await server.sio.disconnect(client.get_sid())
    async with server.client() as client:
        await server.sio.disconnect(client.get_sid())

    assert seen == ["secret", "server disconnect", None, "server disconnect"]


async def test_a_broken_connection_is_a_reason_of_its_own(server: Live, ingress: SocketIngress) -> None:
    reasons: list[str] = []
    ingress.on("disconnect", reasons.append)
    async with server.client() as client:
        await client.eio.ws.close()
        await eventually(lambda: reasons)

    assert reasons == ["transport close"]


async def test_the_sid_is_known_anywhere_below_a_handler_and_nowhere_else(server: Live, ingress: SocketIngress) -> None:
    async def deep() -> str | None:
        return await asyncio.create_task(deeper())

    async def deeper() -> str | None:
        return current_sid()

    ingress.on("deep", deep)
    async with server.client() as client:
        assert await client.call("deep") == client.get_sid()
    assert current_sid() is None


# Errors.


async def test_an_error_goes_to_the_error_subscribers_and_the_others_still_run(
    server: Live, ingress: SocketIngress
) -> None:
    error = ValueError("first")
    heard: list[Any] = []

    async def on_error(caught: Exception, sid: str) -> str:
        heard.append((caught, sid))
        return "not an acknowledgement"

    ingress.on("bad", raising(error))
    ingress.on("bad", lambda: heard.append("second"))
    ingress.on_error_default(on_error)
    async with server.client() as client:
        assert await client.call("bad") is None
        assert heard == [(error, client.get_sid()), "second"]


async def test_a_refusal_of_something_else_than_a_connection_is_an_error(ingress: SocketIngress) -> None:
    heard: list[BaseException] = []
    error = ConnectionRefusedError("not here")
    ingress.on("x", raising(error))
    ingress.on_error_default(heard.append)

    assert await ingress.dispatch("x") is None
    assert heard == [error]


async def test_an_error_of_an_error_subscriber_is_logged_and_that_is_all(
    ingress: SocketIngress, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[BaseException] = []
    ingress.on_error_default(raising(RuntimeError("in the error subscriber")), priority=1)
    ingress.on_error_default(heard.append)
    ingress.on("bad", raising(ValueError("in the subscriber")))

    assert await ingress.dispatch("bad") is None
    assert [str(error) for error in heard] == ["in the subscriber"]
    assert [str(record.exc_info and record.exc_info[1]) for record in caplog.records] == [
        "in the subscriber",
        "in the error subscriber",
    ]


async def test_something_that_was_cancelled_below_a_subscriber_is_its_error(ingress: SocketIngress) -> None:
    async def waits_for_cancelled() -> None:
        task = asyncio.create_task(asyncio.sleep(60))
        task.cancel()
        await task

    ingress.on("stray", waits_for_cancelled)
    ingress.on("stray", lambda: "others still run")

    assert await ingress.dispatch("stray") == "others still run"


async def test_a_cancelled_dispatch_is_cancelled(ingress: SocketIngress) -> None:
    begun = asyncio.Event()

    async def forever() -> None:
        begun.set()
        await asyncio.sleep(60)

    ingress.on("forever", forever)
    task = asyncio.create_task(ingress.dispatch("forever"))
    await begun.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


# Dispatching by hand.


async def test_dispatch_fills_names_and_drops_what_a_callback_cannot_take(ingress: SocketIngress) -> None:
    ingress.on("x", lambda data, sid, colour="red": (data, sid, colour))

    assert await ingress.dispatch("x", 1, sid="me", environ={}, unknown=2) == (1, "me", "red")
    assert await ingress.dispatch("x", 1, colour="blue") == (1, None, "blue")


async def test_dispatch_of_connect_raises_or_returns_the_refusal(ingress: SocketIngress) -> None:
    unsubscribe = ingress.subscribe("connect", lambda auth: auth != "wrong")
    assert await ingress.dispatch("connect", "right") is True
    assert await ingress.dispatch("connect", "wrong") is False
    unsubscribe()

    ingress.subscribe("connect", raising(ConnectionRefusedError("full")))
    with pytest.raises(socketio.exceptions.ConnectionRefusedError) as refused:
        await ingress.dispatch("connect", "right")
    assert refused.value.error_args == {"message": "full"}


async def test_dispatch_of_an_error_gives_the_error_subscribers_answer(ingress: SocketIngress) -> None:
    ingress.subscribe_error_default(lambda error, sid: [str(error), sid])

    assert await ingress.dispatch_default_error(ValueError("bad"), sid="me") == ["bad", "me"]


async def test_a_client_s_event_named_like_our_table_of_errors_finds_nobody(ingress: SocketIngress) -> None:
    ingress.subscribe_error_default(lambda error: "reached")

    assert await ingress.dispatch("default error", 1) is None
