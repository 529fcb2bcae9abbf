"""Events of real clients, on their way to many subscribers."""

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import anyio
import flask_socketio
import pytest
import socketio
from live_sockets import Live, live_server, settled

from specter import SocketIngress, current_sid
from specter.testing import eventually


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The server lives as long as the module."""
    return "asyncio"


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Live]:
    async with live_server() as live:
        yield live


@pytest.fixture
def ingress(server: Live) -> Iterator[SocketIngress]:
    ingress = SocketIngress(server.sio)
    yield ingress
    ingress.clear()
    assert server.sio.handlers == {}


class Owner:
    name = "owner"

    def __init__(self) -> None:
        self.cleanups: list[Any] = []

    def add_cleanup(self, fn: Any) -> None:
        self.cleanups.append(fn)


transports = pytest.mark.parametrize("transport", ["websocket", "polling"])


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


# Connect fails closed.


def raising(error: BaseException) -> Any:
    def subscriber() -> None:
        raise error

    return subscriber


@transports
@pytest.mark.parametrize(
    ("subscriber", "message"),
    [
        pytest.param(lambda: False, "Connection rejected by server", id="false"),
        pytest.param(raising(ValueError("secret")), "Connection rejected by server", id="error"),
        pytest.param(lambda one, two, three: None, "Connection rejected by server", id="wrong-parameters"),
        pytest.param(raising(ConnectionRefusedError("full")), "full", id="built-in"),
        pytest.param(raising(socketio.exceptions.ConnectionRefusedError("full", 2)), "full", id="python-socketio"),
        pytest.param(raising(ConnectionRefusedError()), "Connection rejected by server", id="without-argument"),
        pytest.param(raising(ConnectionRefusedError(111, "db")), "Connection rejected by server", id="system"),
        pytest.param(raising(asyncio.CancelledError()), "Connection rejected by server", id="stray-cancellation"),
    ],
)
async def test_a_subscriber_to_connect_refuses(
    server: Live, ingress: SocketIngress, transport: str, subscriber: Any, message: str
) -> None:
    later: list[str] = []
    ingress.on("connect", subscriber)
    # No later answer overrides, and no later refusal changes the reason.
    ingress.on("connect", lambda: later.append("asked") or True)
    ingress.on("connect", raising(ConnectionRefusedError("later")))

    assert await server.refused(transport) == message
    assert later == ["asked"]


async def test_a_refusal_is_no_error(server: Live, ingress: SocketIngress, caplog: pytest.LogCaptureFixture) -> None:
    errors: list[BaseException] = []
    ingress.on_error_default(errors.append)
    ingress.on("connect", raising(ConnectionRefusedError("full")))

    assert await server.refused() == "full"
    assert errors == []
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


async def test_what_is_not_false_lets_the_client_in(server: Live, ingress: SocketIngress) -> None:
    for answer in (None, 0, "", True, "welcome"):
        ingress.on("connect", functools.partial(lambda answer: answer, answer))
    async with server.client() as client:
        assert client.connected


async def test_a_connection_that_is_always_made_is_ended_by_a_refusal() -> None:
    async with live_server(always_connect=True) as server:
        ingress = SocketIngress(server.sio)
        ingress.on("connect", raising(ValueError("no")))
        async with server.client() as client:
            sid = client.get_sid()
            await eventually(lambda: not server.sio.manager.is_connected(sid, "/"))


async def test_a_client_cannot_forge_connect_or_disconnect(
    server: Live, ingress: SocketIngress, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Any] = []
    answers: list[Any] = []
    ingress.on("connect", lambda auth, environ: heard.append(("connect", auth, "FORGED" in environ)))
    ingress.on("disconnect", lambda reason: heard.append(("disconnect", reason)))
    ingress.on("last", lambda: "there")
    async with server.client() as client:
        for forged in [
            ("connect", ({"FORGED": "yes"}, "admin")),
            ("connect", None),
            ("disconnect", "server disconnect"),
            ("disconnect", None),
        ]:
            await client.emit(*forged, callback=lambda *values: answers.append(values))
        assert await client.call("last") == "there"
        assert heard == [("connect", None, False)]
        await server.sio.disconnect(client.get_sid())

    assert heard[1:] == [("disconnect", "server disconnect")]
    assert set(answers) <= {(False,)}
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


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


# Beside the application's own handlers.


async def test_the_application_s_own_handler_stays_when_an_ingress_binds_its_event(server: Live) -> None:
    sio = server.sio
    asked: list[str] = []

    @sio.on("connect")
    async def check(sid: str, environ: Any, auth: Any) -> bool:
        asked.append("application")
        return auth == "right"

    ingress = SocketIngress(sio)
    ingress.on("connect", lambda: asked.append("subscriber"))

    assert await server.refused(auth="wrong") == "Connection rejected by server"
    async with server.client(auth="right"):
        assert asked == ["application", "subscriber"] * 2

    ingress.clear()
    assert await server.refused(auth="wrong") == "Connection rejected by server"
    assert len(asked) == 5
    del sio.handlers["/"]


async def test_a_handler_that_the_application_registers_later_does_not_replace_the_subscribers(
    server: Live, ingress: SocketIngress
) -> None:
    ingress.on("connect", lambda auth: auth == "right")
    ingress.on("later", lambda: "subscriber")

    @server.sio.event
    def connect(sid: str, environ: Any) -> None:
        """Lets everybody in."""

    @server.sio.event
    async def later(sid: str) -> str:
        return "application"

    assert await server.refused(auth="wrong") == "Connection rejected by server"
    async with server.client(auth="right") as client:
        assert await client.call("later") == "subscriber"
        ingress.clear()
        assert await client.call("later") == "application"
    del server.sio.handlers["/"]


@pytest.mark.parametrize("kind", ["namespace class", "class of every namespace", "handler of every namespace"])
async def test_a_check_of_the_application_s_is_asked_wherever_it_stands(
    server: Live, ingress: SocketIngress, kind: str
) -> None:
    if kind == "handler of every namespace":

        @server.sio.on("connect", namespace="*")
        async def check(namespace: str, sid: str, environ: Any, auth: Any) -> bool:
            return namespace == "/" and auth == "right"

    else:

        class Check(socketio.AsyncNamespace):
            def on_connect(self, *args: Any) -> bool:
                return bool(args[-1] == "right")

            async def on_work(self, *args: Any) -> str:
                return "application"

        server.sio.register_namespace(Check("/" if kind == "namespace class" else "*"))
    ingress.on("connect", lambda: True)
    ingress.on("work", lambda: None)

    assert await server.refused(auth="wrong") == "Connection rejected by server"
    async with server.client(auth="right") as client:
        assert await client.call("work") == (None if kind == "handler of every namespace" else "application")
    ingress.clear()
    server.sio.handlers.clear()
    server.sio.namespace_handlers.clear()


async def test_a_failing_handler_of_the_application_refuses_where_a_subscriber_listens(
    server: Live, ingress: SocketIngress
) -> None:
    server.sio.on("connect", raising(ValueError("no")))
    ingress.on("connect", lambda: True)

    assert await server.refused() == "Connection rejected by server"
    ingress.clear()
    del server.sio.handlers["/"]


async def test_other_events_still_reach_the_application(server: Live, ingress: SocketIngress) -> None:
    seen: list[Any] = []
    ingress.on("ours", lambda: "ours")

    @server.sio.on("*")
    async def everything(event: str, sid: str, data: Any) -> str:
        seen.append((event, current_sid() == sid, data))
        return "application"

    async with server.client() as client:
        assert await client.call("ours") == "ours"
        assert await client.call("theirs", 1) == "application"
        ingress.clear()
        assert await client.call("ours", 2) == "application"

    assert seen == [("theirs", True, 1), ("ours", True, 2)]
    del server.sio.handlers["/"]


async def test_two_ingresses_of_one_server_are_both_heard(server: Live, ingress: SocketIngress) -> None:
    other = SocketIngress(server.sio)
    ingress.on("both", lambda: "first")
    ingress.on("connect", lambda: True)
    other.on("both", lambda: None)
    other.on("connect", lambda auth: auth == "right")

    assert await server.refused(auth="wrong") == "Connection rejected by server"
    async with server.client(auth="right") as client:
        assert await client.call("both") == "first"
        ingress.clear()
        assert await client.call("both") is None
        other.clear()


# Subscribing.


async def test_order_is_by_priority_and_then_by_subscription(ingress: SocketIngress) -> None:
    called: list[str] = []
    ingress.subscribe("x", lambda: called.append("third"))
    ingress.subscribe("x", lambda: called.append("fourth"))
    ingress.subscribe("x", lambda: called.append("first"), priority=1)
    ingress.subscribe("x", lambda: called.append("second"), priority=1)
    await ingress.dispatch("x")

    assert called == ["first", "second", "third", "fourth"]


async def test_who_comes_or_goes_during_a_dispatch_counts_from_the_next(ingress: SocketIngress) -> None:
    called: list[str] = []

    def first() -> None:
        called.append("first")
        unsubscribe()
        ingress.subscribe("x", lambda: called.append("third"))

    ingress.subscribe("x", first)
    unsubscribe = ingress.subscribe("x", lambda: called.append("second"))
    await ingress.dispatch("x")
    assert called == ["first", "second"]

    called.clear()
    await ingress.dispatch("x")
    assert called == ["first", "third"]


async def test_one_subscription_ends_by_its_own_function(ingress: SocketIngress) -> None:
    called: list[int] = []
    append = called.append
    unsubscribe = ingress.subscribe("x", append)
    ingress.subscribe("x", append)

    assert unsubscribe() is True
    assert unsubscribe() is False
    await ingress.dispatch("x", 1)
    assert called == [1]


async def test_unsubscribe_ends_every_subscription_of_a_function(ingress: SocketIngress) -> None:
    called: list[int] = []
    append = called.append
    for event in ("x", "x", "y"):
        ingress.subscribe(event, append)

    assert ingress.unsubscribe("x", append) is True
    assert ingress.unsubscribe("x", append) is False
    await ingress.dispatch("x", 1)
    await ingress.dispatch("y", 2)
    assert called == [2]


async def test_an_owner_s_end_is_the_subscription_s(ingress: SocketIngress) -> None:
    owner, called = Owner(), []
    ingress.subscribe("x", lambda: called.append("x"), owner=owner)
    ingress.subscribe_error_default(lambda error: called.append("error"), owner=owner)
    ingress.subscribe("x", raising(ValueError()))
    await ingress.dispatch("x")
    assert called == ["x", "error"]

    for cleanup in owner.cleanups:
        cleanup()
    await ingress.dispatch("x")
    assert called == ["x", "error"]


async def test_on_and_handler_decorate(ingress: SocketIngress) -> None:
    @ingress.on("x")
    def first() -> int:
        return 1

    @ingress.handler("x", priority=101)
    async def second() -> int:
        return 2

    @ingress.on_error_default()
    def on_error(error: Exception) -> None: ...

    assert ingress.on("x", first) is first
    assert ingress.on_error_default(on_error) is on_error
    assert ingress.unsubscribe_error_default(on_error) is True
    assert ingress.unsubscribe_error_default(on_error) is False
    assert await ingress.dispatch("x") == 2


@pytest.mark.parametrize(
    ("event", "fn", "options", "message"),
    [
        ("", print, {}, "a socket event must be a non-empty string, got ''"),
        (None, print, {}, "a socket event must be a non-empty string, got None"),
        ("x", None, {}, "a socket callback must be callable, got NoneType"),
        ("x", print, {"owner": 3}, "owner must have add_cleanup\\(fn\\), got int"),
        ("x", print, {"priority": None}, "priority must be a number, got None"),
    ],
)
def test_what_cannot_subscribe_is_a_type_error(event: Any, fn: Any, options: dict[str, Any], message: str) -> None:
    ingress = SocketIngress()
    with pytest.raises(TypeError, match=message):
        ingress.subscribe(event, fn, **options)
    assert repr(ingress) == "<SocketIngress 'socket_ingress', 0 events>"


def test_a_subscriber_to_every_event_belongs_on_the_server() -> None:
    with pytest.raises(ValueError, match="register a handler for every event on the server"):
        SocketIngress().on("*", print)


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


# Attaching.


async def test_subscriptions_made_before_attach_are_heard(server: Live) -> None:
    ingress = SocketIngress(name="early")
    ingress.on("early", lambda: "heard")
    assert ingress.socketio is None
    assert ingress.attach(server.sio).attach(server.sio) is ingress
    assert ingress.socketio is server.sio

    async with server.client() as client:
        assert await client.call("early") == "heard"
    ingress.clear()
    assert ingress.socketio is None


async def test_an_ingress_that_moves_leaves_the_server_before(server: Live, ingress: SocketIngress) -> None:
    ingress.on("moved", lambda: "heard")
    other = socketio.AsyncServer(async_mode="asgi")
    ingress.attach(other)
    assert server.sio.handlers == {}
    assert "moved" in other.handlers["/"]

    ingress.attach(None)
    assert other.handlers == {}

    ingress.attach(server.sio)
    async with server.client() as client:
        assert await client.call("moved") == "heard"


async def test_the_last_subscriber_takes_the_event_off_the_server(server: Live, ingress: SocketIngress) -> None:
    unsubscribe = ingress.subscribe("x", lambda: None)
    ingress.subscribe("y", lambda: None)
    assert {"x", "y"} <= set(server.sio.handlers["/"])

    unsubscribe()
    assert "x" not in server.sio.handlers["/"]


@pytest.mark.parametrize(
    "wrong", [socketio.Server(async_mode="threading"), object(), 3], ids=lambda w: type(w).__name__
)
def test_what_is_no_asynchronous_server_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"a socketio.AsyncServer is needed, got {type(wrong).__name__}$"):
        SocketIngress(wrong)


def test_the_server_of_the_other_runtime_is_refused_with_the_name_of_the_switch() -> None:
    with pytest.raises(TypeError, match=r"got SocketIO, which needs the gevent runtime: .*use_backend\('gevent'\)"):
        SocketIngress(cast(Any, flask_socketio.SocketIO()))


async def test_it_subscribes_from_a_worker_thread(server: Live, ingress: SocketIngress) -> None:
    unsubscribe = await anyio.to_thread.run_sync(lambda: ingress.subscribe("x", lambda: "from a thread"))
    async with server.client() as client:
        assert await client.call("x") == "from a thread"
    assert await anyio.to_thread.run_sync(unsubscribe) is True
