"""Routers that are mounted on an application and taken down, on Quart."""

import asyncio
import logging
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask
from quart import Blueprint, Quart
from routers import Base, Derived, get, rules

from specter import Router, route


async def test_a_router_nests_in_a_blueprint(app: Quart) -> None:
    outer = Blueprint("outer", __name__, url_prefix="/outer")
    Derived().register(outer)
    app.register_blueprint(outer)

    assert await get(app, "/outer/api/v1/one") == (200, "one of media")
    assert "outer.media.one" in rules(app).values()


def test_a_blueprint_may_be_registered_by_hand(app: Quart) -> None:
    app.register_blueprint(Base().blueprint(), url_prefix="/other", name="again")

    assert rules(app) == {"/other/one": "again.one", "/other/two": "again.two"}


def test_the_prefix_can_be_set_until_it_is_mounted() -> None:
    router = Base()
    router.url_prefix = "x/"

    assert router.blueprint().url_prefix == "/x"


async def test_one_router_serves_two_applications(app: Quart) -> None:
    second = Quart("second")
    router = Base()
    router.register(app).register(second)

    assert await get(app, "/one") == await get(second, "/one") == (200, "one of media")


async def test_a_router_can_be_registered_after_the_first_request(app: Quart) -> None:
    await get(app, "/one")

    Base().register(app)

    assert await get(app, "/one") == (200, "one of media")


def test_a_router_cannot_be_registered_twice(app: Quart) -> None:
    router = Base().register(app)

    with pytest.raises(ValueError, match=f"router 'media' cannot be registered: {app.name!r} has it already"):
        router.register(app)


def test_two_routers_need_two_names(app: Quart) -> None:
    Base().register(app)

    with pytest.raises(ValueError, match="has another blueprint of that name"):
        Base().register(app)
    Base("other").register(app)


def test_a_router_cannot_nest_in_a_blueprint_that_is_registered(app: Quart) -> None:
    outer = Blueprint("outer", __name__)
    app.register_blueprint(outer)

    with pytest.raises(RuntimeError, match="router 'media' must be registered before 'outer' is used"):
        Base().register(outer)


@pytest.mark.parametrize("target", [None, object(), "app"], ids=["none", "object", "text"])
def test_a_router_needs_an_application(target: Any) -> None:
    with pytest.raises(TypeError, match=r"Quart application"):
        Base().register(target)


def test_a_flask_application_is_told_of_the_switch() -> None:
    with pytest.raises(TypeError, match="use_backend"):
        Base().register(Flask("x"))  # type: ignore[arg-type]


def test_nothing_is_mounted_by_a_registration_that_is_refused(app: Quart) -> None:
    Base().register(app)
    second = Recorded("media")

    with pytest.raises(ValueError, match="media"):
        second.register(app)

    assert second.seen == []


class Recorded(Router):
    """Records what happens to it."""

    def __init__(self, name: str = "recorded") -> None:
        super().__init__(name)
        self.seen: list[str] = []

    @route("/")
    def view(self) -> str:
        return "x"

    def on_mount(self) -> None:
        self.seen.append("mounted")
        self.add_cleanup(lambda: self.seen.append("cleaned up"))

    def on_unmount(self) -> None:
        self.seen.append("unmounted")


def test_mounting_happens_once(app: Quart) -> None:
    router = Recorded()

    assert router.mount() is router.blueprint() is router.mount()
    router.register(app)

    assert router.seen == ["mounted"]


def test_a_teardown_undoes_last_first() -> None:
    router = Recorded()
    router.mount()
    router.add_cleanup(lambda: router.seen.append("second"))

    router.teardown()
    router.teardown()

    assert router.seen == ["mounted", "unmounted", "second", "cleaned up"]


def test_a_router_that_was_never_mounted_is_not_unmounted() -> None:
    router = Recorded()
    router.add_cleanup(lambda: router.seen.append("cleaned up"))

    router.teardown()

    assert router.seen == ["cleaned up"]


def test_a_router_can_be_mounted_again(app: Quart) -> None:
    router = Recorded()
    router.register(app).teardown()

    blueprint = router.mount()
    router.teardown()

    assert router.seen == ["mounted", "unmounted", "cleaned up"] * 2
    assert app.blueprints["recorded"] is blueprint
    assert list(rules(app)) == ["/"]


async def test_a_teardown_that_waits_is_awaited() -> None:
    class Waiting(Recorded):
        async def on_unmount(self) -> None:  # type: ignore[override]
            await asyncio.sleep(0)
            self.seen.append("unmounted")

    router = Waiting()
    router.mount()

    async def second() -> None:
        await asyncio.sleep(0)
        router.seen.append("second")

    router.add_cleanup(second).add_cleanup(lambda: second())

    assert await router.teardown() is router
    assert router.seen == ["mounted", "unmounted", "second", "second", "cleaned up"]


async def test_a_plain_teardown_can_be_awaited_too() -> None:
    router = Recorded()
    router.mount()

    ending = router.teardown()
    assert router.seen == ["mounted", "unmounted", "cleaned up"]
    assert await ending is router


async def test_a_plain_cleanup_that_gives_a_coroutine_is_awaited() -> None:
    router = Recorded()

    async def close() -> None:
        router.seen.append("closed")

    router.add_cleanup(lambda: close())

    await router.teardown()
    assert router.seen == ["closed"]


@pytest.mark.parametrize("waits", [False, True], ids=["plain", "coroutine"])
async def test_an_error_in_a_cleanup_is_logged_and_the_rest_goes_on(
    waits: bool, caplog: pytest.LogCaptureFixture
) -> None:
    router = Recorded()
    router.mount()

    def fail() -> None:
        raise ValueError("boom")

    async def fail_later() -> None:
        fail()

    router.add_cleanup(fail_later if waits else fail)

    ending = router.teardown()
    if waits:
        await ending
    assert router.seen == ["mounted", "unmounted", "cleaned up"]
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert "of 'recorded' failed" in record.getMessage()
    assert record.exc_info is not None


def test_what_a_router_owns_is_ended() -> None:
    router, stack = Router("r"), ExitStack()
    seen: list[str] = []
    stack.callback(seen.append, "closed")

    assert router.own(stack) is stack
    assert router.own(None) is None
    router.teardown()

    assert seen == ["closed"]


def test_what_cannot_be_ended_cannot_be_owned() -> None:
    with pytest.raises(TypeError, match="int cannot be owned"):
        Router("r").own(3)


def test_on_mount_cannot_wait() -> None:
    class Waiting(Router):
        async def on_mount(self) -> None:  # type: ignore[override]
            """Never called."""

    with pytest.raises(TypeError, match="Waiting.on_mount must be a plain function: mount\\(\\) cannot wait"):
        Waiting().mount()


def test_a_mount_that_fails_can_be_tried_again() -> None:
    class Failing(Recorded):
        def on_mount(self) -> None:
            super().on_mount()
            if self.seen == ["mounted"]:
                raise ValueError("boom")

    router = Failing()
    with pytest.raises(ValueError, match="boom"):
        router.mount()
    router.mount()
    router.teardown()

    assert router.seen == ["mounted", "mounted", "unmounted", "cleaned up", "cleaned up"]
