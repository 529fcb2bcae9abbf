"""Schemas and fields: how they are made, extended, copied and refused."""

import copy
from typing import Any

import pytest
from sansio.schemas import errors, one

from specter.sansio.schema import MAX_NESTED, Field, Schema

pytestmark = pytest.mark.usefixtures("compiled_after")


def test_extend_adds_fields_and_replaces_those_of_the_same_name() -> None:
    base = Schema("b", {"a": Field(), "b": Field(int)}, strict=True)

    extended = base.extend("e", {"c": Field(int), "a": Field(int, required=True)})

    assert (extended.name, list(extended._fields), extended.required_fields) == ("e", ["a", "b", "c"], {"a"})
    assert (list(base._fields), base.required_fields) == (["a", "b"], set())
    assert not extended.validate({"a": 1, "z": 1}).ok


@pytest.mark.parametrize(
    ("base", "strict", "expected"), [(True, None, False), (True, False, True), (False, True, False)]
)
def test_extend_keeps_strictness_unless_told(base: bool, strict: bool | None, expected: bool) -> None:
    extended = Schema("b", {}, strict=base).extend("e", {}, strict=strict)

    assert extended.validate({"unknown": 1}).ok is expected


def test_names_of_fields_are_sets_of_the_callers_own() -> None:
    schema = Schema("s", {"a": Field(required=True), "b": Field()})

    schema.field_names.clear()
    schema.required_fields.clear()

    assert (schema.field_names, schema.required_fields) == ({"a", "b"}, {"a"})
    assert repr(schema) == "<Schema 's' 2 fields (1 required)>"


def test_the_fields_are_copied() -> None:
    fields = {"a": Field(required=True)}
    schema = Schema("s", fields)

    fields.clear()

    assert schema.field_names == {"a"}


def test_a_schema_without_fields_takes_any_dict() -> None:
    assert Schema("s", {}).validate({"a": 1}).value == {}


@pytest.mark.parametrize("name", ["it's", 'a"b', "a\\n", "a\nb", "{x}", "𝔘", "\ud800", "", "a.b", "'); import os; ('"])
def test_any_text_may_name_a_field(name: str) -> None:
    schema = Schema("s", {name: Field(int, required=True), "z": Field()})

    assert schema.validate({name: "1"}).value == {name: 1, "z": None}
    assert errors(schema, {}) == {name: f"'{name}' is required"}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ([1], "[SPECTER:schema] 'x': fields must be a dict of name to Field, got list"),
        ({"a": str}, "[SPECTER:schema] 'x': field 'a' must be a Field instance, got type"),
        ({"a": 3}, "[SPECTER:schema] 'x': field 'a' must be a Field instance, got int"),
        ({1: Field()}, "[SPECTER:schema] 'x': field '1': the name of a field must be a str, got int"),
        ({"a": Field("int")}, "[SPECTER:schema] 'x': field 'a': type must be a type, list"),
        ({"a": Field(list["int"])}, "[SPECTER:schema] 'x': field 'a': type must be a type, list"),
    ],
)
def test_a_schema_says_which_field_is_made_wrongly(fields: Any, text: str) -> None:
    with pytest.raises(TypeError) as caught:
        Schema("x", fields)

    assert str(caught.value).startswith(text)


async def waits(value: Any = None) -> bool:
    return True


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"validator": 3}, "validator must be a plain function or None, got 3"),
        ({"validator": waits}, "validator must be a plain function"),
        ({"default": waits}, "default must be a plain function"),
    ],
    ids=["no function", "validator", "default"],
)
def test_a_field_refuses_what_it_cannot_call(options: dict[str, Any], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        Field(**options)


def test_a_field_shows_its_type() -> None:
    assert repr(Field(int, required=True)) == "<Field <class 'int'> required>"
    assert repr(Field()) == "<Field <class 'str'>>"


def nested(levels: int) -> Schema:
    schema = Schema("leaf", {"a": Field(int)})
    for _ in range(levels - 1):
        schema = Schema("node", {"a": Field(list[schema])})  # type: ignore[valid-type]
    return schema


def test_schemas_nest_up_to_a_bound() -> None:
    data: dict[str, Any] = {"a": "1"}
    for _ in range(MAX_NESTED - 1):
        data = {"a": [data]}

    assert nested(MAX_NESTED).validate(data).ok
    with pytest.raises(ValueError, match="schema 'node' nests schemas more than 64 deep"):
        nested(MAX_NESTED + 1)


def test_a_schema_is_compiled_once_when_it_has_been_used_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specter.sansio.schema._COMPILED_AFTER", 2)
    schema = one(Field(int))
    checks = []
    for _ in range(4):
        schema.validate({"a": "1"})
        checks.append(schema._check)

    assert checks[0] == checks[1] != checks[2]
    assert checks[2] is checks[3]


def test_a_schema_that_was_used_can_be_copied() -> None:
    schema = one(Field(int))
    schema.validate({})

    assert copy.deepcopy(schema).validate({"a": "1"}).value == {"a": 1}
