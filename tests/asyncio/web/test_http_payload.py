"""Requests in JSON, on Quart: what is expected of a body, and of its fields."""

import asyncio
from typing import Any

import pytest
from quart import Quart, Request
from quart.typing import TestClientProtocol as Client
from views import answer, body

from specter import Field, HTTPError, Schema, expect_json, require_fields

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
