"""Requests and answers in JSON, on Quart."""

import asyncio
import functools
import json
import logging
import pickle
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from quart import Blueprint, Quart, Request, Response, abort, redirect, request
from quart.typing import TestClientProtocol as Client
from werkzeug.exceptions import Conflict, HTTPException, NotFound, default_exceptions

from specter import Field, HTTPError, OperationError, Outcome, Schema, expect_json, json_endpoint, require_fields


@pytest.fixture
def app() -> Quart:
    return Quart(__name__)


@pytest.fixture
def client(app: Quart) -> Client:
    return app.test_client()


async def answer(app: Quart, view: Any, **options: Any) -> Response:
    """What *app* answers with this view."""
    app.add_url_rule("/it", "it", view, methods=["GET", "POST"])
    response: Response = await app.test_client().open("/it", **options)
    return response


async def body(response: Response) -> Any:
    assert response.mimetype == "application/json", await response.get_data()
    return await response.get_json()


class Views:
    """The same view as a plain function and as a coroutine function."""

    @staticmethod
    def plain(fn: Callable[[], Any]) -> Callable[..., Any]:
        def view() -> Any:
            return fn()

        return view

    @staticmethod
    def coroutine(fn: Callable[[], Any]) -> Callable[..., Any]:
        async def view() -> Any:
            await asyncio.sleep(0)
            return fn()

        return view


both = pytest.mark.parametrize("kind", [Views.plain, Views.coroutine], ids=["plain", "coroutine"])
Kind = Callable[[Callable[[], Any]], Callable[..., Any]]


def raising(error: BaseException) -> Callable[[], Any]:
    def fn() -> None:
        raise error

    return fn


@both
async def test_an_http_error_answers_in_any_view(app: Quart, kind: Kind) -> None:
    response = await answer(app, kind(raising(HTTPError("taken", 409, payload={"by": "ann", "error": "x"}))))

    assert response.status_code == 409
    assert await body(response) == {"by": "ann", "error": "taken"}


@pytest.mark.parametrize("hook", ["before_request", "after_request"])
async def test_an_http_error_answers_from_a_hook_of_the_application(app: Quart, hook: str) -> None:
    async def refuse(*args: Any) -> None:
        raise HTTPError("closed", 503)

    getattr(app, hook)(refuse)

    response = await answer(app, Views.coroutine(lambda: "x"))
    assert response.status_code == (503 if hook == "before_request" else 500)


async def test_an_http_error_answers_in_nested_blueprints(app: Quart, client: Client) -> None:
    outer, inner = Blueprint("outer", __name__, url_prefix="/o"), Blueprint("inner", __name__, url_prefix="/i")

    @inner.before_request
    async def refuse() -> None:
        raise HTTPError("no", 403)

    @inner.route("/")
    async def view() -> str:
        return "x"

    outer.register_blueprint(inner)
    app.register_blueprint(outer)

    response = await client.get("/o/i/")
    assert (response.status_code, await body(response)) == (403, {"error": "no"})


@pytest.mark.parametrize("key", [HTTPError, 409, Conflict, HTTPException, Exception], ids=str)
async def test_an_error_handler_of_the_application_comes_first(app: Quart, key: Any) -> None:
    @app.errorhandler(key)
    async def handle(error: HTTPError) -> tuple[str, int]:
        return f"handled {error.message}", error.status_code

    response = await answer(app, Views.coroutine(raising(HTTPError("taken", 409))))

    assert response.status_code == 409
    assert await response.get_data(as_text=True) == "handled taken"


async def test_an_error_handler_of_the_blueprint_comes_first(app: Quart, client: Client) -> None:
    blueprint = Blueprint("bp", __name__)

    @blueprint.errorhandler(HTTPError)
    def handle(error: HTTPError) -> Any:
        return error.to_response()[0], 418

    @blueprint.route("/")  # type: ignore[type-var]
    async def view() -> None:
        raise HTTPError("taken", 409)

    app.register_blueprint(blueprint)

    response = await client.get("/")
    assert (response.status_code, await body(response)) == (418, {"error": "taken"})


