"""Routes as a class, on Quart."""

import asyncio
import functools
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask
from quart import Blueprint, Quart, Response, request, url_for

from specter import HTTPError, Outcome, Router, expect_json, json_endpoint, registry, route


@pytest.fixture
def app() -> Quart:
    return Quart(__name__)


def rules(app: Quart) -> dict[str, str]:
    """Rule to endpoint, in the order in which they were added."""
    return {rule.rule: rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint != "static"}


async def get(app: Quart, path: str, **options: Any) -> tuple[int, Any]:
    """Status and body; parsed if it is JSON."""
    response = await app.test_client().open(path, **options)
    return response.status_code, await response.get_json() or await response.get_data(as_text=True)


class Base(Router):
    name = "media"

    @route("/one")
    def one(self) -> str:
        return f"one of {self.name}"

    @route("/two")
    async def two(self) -> dict[str, str]:
        return {"two": self.name}


class Derived(Base):
    url_prefix = "api/v1/"

    @route("/two-b", methods=["post"], endpoint="bee")
    async def two(self) -> dict[str, Any]:
        return await expect_json(required=["a"])

    @route("/three/<int:number>")
    @route("/drei/<int:number>", methods=("GET", "PUT"))
    async def three(self, number: int) -> Outcome:
        return Outcome.success(number, status=201, method=request.method)

    @staticmethod
    @route("/static-method")
    def fixed() -> str:
        return "fixed"

    @classmethod
    @route("/class-method")
    def of_class(cls) -> str:
        return cls.__name__


def test_marked_methods_are_routes_inherited_ones_too(app: Quart) -> None:
    Derived().register(app)

    assert rules(app) == {
        "/api/v1/one": "media.one",
        "/api/v1/two-b": "media.bee",
        "/api/v1/drei/<int:number>": "media.three",
        "/api/v1/three/<int:number>": "media.three",
        "/api/v1/static-method": "media.fixed",
        "/api/v1/class-method": "media.of_class",
    }


async def test_views_are_methods_of_the_router(app: Quart) -> None:
    Derived("films", url_prefix="").register(app)

    assert await get(app, "/one") == (200, "one of films")
    assert await get(app, "/static-method") == (200, "fixed")
    assert await get(app, "/class-method") == (200, "Derived")


async def test_a_router_of_the_base_class_has_the_routes_of_the_base(app: Quart) -> None:
    Base().register(app)

    assert await get(app, "/two") == (200, {"two": "media"})
    assert list(rules(app)) == ["/one", "/two"]


async def test_a_view_with_several_rules_answers_at_each(app: Quart) -> None:
    Derived(url_prefix="/").register(app)

    assert await get(app, "/three/3") == (201, {"method": "GET", "ok": True, "status": 201, "value": 3})
    assert (await get(app, "/drei/3", method="PUT"))[1]["method"] == "PUT"
    assert (await get(app, "/three/3", method="PUT"))[0] == 405
    assert (await get(app, "/three/x"))[0] == 404


async def test_functions_are_routes(app: Quart) -> None:
    router = Router("films", url_prefix="/films")

    @router.route("/<title>", methods=["GET", "DELETE"])
    async def film(title: str) -> dict[str, str]:
        return {"title": title, "at": url_for("films.film", title="x")}

    router.register(app)

    assert await get(app, "/films/brazil") == (200, {"title": "brazil", "at": "/films/x"})


async def test_partials_and_objects_are_views(app: Quart) -> None:
    class View:
        async def __call__(self) -> str:
            return "object"

    async def view(what: str) -> str:
        return what

    router = Router("r")
    router.route("/object")(View())
    router.route("/partial")(functools.partial(view, "partial"))
    router.register(app)

    assert await get(app, "/object") == (200, "object")
    assert await get(app, "/partial") == (200, "partial")
    assert rules(app) == {"/object": "r.View", "/partial": "r.partial"}


@pytest.mark.parametrize("rule", ["/a", "/a/", "a"])
@pytest.mark.parametrize("path", ["/p/a", "/p/a/"])
async def test_a_slash_at_the_end_makes_no_difference(app: Quart, rule: str, path: str) -> None:
    router = Router("r", url_prefix="/p")
    router.route(rule)(lambda: "x")
    router.register(app)

    assert await get(app, path) == (200, "x")


@pytest.mark.parametrize(("prefix", "path"), [("/p", "/p"), ("/p", "/p/"), ("", "/")])
async def test_an_empty_rule_is_the_prefix(app: Quart, prefix: str, path: str) -> None:
    router = Router("r", url_prefix=prefix)
    router.route("")(lambda: "x")
    router.register(app)

    assert await get(app, path) == (200, "x")


