"""Answers in JSON, on Quart: what a view returns, and what it raises."""

import asyncio
import functools
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from quart import Quart, Response, abort, redirect, request
from views import Kind, Views, answer, body, both, raising
from werkzeug.exceptions import NotFound

from specter import HTTPError, OperationError, Outcome, json_endpoint


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
    assert (record.name, record.levelno) == (Views.__module__, logging.ERROR)
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
    assert [(record.name, record.getMessage()) for record in caplog.records] == [(Views.__module__, "ann took it")]


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