async def test_the_answer_of_an_http_error_is_a_response_of_quart(app: Quart) -> None:
    seen: list[Any] = []

    @app.after_request
    async def look(response: Response) -> Response:
        seen.append(await response.get_data())
        response.headers["X-Seen"] = "yes"
        return response

    response = await answer(app, Views.coroutine(raising(HTTPError("taken", 409))))

    assert json.loads(seen[0]) == {"error": "taken"}
    assert response.headers["X-Seen"] == "yes"


async def test_an_http_error_can_be_answered_outside_an_application() -> None:
    response, status = HTTPError("taken", 409).to_response()

    assert (status, response.status_code, response.mimetype) == (409, 409, "application/json")
    assert json.loads(await response.get_data()) == {"error": "taken"}


async def test_the_message_for_the_log_is_logged_once(app: Quart, caplog: pytest.LogCaptureFixture) -> None:
    error = HTTPError("taken", 409, log_message="ann took it", log_level=logging.ERROR)

    await answer(app, Views.coroutine(raising(error)))
    error.to_response()

    assert [(record.name, record.levelno, record.getMessage()) for record in caplog.records] == [
        ("specter.http", logging.ERROR, "ann took it")
    ]


async def test_an_http_error_is_logged_only_if_it_says_so(app: Quart, caplog: pytest.LogCaptureFixture) -> None:
    await answer(app, Views.coroutine(raising(HTTPError("taken", 409))))

    assert not caplog.records


def test_an_http_error_has_its_parts() -> None:
    payload = {"a": 1}
    error = HTTPError("taken", 404, status=409, payload=payload)

    assert (str(error), repr(error)) == ("taken", "HTTPError('taken', 409)")
    assert (error.message, error.status_code, error.code, error.name) == ("taken", 409, 409, "Conflict")
    assert error.payload == payload
    assert error.payload is not payload


@pytest.mark.parametrize("status", [*default_exceptions, 402, 599])
async def test_an_http_error_is_the_exception_of_its_status(status: int) -> None:
    error = HTTPError("x", status)

    assert isinstance(error, default_exceptions.get(status, HTTPException))
    assert (error.code, type(error).code, error.description) == (status, status, "x")
    assert error.get_headers()
    assert error.get_response().status_code == status


class Gone(HTTPError):
    def __init__(self, item: str) -> None:
        super().__init__(f"{item} is gone", 410)


async def test_an_application_may_have_http_errors_of_its_own(app: Quart) -> None:
    @app.errorhandler(Gone)
    async def handle(error: Gone) -> str:
        return repr(error)

    response = await answer(app, Views.coroutine(lambda: raising(Gone("x"))()))

    assert await response.get_data(as_text=True) == "Gone('x is gone', 410)"


def test_an_http_error_survives_a_pickle() -> None:
    error = pickle.loads(pickle.dumps(HTTPError("taken", 409, payload={"a": 1}, log_message="x")))

    assert (str(error), error.code, error.payload, error.log_message) == ("taken", 409, {"a": 1}, "x")


@pytest.mark.parametrize("status", [0, 99, "409", None])
def test_an_http_error_needs_a_status(status: Any) -> None:
    with pytest.raises(ValueError, match="status must be a whole number from 100 to 599"):
        HTTPError("x", status)