async def test_a_plain_view_runs_in_a_worker_thread(app: Quart) -> None:
    router = Router("r")
    main = threading.current_thread()

    @router.route("/plain")
    def plain() -> dict[str, Any]:
        return {"main": threading.current_thread() is main, "path": request.path}

    @router.route("/coroutine")
    async def coroutine() -> dict[str, Any]:
        return {"main": threading.current_thread() is main, "path": request.path}

    router.register(app)

    assert await get(app, "/plain") == (200, {"main": False, "path": "/plain"})
    assert await get(app, "/coroutine") == (200, {"main": True, "path": "/coroutine"})


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.success([1], page=2), (200, {"ok": True, "status": 200, "value": [1], "page": 2})),
        (Outcome.failure("no", status=418), (418, {"ok": False, "status": 418, "value": None, "error": "no"})),
    ],
    ids=["success", "failure"],
)
@pytest.mark.parametrize("json_errors", [None, "Could not"])
async def test_an_outcome_answers_with_its_status(
    app: Quart, outcome: Outcome, expected: Any, json_errors: str | None
) -> None:
    router = Router("r")
    router.route("/plain", json_errors=json_errors, endpoint="plain")(lambda: outcome)

    @router.route("/coroutine", json_errors=json_errors)
    async def coroutine() -> Outcome:
        return outcome

    router.register(app)

    assert await get(app, "/plain") == expected
    assert await get(app, "/coroutine") == expected


async def test_streams_and_responses_are_passed_on(app: Quart) -> None:
    router = Router("r")

    @router.route("/async")
    async def events() -> AsyncIterator[str]:
        yield "a"
        await asyncio.sleep(0)
        yield "b"

    @router.route("/plain")
    def lines() -> Iterator[str]:
        yield "a"
        yield "b"

    @router.route("/response")
    async def response() -> Response:
        return Response("x", status=418, headers={"X-A": "b"})

    router.register(app)

    assert await get(app, "/async") == (200, "ab")
    assert await get(app, "/plain") == (200, "ab")
    answered = await app.test_client().get("/response")
    assert (answered.status_code, answered.headers["X-A"]) == (418, "b")


@pytest.mark.parametrize(
    ("json_errors", "text"), [("Could not save", "Could not save"), (True, "Internal server error")], ids=str
)
async def test_errors_may_be_answered_as_json(
    app: Quart, json_errors: str | bool, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    router = Router("r")

    @router.route("/", json_errors=json_errors)
    async def view() -> None:
        raise ValueError("secret")

    router.register(app)

    assert await get(app, "/") == (500, {"error": text})
    assert [(record.name, record.getMessage()) for record in caplog.records] == [(__name__, f"{text}: secret")]


@pytest.mark.parametrize("json_errors", [None, False, ""])
async def test_errors_are_the_frameworks_otherwise(
    app: Quart, json_errors: Any, caplog: pytest.LogCaptureFixture
) -> None:
    router = Router("r")

    @router.route("/", json_errors=json_errors)
    async def view() -> None:
        raise ValueError("secret")

    router.register(app)

    status, text = await get(app, "/")
    assert (status, "Internal Server Error" in text) == (500, True)
    assert [record.name for record in caplog.records] == [app.logger.name]


async def test_an_http_error_answers_in_any_route(app: Quart) -> None:
    router = Router("r")

    @router.route("/")
    def view() -> None:
        raise HTTPError("taken", 409, payload={"by": "ann"})

    router.register(app)

    assert await get(app, "/") == (409, {"by": "ann", "error": "taken"})


async def test_json_endpoint_may_stand_below_the_mark(app: Quart) -> None:
    class Films(Router):
        @route("/")
        @json_endpoint("Could not")
        async def films(self) -> list[str]:
            return [self.name]

    Films("films").register(app)

    assert await get(app, "/") == (200, ["films"])


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


def test_a_route_that_comes_too_late_is_refused() -> None:
    router = Router("r")
    router.mount()

    with pytest.raises(RuntimeError, match="router 'r' is mounted, and '/late' would never be reached"):
        router.route("/late")(lambda: "x")


def test_two_views_of_one_endpoint_are_refused() -> None:
    router = Router("r")
    router.route("/a")(lambda: "a")
    router.route("/b")(lambda: "b")

    with pytest.raises(ValueError, match="two views for the endpoint '<lambda>': '/a' and '/b'"):
        router.mount()


def test_a_view_must_be_a_function() -> None:
    with pytest.raises(TypeError, match="the view of '/a' must be a function, got 3"):
        Router("r").route("/a")(3)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("name", "error"), [(3, "the name of a router must be a str, got 3"), ("a.b", "may not contain a dot")]
)
def test_the_name_must_fit_an_endpoint(name: Any, error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        Router(name)


def test_a_router_has_names_by_default() -> None:
    assert (Router().name, Router("").name, Base().name, Base("x").name) == ("router", "router", "media", "x")
    assert (Base().blueprint().import_name, Base(import_name="specter").blueprint().import_name) == (
        __name__,
        "specter",
    )
    assert repr(Base()) == "<Base 'media'>"


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


def test_values_of_the_registry_are_at_hand() -> None:
    registry.provide("router-test", 5)
    try:
        assert Router("r").require("router-test") == 5
        assert Router("r").resolve("nothing-there") is None
        with pytest.raises(KeyError, match="nothing-there"):
            Router("r").require("nothing-there")
    finally:
        registry.unregister("router-test")
