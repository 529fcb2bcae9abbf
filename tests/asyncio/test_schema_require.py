"""Schemas that end a request."""

from typing import Any

import fresh
import pytest

from specter import Field, HTTPError, Schema

MEDIA = Schema("media", {"path": Field(str, required=True), "year": Field(int)})


def test_require_gives_the_checked_payload() -> None:
    assert MEDIA.require({"path": "x", "year": "3"}) == {"path": "x", "year": 3}


def test_require_refuses_with_the_errors_of_fields() -> None:
    with pytest.raises(HTTPError) as caught:
        MEDIA.require({"year": "x"})

    errors = {"path": "'path' is required", "year": "'year' must be int: Cannot convert str 'x' to int"}
    assert (caught.value.status_code, caught.value.payload) == (400, {"errors": errors})
    assert caught.value.message.startswith("[media] Validation failed: path: 'path' is required; year:")


def test_require_takes_none_for_a_payload_without_fields() -> None:
    assert Schema("s", {"a": Field(default="x")}).require(None) == {"a": "x"}


@pytest.mark.parametrize("data", [[], "", 0, False, [1]], ids=repr)
def test_require_refuses_what_is_no_dict(data: Any) -> None:
    with pytest.raises(HTTPError, match="Expected a dict payload") as caught:
        MEDIA.require(data)

    assert caught.value.payload == {"errors": {}}


def test_an_extended_schema_can_require_too() -> None:
    assert MEDIA.extend("more", {"tag": Field()}).require({"path": "x"}) == {"path": "x", "year": None, "tag": None}


def test_schemas_need_no_web_framework() -> None:
    code = """
import sys
sys.modules["quart"] = None
from specter import Field, Schema, SchemaError
schema = Schema("s", {"a": Field(int, required=True)})
print(schema.require({"a": "1"}))
try:
    schema.require({})
except SchemaError as error:
    print(error, error.errors)
"""
    assert fresh.python(code, SPECTER_BACKEND="asyncio").splitlines() == [
        "{'a': 1}",
        "[s] Validation failed: a: 'a' is required {'a': \"'a' is required\"}",
    ]


def test_operations_and_schemas_import_no_web_framework() -> None:
    code = """
import sys
from specter import Field, Operation, Outcome, Schema
Schema("s", {"a": Field()}).validate({})
print(sorted(set(sys.modules) & {"quart", "werkzeug", "flask", "gevent", "socketio"}))
"""
    assert fresh.python(code) == "[]"