@both
@pytest.mark.parametrize(
    ("value", "status", "expected"),
    [
        ({"a": 1}, 200, {"a": 1}),
        ([1], 200, [1]),
        (({"a": 1}, 201), 201, {"a": 1}),
        (({"a": 1}, 201, {"X-A": "b"}), 201, {"a": 1}),
        (({"a": 1}, {"X-A": "b"}), 200, {"a": 1}),
        (Outcome.success(1, status=201), 201, {"ok": True, "status": 201, "value": 1}),
        (Outcome.failure("no", status=404), 404, {"ok": False, "status": 404, "value": None, "error": "no"}),
    ],
    ids=repr,
)
async def test_dicts_lists_and_outcomes_become_json(
    app: Quart, kind: Kind, value: Any, status: int, expected: Any
) -> None:
    response = await answer(app, json_endpoint()(kind(lambda: value)))

    assert (response.status_code, await body(response)) == (status, expected)


@both
async def test_anything_else_is_passed_on(app: Quart, kind: Kind) -> None:
    response = await answer(app, json_endpoint()(kind(lambda: Response("x", status=418))))

    assert (response.status_code, await response.get_data()) == (418, b"x")


@both
async def test_an_unexpected_error_is_logged_and_leaks_nothing(
    app: Quart, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    response = await answer(app, json_endpoint()(kind(raising(OperationError("secret")))))

    assert (response.status_code, await body(response)) == (500, {"error": "Internal server error"})
    [record] = caplog.records
    assert (record.name, record.levelno) == (__name__, logging.ERROR)
    assert record.getMessage() == "Internal server error: secret"
    assert record.exc_info is not None


async def test_the_text_the_logger_and_the_trace_can_be_chosen(app: Quart, caplog: pytest.LogCaptureFixture) -> None:
    endpoint = json_endpoint("Could not save", logger=logging.getLogger("mine"), include_trace=False)

    response = await answer(app, endpoint(Views.coroutine(raising(ValueError("secret")))))

    assert await body(response) == {"error": "Could not save"}
    [record] = caplog.records
    assert (record.name, record.getMessage(), record.exc_info) == ("mine", "Could not save: secret", None)


@both
async def test_an_http_error_is_its_own_answer(app: Quart, kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    error = HTTPError("taken", 409, payload={"by": "ann"}, log_message="ann took it")

    response = await answer(app, json_endpoint("Could not save")(kind(raising(error))))

    assert (response.status_code, await body(response)) == (409, {"by": "ann", "error": "taken"})
    assert [(record.name, record.getMessage()) for record in caplog.records] == [(__name__, "ann took it")]


@pytest.mark.parametrize(("fn", "status"), [(lambda: abort(404), 404), (raising(NotFound("no such item")), 404)])
async def test_an_error_of_the_framework_keeps_its_status(
    app: Quart, fn: Callable[[], Any], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    response = await answer(app, json_endpoint()(Views.coroutine(fn)))

    assert response.status_code == status
    assert "no such item" in (await body(response))["error"] or "not found" in (await body(response))["error"]
    assert not caplog.records


@pytest.mark.parametrize(
    ("fn", "status"),
    [(lambda: abort(redirect("/x")), 302), (lambda: abort(Response("x", status=451)), 451)],  # type: ignore[arg-type]
)
async def test_an_answer_that_is_raised_is_no_error(app: Quart, fn: Callable[[], Any], status: int) -> None:
    response = await answer(app, json_endpoint()(Views.coroutine(fn)))

    assert response.status_code == status


async def test_what_cannot_be_written_as_json_is_an_error(app: Quart) -> None:
    response = await answer(app, json_endpoint()(Views.coroutine(lambda: {"a": object()})))

    assert (response.status_code, await body(response)) == (500, {"error": "Internal server error"})


@both
async def test_json_endpoint_needs_no_parentheses(app: Quart, kind: Kind) -> None:
    response = await answer(app, json_endpoint(kind(lambda: {"a": 1})))

    assert await body(response) == {"a": 1}


async def test_a_plain_view_stays_in_a_worker_thread(app: Quart) -> None:
    @json_endpoint
    def view() -> dict[str, bool]:
        return {"main": threading.current_thread() is threading.main_thread(), "here": request.path == "/it"}

    assert await body(await answer(app, view)) == {"main": False, "here": True}


def test_a_view_keeps_its_name() -> None:
    @json_endpoint("x")
    async def media() -> None:
        """Doc."""

    assert (media.__name__, media.__doc__) == ("media", "Doc.")


async def test_a_partial_is_a_view(app: Quart) -> None:
    async def view(a: int) -> dict[str, int]:
        return {"a": a}

    assert await body(await answer(app, json_endpoint()(functools.partial(view, 1)))) == {"a": 1}


async def test_a_stream_is_passed_on(app: Quart) -> None:
    @json_endpoint
    async def view() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    assert await (await answer(app, view)).get_data() == b"ab"


async def test_a_plain_stream_is_passed_on(app: Quart) -> None:
    @json_endpoint
    def view() -> Iterator[str]:
        yield "a"
        yield "b"

    assert await (await answer(app, view)).get_data() == b"ab"


async def test_a_cancelled_view_is_no_error(app: Quart, caplog: pytest.LogCaptureFixture) -> None:
    waiting = asyncio.Event()

    @json_endpoint
    async def view() -> None:
        waiting.set()
        await asyncio.Event().wait()

    async with app.test_request_context("/"):
        task = asyncio.create_task(view())
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert not caplog.records


JSON = "application/json"


async def ask(app: Quart, data: bytes, content_type: str | None = JSON, **options: Any) -> tuple[int, Any]:
    async def view() -> dict[str, Any]:
        return {"got": await expect_json(**options)}

    headers = {} if content_type is None else {"content-type": content_type}
    response = await answer(app, view, method="POST", data=data, headers=headers)
    return response.status_code, await body(response)


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8", "application/vnd.api+json"])
async def test_a_json_object_is_given(app: Quart, content_type: str) -> None:
    assert await ask(app, b' {"a": [1]} ', content_type) == (200, {"got": {"a": [1]}})


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (b"", JSON),
        (b" \n", JSON),
        (b"null", JSON),
        (b"{}", JSON),
        (b"", None),
        (b'{"a": 1}', None),
        (b'{"a": 1}', "text/plain"),
        (b"a=1", "application/x-www-form-urlencoded"),
    ],
)
async def test_a_body_is_required(app: Quart, data: bytes, content_type: str | None) -> None:
    assert await ask(app, data, content_type) == (400, {"error": "Request body is required"})


async def test_the_text_about_a_missing_body_can_be_chosen(app: Quart) -> None:
    assert await ask(app, b"", error="Send settings") == (400, {"error": "Send settings"})


@pytest.mark.parametrize("data", [b"[]", b"[1]", b"3", b'"s"', b"false"])
async def test_a_body_must_be_an_object(app: Quart, data: bytes) -> None:
    assert await ask(app, data) == (400, {"error": "JSON body must be an object"})


@pytest.mark.parametrize("data", [b'{"a":', b"{'a': 1}", b"\xff\xfe", b'{"a": 1}x', b"9" * 5000])
async def test_wrong_syntax_is_said(app: Quart, data: bytes) -> None:
    assert await ask(app, data, error="Send settings") == (400, {"error": "Request body is not valid JSON"})


async def test_deep_nesting_is_said(app: Quart) -> None:
    status, error = await ask(app, b'{"a":' * 100_000)

    assert (status, error) == (400, {"error": "Request body is nested too deeply"})


async def test_an_empty_object_can_be_allowed(app: Quart) -> None:
    assert await ask(app, b"{}", allow_empty=True) == (200, {"got": {}})


@pytest.mark.parametrize("data", [b"", b"null"])
async def test_no_body_is_never_allowed(app: Quart, data: bytes) -> None:
    assert await ask(app, data, allow_empty=True) == (400, {"error": "Request body is required"})


async def test_fields_can_be_required(app: Quart) -> None:
    assert await ask(app, b'{"a": " ", "b": 0}', required=["a", "b", "c"]) == (
        400,
        {"error": "Missing required field(s): a, c", "missing": ["a", "c"]},
    )


async def test_required_fields_of_an_empty_object_are_listed(app: Quart) -> None:
    status, error = await ask(app, b"{}", allow_empty=True, required=["a"])

    assert (status, error["missing"]) == (400, ["a"])


async def test_a_body_over_the_limit_is_413(app: Quart) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 10

    assert await ask(app, b'{"a": "xxxxxxxxxx"}') == (413, {"error": "Request body must not be larger than 10 bytes"})


async def test_a_body_over_the_limit_that_does_not_say_its_length_is_413(app: Quart, client: Client) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 10

    @app.post("/")
    async def view() -> dict[str, Any]:
        return await expect_json()

    async with client.request("/", method="POST", headers={"content-type": JSON}) as connection:
        await connection.send(b'{"a": "x')
        await connection.send(b'xxxxxxxxx"}')
        await connection.send_complete()
    response = await connection.as_response()

    assert (response.status_code, (await body(response))["error"][:35]) == (413, "Request body must not be larger tha")


async def test_a_body_that_takes_too_long_is_408(app: Quart, client: Client) -> None:
    app.config["BODY_TIMEOUT"] = 0.01

    @app.post("/")
    async def view() -> dict[str, Any]:
        return await expect_json()

    async with client.request("/", method="POST", headers={"content-type": JSON}) as connection:
        await connection.send(b"{")
        await asyncio.wait_for(connection._task, 5)  # type: ignore[attr-defined]
    response = await connection.as_response()

    assert response.status_code == 408
    assert "error" in await body(response)


@pytest.mark.parametrize(
    ("data", "refusal"),
    [(b"{", {"error": "not nice", "a": 1}), (b" \n", {"error": "Request body is required"})],
    ids=["wrong", "blank"],
)
async def test_a_request_of_the_applications_own_may_refuse(
    app: Quart, data: bytes, refusal: dict[str, object]
) -> None:
    class Picky(Request):
        def on_json_loading_failed(self, error: Exception) -> Any:
            raise HTTPError("not nice", payload={"a": 1})

    app.request_class = Picky

    assert await ask(app, data) == (400, refusal)


async def test_a_single_name_for_required_is_a_mistake_of_the_view(app: Quart) -> None:
    async with app.test_request_context("/"):
        with pytest.raises(TypeError, match="required must be a list of names"):
            await expect_json(required="name")


async def test_a_schema_answers_what_is_wrong_in_any_view(app: Quart) -> None:
    schema = Schema("media", {"tags": Field(list[int])})

    async def view() -> dict[str, Any]:
        return schema.require(await expect_json())

    response = await answer(app, view, method="POST", json={"tags": ["1", "x"]})

    assert response.status_code == 400
    assert (await body(response))["errors"] == {"tags.1": "'tags.1' must be int: Cannot convert str 'x' to int"}


def test_require_fields_gives_the_payload_itself() -> None:
    payload = {"a": 1, "b": ""}

    assert require_fields(payload, ["a"]) is payload
    assert require_fields(payload, ["a", "b"], blank_is_missing=False) is payload


def test_require_fields_lists_what_is_missing() -> None:
    with pytest.raises(HTTPError) as caught:
        require_fields({"a": None, "b": " "}, ("a", "b", "c"))

    assert caught.value.message == "Missing required field(s): a, b, c"
    assert (caught.value.status_code, caught.value.payload) == (400, {"missing": ["a", "b", "c"]})


def test_the_text_about_missing_fields_can_be_chosen() -> None:
    with pytest.raises(HTTPError, match=r"^Who\?$"):
        require_fields({}, ["name"], error="Who?")


@pytest.mark.parametrize("payload", [None, [], "abc", 5], ids=repr)
def test_require_fields_refuses_what_is_no_object(payload: Any) -> None:
    with pytest.raises(HTTPError, match="JSON body must be an object"):
        require_fields(payload, ["a"])
