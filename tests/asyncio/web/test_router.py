"""Routes as a class, on Quart: what is a route, and what it answers."""

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from quart import Quart, Response, request, url_for
from routers import Base, Derived, get, rules

from specter import HTTPError, Outcome, Router, json_endpoint, registry, route


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
        Base.__module__,
        "specter",
    )
    assert repr(Base()) == "<Base 'media'>"


def test_values_of_the_registry_are_at_hand() -> None:
    registry.provide("router-test", 5)
    try:
        assert Router("r").require("router-test") == 5
        assert Router("r").resolve("nothing-there") is None
        with pytest.raises(KeyError, match="nothing-there"):
            Router("r").require("nothing-there")
    finally:
        registry.unregister("router-test")
