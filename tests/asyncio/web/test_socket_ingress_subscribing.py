"""Subscribing to an ingress, and attaching it to a server."""

from typing import Any, cast

import anyio
import flask_socketio
import pytest
import socketio
from live_sockets import Live, raising

from specter import SocketIngress


class Owner:
    name = "owner"

    def __init__(self) -> None:
        self.cleanups: list[Any] = []

    def add_cleanup(self, fn: Any) -> None:
        self.cleanups.append(fn)


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
