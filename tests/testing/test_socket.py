"""The Socket.IO client in memory: what only an application under test shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
import socketio
from flask import Flask
from quart import Quart

from specter import Controller, Runtime, Service, ServiceManager, boot, registry
from specter.sansio.errors import PacketError, ServiceError
from specter.testing import (
    Disconnected,
    Refused,
    SocketClient,
    cancel_everywhere,
    http,
    loop_factory,
    no_leaks,
    running,
    socket,
    virtual_time,
)

in_virtual_time = pytest.mark.parametrize(
    "anyio_backend", [("asyncio", {"loop_factory": loop_factory})], ids=["virtual"]
)


@pytest.fixture
def anyio_backend() -> str:
    """python-socketio runs on asyncio alone."""
    return "asyncio"


class Part(Service):
    def __init__(self) -> None:
        super().__init__("part")
        self.log: list[str] = []

    async def on_start(self) -> None:
        self.log.append("start")

    async def on_stop(self) -> None:
        self.log.append("stop")


class Talk(Controller):
    name = "talk"

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def build_events(self, handler: Any) -> None:
        handler.on("connect", self.come)
        handler.on("disconnect", lambda sid, reason: self.seen.append(reason))
        handler.on("echo", lambda data=None: data)
        handler.on("running", lambda: registry.require("part").running)
        handler.on("fail", self.fail)
        handler.on("slow", self.slow)
        handler.on("runtime", lambda: getattr(Runtime.current(), "name", None))

    def come(self, auth: Any) -> None:
        if auth == "banned":
            raise ConnectionRefusedError("you are banned")

    async def fail(self) -> None:
        raise LookupError("not there")

    async def slow(self, seconds: float) -> str:
        await anyio.sleep(seconds)
        return "done"


def application(*services: Service) -> ServiceManager:
    sio = socketio.AsyncServer(async_mode="asgi")
    return boot(Quart(__name__), sio, services=services, controllers=[Talk()])


# The application round it.


async def test_a_block_is_all_that_a_test_needs() -> None:
    manager = application(part := Part())

    async with socket(manager) as sio:
        assert isinstance(sio, SocketClient)
        assert repr(sio) == "<SocketClient connected to />"
        assert part.log == ["start"]
        assert await sio.call("running") is True
        assert await sio.call("echo", {"bytes": [b"1"]}) == {"bytes": [b"1"]}

    assert part.log == ["start", "stop"]
    assert not manager.running
    assert repr(sio) == "<SocketClient disconnected: the client has disconnected>"


async def test_a_manager_its_application_and_its_asgi_are_the_same() -> None:
    manager = application(part := Part())

    async with socket(manager) as first, socket(manager.app) as second, socket(manager.asgi) as third:
        for sio in (first, second, third):
            assert await sio.call("running") is True
        assert len({first.sid, second.sid, third.sid}) == 3
        assert part.log == ["start"]
    assert part.log == ["start", "stop"]


async def test_requests_and_sockets_share_a_boot() -> None:
    manager = application(part := Part())

    async with http(manager) as client, socket(manager) as sio:
        assert (await client.get("/")).status_code == 404
        assert await sio.call("running") is True
        assert part.log == ["start"]
    assert part.log == ["start", "stop"]


async def test_a_client_leaves_the_boot_of_others_as_it_is() -> None:
    manager = application(part := Part())

    async with running(manager):
        for _ in range(2):
            async with socket(manager) as sio:
                assert await sio.call("running") is True
        assert part.log == ["start"]


async def test_nothing_is_left_when_the_block_is_left() -> None:
    manager = application(Part())

    before = asyncio.all_tasks()
    async with socket(manager):
        pass
    assert asyncio.all_tasks() == before


async def test_a_client_leaves_nothing_in_an_application_that_goes_on() -> None:
    manager = application(Part())

    async with running(manager), socket(manager):
        before = asyncio.all_tasks()
        async with socket(manager):
            pass
        assert asyncio.all_tasks() == before


async def test_nothing_is_left_of_a_server_without_a_manager() -> None:
    sio = socketio.AsyncServer(async_mode="asgi")
    sio.on("echo", lambda sid, data: data)
    before = asyncio.all_tasks()

    async with socket(socketio.ASGIApp(sio)) as client:
        assert await client.call("echo", 1) == 1

    assert asyncio.all_tasks() == before


async def test_handlers_know_the_runtime_of_the_manager_and_none_of_the_test() -> None:
    async with Runtime("of the test"), socket(application(Part())) as sio:
        assert await sio.call("runtime") == "service_manager"


async def test_a_boot_that_fails_comes_out_as_itself() -> None:
    class Broken(Service):
        async def on_start(self) -> None:
            raise OSError("port in use")

    manager = application(Broken("broken"))
    with pytest.raises(ServiceError, match="'broken' did not start: port in use"):
        async with socket(manager):
            pytest.fail("entered")
    assert not manager.running


# Refusals.


async def test_a_refusal_leaves_nothing() -> None:
    manager = application(part := Part())

    before = asyncio.all_tasks()
    with pytest.raises(Refused, match="refused the connection to '/': you are banned"):
        async with socket(manager, auth="banned"):
            pytest.fail("entered")
    assert asyncio.all_tasks() == before
    assert part.log == ["start", "stop"]


async def test_an_application_that_closes_refuses() -> None:
    manager = application(Part())

    async with running(manager):
        manager.asgi.close()
        with pytest.raises(Refused, match=r"refused the connection: the server closed the websocket: code \d+"):
            async with socket(manager):
                pytest.fail("entered")


async def test_a_path_where_no_socketio_is_refuses() -> None:
    manager = application(Part())

    with pytest.raises(Refused, match="refused the connection: the server closed the websocket"):
        async with socket(manager, path="/nowhere/"):
            pytest.fail("entered")


async def answers_by_http(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "websocket.http.response.start", "status": 403, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b"forbidden"})


async def is_cancelled(scope: Any, receive: Any, send: Any) -> None:
    raise asyncio.CancelledError


async def returns(scope: Any, receive: Any, send: Any) -> None: ...


@pytest.mark.parametrize(
    ("app", "message"),
    [
        (answers_by_http, "the server answered with status 403"),
        (is_cancelled, "the task of the websocket was cancelled"),
        (returns, "the application has returned"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_an_application_that_does_not_accept_refuses(app: Any, message: str) -> None:
    async def without_lifespan(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await app(scope, receive, send)

    with pytest.raises(Refused, match=f"the server refused the connection: {message}"):
        async with socket(without_lifespan):
            pytest.fail("entered")


async def test_an_answer_of_no_websocket_is_an_error() -> None:
    async def answers_a_request(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "http.response.start", "status": 200, "headers": []})

    with pytest.raises(RuntimeError, match="answered by 'websocket...' messages, got 'http.response.start'"):
        async with socket(answers_a_request):
            pytest.fail("entered")


async def test_a_path_is_that_of_the_server() -> None:
    sio = socketio.AsyncServer(async_mode="asgi")
    sio.on("echo", lambda sid, data: data)

    async with socket(socketio.ASGIApp(sio, socketio_path="live"), path="/live/") as client:
        assert await client.call("echo", 1) == 1


# Errors.


async def test_an_error_of_a_handler_is_an_empty_answer() -> None:
    async with socket(application(Part())) as sio:
        assert await sio.call("fail") is None
        assert await sio.call("echo", 1) == 1


async def test_an_error_of_the_application_comes_out_as_the_client_connects() -> None:
    manager = application(Part())

    class Failing:
        app = manager.asgi

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "websocket":
                raise LookupError("the middleware is broken")
            await self.app(scope, receive, send)

    with pytest.raises(LookupError, match="the middleware is broken"):
        async with socket(Failing()):
            pytest.fail("entered")
    assert not manager.running


async def broken_later(scope: Any, receive: Any, send: Any) -> None:
    """Speaks the protocol until it is sent an event; then it fails."""
    if scope["type"] != "websocket":
        raise RuntimeError("no lifespan here")
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": '0{"sid":"engine"}'})
    await receive()
    await send({"type": "websocket.send", "text": '40{"sid":"socket"}'})
    message = await receive()
    if message["type"] == "websocket.receive" and "fail" in message["text"]:
        raise LookupError("the application is broken")
    if message["type"] == "websocket.receive" and "nonsense" in message["text"]:
        await send({"type": "websocket.send", "text": "nonsense"})
        await receive()


@pytest.mark.parametrize("how", ["call", "receive", "emit"])
async def test_an_error_of_the_application_comes_out_of_what_waits_for_it(how: str) -> None:
    with pytest.raises(LookupError, match="the application is broken"):
        async with socket(broken_later) as sio:
            if how == "call":
                await sio.call("fail")
            await sio.emit("fail")
            if how == "receive":
                await sio.receive("answer")


async def test_an_error_of_the_application_comes_out_once() -> None:
    async with socket(broken_later) as sio:
        with pytest.raises(LookupError, match="the application is broken"):
            await sio.call("fail")


async def test_an_error_of_the_test_is_not_hidden_by_one_of_the_application() -> None:
    with pytest.raises(AssertionError, match="in the test") as raised:
        async with socket(broken_later) as sio:
            await sio.emit("fail")
            raise AssertionError("in the test")

    assert "LookupError('the application is broken')" in raised.value.__notes__[0]


async def test_what_is_no_packet_is_an_error_of_who_waits() -> None:
    async with socket(broken_later) as sio:
        await sio.emit("nonsense")
        with pytest.raises(PacketError, match="must begin with the digit of a packet, got 'nonsense'"):
            await sio.receive("answer")


async def test_an_error_of_an_answer_comes_out_of_the_test() -> None:
    manager = application(Part())

    with pytest.raises(ZeroDivisionError):
        async with socket(manager) as sio:
            sio.answer("ratio", lambda: 1 / 0)
            await manager.socketio.emit("ratio", to=sio.sid, callback=lambda *answer: None)
            await sio.receive("more")


async def test_what_cannot_be_sent_is_told_and_the_connection_goes_on() -> None:
    async with socket(application(Part())) as sio:
        with pytest.raises(PacketError, match="EVENT can carry JSON and bytes, but not"):
            await sio.emit("echo", object())
        with pytest.raises(PacketError, match="EVENT can carry JSON and bytes, but not"):
            await sio.call("echo", object())
        assert await sio.call("echo", 1) == 1


# The end.


async def test_who_has_left_cannot_send() -> None:
    async with socket(application(Part())) as sio:
        sid = sio.sid
        await sio.disconnect()
        await sio.disconnect()
        assert not sio.connected
        assert sio.sid == sid
        for sending in (sio.emit("echo"), sio.call("echo"), sio.receive("echo")):
            with pytest.raises(Disconnected, match="the client has disconnected"):
                await sending


async def test_the_disconnect_handlers_have_run_when_a_client_has_left() -> None:
    manager = application(Part())

    async with running(manager):
        async with socket(manager) as sio:
            await sio.disconnect()
            assert registry.require("talk").seen == ["client disconnect"]
        async with socket(manager):
            pass
        assert registry.require("talk").seen == ["client disconnect"] * 2


async def test_a_shutdown_disconnects_the_client() -> None:
    manager = application(Part())

    async with socket(manager) as sio:
        await manager.shutdown()
        with pytest.raises(Disconnected, match="the server closed the transport"):
            await sio.receive("more")


async def test_a_client_that_is_disconnected_closes_the_connection() -> None:
    manager = application(Part())

    async with socket(manager) as sio:
        await manager.socketio.disconnect(sio.sid)
        with anyio.fail_after(5):
            while manager.asgi.calls():
                await manager.asgi.changed()


async def test_an_application_hears_of_the_end_as_often_as_it_asks() -> None:
    heard: list[str] = []

    async def asks_twice(scope: Any, receive: Any, send: Any) -> None:
        await broken_later(scope, receive, send)
        heard.extend([(await receive())["type"] for _ in range(3)])

    async with socket(asks_twice):
        pass

    assert heard == ["websocket.receive", *["websocket.disconnect"] * 2]


async def test_what_came_before_the_end_can_be_received_after_it() -> None:
    manager = application(Part())

    async with socket(manager) as sio:
        await manager.socketio.emit("last", "word", to=sio.sid)
        await manager.socketio.disconnect(sio.sid)
        with pytest.raises(Disconnected, match="the server disconnected the client"):
            await sio.receive("other")
        assert await sio.receive("last") == "word"


async def test_a_client_connects_once() -> None:
    sio = socket(application(Part()))

    async with sio:
        with pytest.raises(RuntimeError, match="was connected before"):
            await sio.__aenter__()
        assert await sio.call("running") is True
    with pytest.raises(RuntimeError, match="was connected before"):
        await sio.__aenter__()


async def test_before_it_connects_there_is_nothing_to_use() -> None:
    sio = socket(application(Part()))

    assert not sio.connected
    assert repr(sio) == "<SocketClient not connected yet>"
    with pytest.raises(Disconnected, match="^not connected to '/': it has not been connected yet, enter the block"):
        await sio.emit("echo")
    with pytest.raises(Disconnected, match="it has not been connected yet"):
        _ = sio.sid
    await sio.disconnect()
    await sio.aclose()


# Many, and time.


async def test_a_hundred_clients_at_once() -> None:
    manager = application(part := Part())
    heard: list[int] = []
    all_there = anyio.Event()

    async def visit(number: int) -> None:
        async with socket(manager) as sio:
            assert await sio.call("echo", number) == number
            heard.append(number)
            if len(heard) == 100:
                await manager.socketio.emit("all", "there")
                all_there.set()
            assert await sio.receive("all", timeout=30) == "there"
            await all_there.wait()

    before = asyncio.all_tasks()
    async with anyio.create_task_group() as group:
        for number in range(100):
            group.start_soon(visit, number)

    assert sorted(heard) == list(range(100))
    assert part.log == ["start", "stop"]
    assert asyncio.all_tasks() == before


@in_virtual_time
async def test_an_hour_of_pings_is_answered() -> None:
    with virtual_time() as clock:
        async with socket(application(Part())) as sio:
            await clock.advance(3600)
            assert sio.connected
            assert await sio.call("echo", 1) == 1
            assert clock.now == 3600


@in_virtual_time
async def test_waits_are_exact() -> None:
    with virtual_time() as clock:
        async with socket(application(Part())) as sio:
            assert await sio.call("slow", 3.5) == "done"
            assert clock.now == 3.5
            with pytest.raises(TimeoutError, match="the acknowledgement of 'slow' has not come within 2 s"):
                await sio.call("slow", 3, timeout=2)
            assert clock.now == 5.5
            with pytest.raises(TimeoutError, match="'nothing' has not come within 1.5 s; not taken yet: nothing"):
                await sio.receive("nothing", timeout=1.5)
            assert clock.now == 7.0


@in_virtual_time
async def test_without_a_timeout_it_waits_for_as_long_as_it_takes() -> None:
    manager = application(Part())

    with virtual_time() as clock:
        async with socket(manager) as sio:
            registry.require("part").spawn_later(7200, manager.socketio.emit, "late", "but here")
            assert await sio.receive("late", timeout=None) == "but here"
            assert clock.now == 7200


async def test_what_is_there_needs_no_time() -> None:
    manager = application(Part())

    async with socket(manager) as sio:
        await manager.socketio.emit("told", 1, to=sio.sid)
        await sio.call("echo")
        assert await sio.receive("told", timeout=0) == 1
        with pytest.raises(TimeoutError):
            await sio.receive("told", timeout=0)
        with pytest.raises(TypeError, match="seconds"):
            await sio.receive("told", timeout="5")  # type: ignore[arg-type]


@in_virtual_time
async def test_an_application_that_does_not_let_go_is_named() -> None:
    sio = socketio.AsyncServer(async_mode="asgi")
    before = asyncio.all_tasks()

    async def never(sid: str, reason: str) -> None:
        await anyio.sleep(3600)

    sio.on("disconnect", never)
    with virtual_time() as clock:
        with pytest.raises(
            RuntimeError, match=r"within 5.0 s of the disconnect .*, waits at test_socket.py:\d+ in never"
        ):
            async with socket(socketio.ASGIApp(sio)):
                pass
        assert clock.now < 10
    assert asyncio.all_tasks() == before


# Cancellation.


async def test_a_visit_cancelled_at_any_wait_leaves_nothing() -> None:
    made: list[tuple[Part, ServiceManager]] = []

    async def scenario() -> None:
        manager = application(part := Part())
        made.append((part, manager))
        async with socket(manager) as sio:
            await sio.emit("echo", 1)
            await sio.call("echo", b"2")
            await manager.socketio.emit("told", to=sio.sid)
            await sio.receive("told")
            await sio.disconnect()

    def check() -> None:
        part, manager = made.pop()
        assert not (part.running or manager.running)
        assert registry.list() == []

    assert await cancel_everywhere(scenario, check) > 15


async def test_a_visit_cancelled_at_any_wait_leaves_no_client_in_the_application() -> None:
    manager = application(Part())

    async def scenario() -> None:
        async with socket(manager, namespaces="/") as sio:
            await sio.call("echo", b"2")

    def check() -> None:
        assert not list(manager.socketio.manager.get_participants("/", None))

    async with running(manager), socket(manager) as first:
        await first.disconnect()
        assert await cancel_everywhere(scenario, check) > 5


@in_virtual_time
async def test_a_visit_between_two_pings_can_be_cancelled_too() -> None:
    async def scenario() -> None:
        async with socket(manager) as sio:
            await anyio.sleep(60)
            await sio.call("echo", 1)

    with virtual_time():
        async with running(manager := application(Part())):
            assert await cancel_everywhere(scenario, timeout=600) > 20


@in_virtual_time
async def test_what_the_server_does_again_and_again_is_not_left_by_who_uses_it() -> None:
    with virtual_time():
        async with socket(application(Part())) as sio:
            async with no_leaks():
                await anyio.sleep(60)
                await sio.call("echo", 1)


# What has no Socket.IO.


@pytest.mark.parametrize(
    "given",
    [lambda: Quart(__name__), lambda: ServiceManager(), lambda: boot(Quart(__name__), None)],
    ids=["Quart", "services alone", "no server"],
)
async def test_an_application_without_socketio_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"socket\(\) needs an application with Socket.IO"):
        socket(given())


async def test_a_flask_application_is_told_of_the_backend_switch() -> None:
    with pytest.raises(TypeError, match=r"specter\.use_backend\('gevent'\)"):
        socket(Flask(__name__))


@pytest.mark.parametrize("namespaces", ["admin", [], ["/", "b"]], ids=["no slash", "none", "one of two"])
async def test_what_is_no_namespace_is_refused(namespaces: Any) -> None:
    with pytest.raises(ValueError, match="must be one or more that begin with '/'"):
        socket(application(Part()), namespaces=namespaces)


async def test_a_namespace_of_no_connection_is_refused() -> None:
    async with socket(application(Part())) as sio:
        with pytest.raises(ValueError, match="namespace '/admin' is none of those of this client: /"):
            await sio.emit("echo", namespace="/admin")


@pytest.fixture
async def sio() -> AsyncIterator[SocketClient]:
    async with socket(application(Part())) as sio:
        yield sio


async def test_a_fixture_gives_a_client(sio: SocketClient) -> None:
    assert await sio.call("running") is True
