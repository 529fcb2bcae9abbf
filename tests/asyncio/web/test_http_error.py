"""`HTTPError`, on Quart: an answer that any view can raise."""

import json
import logging
import pickle
from typing import Any

import pytest
from quart import Blueprint, Quart, Response
from quart.typing import TestClientProtocol as Client
from views import Kind, Views, answer, body, both, raising
from werkzeug.exceptions import Conflict, HTTPException, default_exceptions

from specter import HTTPError


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
