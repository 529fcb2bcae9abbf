"""What is said when a block of the harness is entered in the wrong way, or handed the wrong thing."""

from collections.abc import Callable
from typing import Any

import flask
import flask_socketio
import pytest
import socketio
from quart import Quart

import specter
import specter_gevent
from specter import testing
from specter_gevent import testing as gevent_testing


class Orders(specter.Service):
    pass


class OrdersOnGevent(specter_gevent.Service):
    pass


def manager() -> specter.ServiceManager:
    return specter.ServiceManager(Quart("app"), socketio.AsyncServer(async_mode="asgi"))


def manager_on_gevent() -> specter_gevent.ServiceManager:
    app = flask.Flask("app")
    return specter_gevent.ServiceManager(app, flask_socketio.SocketIO(app, async_mode="threading"))


async def make_app() -> Quart:
    return Quart("app")


BLOCKS: dict[str, Callable[[Any, Any], Any]] = {
    "running(...)": lambda harness, app: harness.running(app),
    "socket(...)": lambda harness, app: harness.socket(app),
    "http(...)": lambda harness, app: harness.http(app),
    "no_leaks()": lambda harness, app: harness.no_leaks(),
    "leaks()": lambda harness, app: harness.leaks(),
    "Harness()": lambda harness, app: harness.Harness(),
}
blocks = pytest.mark.parametrize("made", BLOCKS)


@blocks
def test_on_asyncio_a_block_is_not_entered_plainly(made: str) -> None:
    with pytest.raises(TypeError) as found:
        with BLOCKS[made](testing, manager()):
            pytest.fail("entered")

    assert str(found.value).splitlines() == [
        f"{made} is entered by `async with`, in an `async def`",
        f"    with {made}:    # wrong",
        f"    async with {made}:",
    ]


@blocks
async def test_on_gevent_a_block_is_not_entered_asynchronously(made: str) -> None:
    with pytest.raises(TypeError) as found:
        async with BLOCKS[made](gevent_testing, manager_on_gevent()):
            pytest.fail("entered")

    assert str(found.value).splitlines() == [
        f"{made} is entered by `with`: on gevent nothing is awaited",
        f"    async with {made}:    # wrong",
        f"    with {made}:",
    ]


@pytest.mark.parametrize(
    "harness, manager, told",
    [
        (testing, manager, ["", "async with {} as it:", "it = await harness.enter({})    # until the end of the test"]),
        (
            gevent_testing,
            manager_on_gevent,
            [": on gevent nothing is", "with {} as it:", "it = harness.enter({})    # until the end of the test"],
        ),
    ],
    ids=["asyncio", "gevent"],
)
@blocks
async def test_a_block_is_not_awaited(made: str, harness: Any, manager: Callable[[], Any], told: list[str]) -> None:
    with pytest.raises(TypeError) as found:
        await BLOCKS[made](harness, manager())

    why, *lines = [text.format(made) for text in told]
    assert str(found.value).splitlines() == [
        f"{made} is not awaited, but entered{why}",
        *(f"    {line}" for line in [f"await {made}    # wrong", *lines]),
    ]


APPS: dict[str, Callable[[Any, Any], Any]] = {
    name: BLOCKS[name] for name in ("running(...)", "socket(...)", "http(...)")
}
apps = pytest.mark.parametrize("made", APPS)
GUESSED = {
    "class": (Orders, "the class Orders: hand over one of its objects, Orders(...)"),
    "function": (manager, "the function manager: hand over what it returns, manager(...)"),
    "method": (Orders("orders").health, "the function health: hand over what it returns, health(...)"),
    "text": ("app:app", "str"),
}


@apps
@pytest.mark.parametrize("given", GUESSED)
async def test_on_asyncio_what_was_meant_is_guessed(made: str, given: str) -> None:
    it, told = GUESSED[given]

    with pytest.raises(TypeError) as found:
        async with APPS[made](testing, it):
            pytest.fail("entered")

    assert str(found.value).endswith(
        f"a manager, a Quart application or another ASGI application is needed, got {told}"
    )


@apps
@pytest.mark.parametrize("given", GUESSED)
def test_on_gevent_what_was_meant_is_guessed(made: str, given: str) -> None:
    it, told = GUESSED[given]

    with pytest.raises(TypeError) as found:
        with APPS[made](gevent_testing, it):
            pytest.fail("entered")

    assert str(found.value).endswith(f"a manager or a Flask application is needed, got {told}")


async def test_a_coroutine_is_told_from_what_it_returns() -> None:
    coroutine = make_app()

    with pytest.raises(TypeError, match=r"got a coroutine: hand over what it returns, await make_app\(...\)"):
        async with testing.running(coroutine):
            pytest.fail("entered")
    coroutine.close()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_function_may_be_an_application() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async with testing.running(app) as it:
        assert it is app


@apps
@pytest.mark.parametrize("make", [manager_on_gevent, lambda: OrdersOnGevent("orders")], ids=["manager", "service"])
async def test_on_asyncio_what_is_of_gevent_is_told_of_its_harness(made: str, make: Callable[[], Any]) -> None:
    it = make()

    with pytest.raises(TypeError) as found:
        async with APPS[made](testing, it):
            pytest.fail("entered")

    assert str(found.value) == (
        f"specter.testing cannot run a {type(it).__name__} of gevent, specter_gevent.testing can: call "
        "specter.use_backend('gevent') before the first import from specter, or set SPECTER_BACKEND=gevent"
    )


@apps
@pytest.mark.parametrize("make", [manager, lambda: Orders("orders")], ids=["manager", "service"])
def test_on_gevent_what_is_of_asyncio_is_told_of_its_harness(made: str, make: Callable[[], Any]) -> None:
    it = make()

    with pytest.raises(TypeError) as found:
        with APPS[made](gevent_testing, it):
            pytest.fail("entered")

    assert str(found.value) == (
        f"specter_gevent.testing cannot run a {type(it).__name__} of asyncio, specter.testing can: call "
        "specter.use_backend('asyncio') before the first import from specter, or set SPECTER_BACKEND=asyncio"
    )
