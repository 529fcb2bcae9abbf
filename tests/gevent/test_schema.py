"""Schema on gevent: what it takes as 0.1.1 did, and how it answers."""

import fresh
import pytest
from werkzeug.datastructures import ImmutableMultiDict

from specter_gevent import Field, HTTPError, Schema

MEDIA = Schema("media", {"path": Field(str, required=True), "year": Field(int)})


class Named(Schema):
    """Is made by other arguments than its base."""

    def __init__(self):
        super().__init__("named", {"a": Field(int)}, strict=True)


@pytest.mark.parametrize("data", [None, {}, [], "", 0, False], ids=repr)
def test_require_takes_what_is_empty_for_a_payload_without_fields(data):
    assert Schema("s", {"a": Field(default="x")}).require(data) == {"a": "x"}


def test_require_refuses_with_the_errors_of_fields():
    with pytest.raises(HTTPError) as caught:
        MEDIA.require({"year": "x"})

    errors = {"path": "'path' is required", "year": "'year' must be int: Cannot convert str 'x' to int"}
    assert (caught.value.status_code, caught.value.payload) == (400, {"errors": errors})
    assert caught.value.message == (
        "[media] Validation failed: path: 'path' is required; year: 'year' must be int: Cannot convert str 'x' to int"
    )


def test_require_refuses_what_is_no_dict():
    with pytest.raises(HTTPError, match=r"\[media\] Expected a dict payload, got list") as caught:
        MEDIA.require([1])

    assert caught.value.payload == {"errors": {}}


def test_require_asks_the_validate_of_a_subclass():
    class Trimming(Schema):
        def validate(self, data):
            return super().validate({key: value.strip() for key, value in data.items()})

    assert Trimming("s", {"a": Field(int)}).require({"a": " 5 "}) == {"a": 5}


def test_a_form_of_flasks_is_a_payload():
    form = ImmutableMultiDict([("path", "x"), ("path", "y"), ("year", "3")])

    assert MEDIA.require(form) == {"path": "x", "year": 3}


def test_what_extends_a_schema_is_a_plain_one_whatever_made_the_first():
    more = Named().extend("more", {"b": Field(required=True)})

    assert type(more) is Schema
    assert more.require({"a": "1", "b": "x"}) == {"a": 1, "b": "x"}
    with pytest.raises(HTTPError, match="Unknown field 'c'"):
        more.require({"b": "x", "c": 1})
    assert more.extend("loose", {}, strict=False).require({"b": "x", "c": 1}) == {"a": None, "b": "x"}


def test_an_error_that_an_application_answers_itself_goes_through_validate():
    class Gone(Exception):
        """Has a handler of its own."""

    def find(value):
        raise Gone

    def refuse(value):
        raise HTTPError("no such category", status=404)

    with pytest.raises(Gone):
        Schema("s", {"a": Field(find)}).validate({"a": 1})
    with pytest.raises(HTTPError, match="no such category"):
        Schema("s", {"a": Field(refuse)}).require({"a": 1})


def test_a_type_that_nobody_understands_is_an_error_of_the_payloads_that_have_it():
    schema = Schema("s", {"a": Field(None), "b": Field(int)})

    assert schema.require({"b": "1"}) == {"a": None, "b": 1}
    assert schema.validate({"a": 1}).meta["errors"] == {"a": "'a' coercion failed: Unsupported coercion target: None"}


async def later(value=None):
    """A coroutine function."""


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Field(validator=later), "validator must be a plain function, .*: a schema cannot wait"),
        (lambda: Field(default=later), "default must be a plain function, .*: a schema cannot wait"),
        (lambda: Schema("s", {"a": Field(later)}), "field 'a': type must be .* a plain function or a Schema"),
    ],
    ids=["validator", "default", "type"],
)
def test_a_coroutine_function_is_refused(make, text):
    with pytest.raises(TypeError, match=text):
        make()


def test_a_schema_needs_no_web_framework():
    code = """
import sys
sys.modules["flask"] = None
from specter_gevent import Field, Schema, SchemaError
schema = Schema("s", {"a": Field(int, required=True)})
try:
    schema.require({})
except SchemaError as error:
    print(schema.require({"a": "1"}), error.errors)
"""
    assert fresh.python(code, SPECTER_BACKEND="gevent") == "{'a': 1} {'a': \"'a' is required\"}"
