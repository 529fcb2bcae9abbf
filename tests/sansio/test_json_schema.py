"""Schemas as JSON Schema."""

import enum
import json
import uuid
from typing import Any, List  # noqa: UP035

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.schema import Field, Schema


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


def described(field: Field) -> Any:
    return Schema("s", {"a": field}).json_schema()["properties"]["a"]


def test_a_schema_is_an_object() -> None:
    schema = Schema("media", {"title": Field(required=True, label="Title"), "year": Field(int)}, strict=True)

    assert schema.json_schema() == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "media",
        "type": "object",
        "properties": {"title": {"type": "string", "title": "Title"}, "year": {"type": "integer"}},
        "required": ["title"],
        "additionalProperties": False,
    }


def test_what_may_be_left_out_is_left_out() -> None:
    assert Schema("s", {}).json_schema().keys() == {"$schema", "title", "type", "properties"}


TYPES: list[tuple[Any, dict[str, Any]]] = [
    (str, {"type": "string"}),
    (int, {"type": "integer"}),
    (float, {"type": "number"}),
    (bool, {"type": "boolean"}),
    (dict, {"type": "object"}),
    (list, {"type": "array"}),
    (tuple, {"type": "array"}),
    (List, {"type": "array"}),  # noqa: UP006
    (set, {"type": "array", "uniqueItems": True}),
    (object, {}),
    (Any, {}),
    (bytes, {}),
    (str.upper, {}),
    (uuid.UUID, {"type": "string", "format": "uuid"}),
    (Color, {"enum": ["red", "blue"]}),
    (enum.Enum("Odd", {"A": object()}), {}),
    (list[int], {"type": "array", "items": {"type": "integer"}}),
    (list[list[str]], {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}),
    (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
    (set[str], {"type": "array", "uniqueItems": True, "items": {"type": "string"}}),
    (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
    (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
]


@pytest.mark.parametrize(("kind", "expected"), TYPES, ids=repr)
def test_a_type_is_described(kind: Any, expected: dict[str, Any]) -> None:
    assert described(Field(kind)) == expected


def test_a_nested_schema_is_written_out() -> None:
    inner = Schema("inner", {"b": Field(int, required=True)})

    assert described(Field(list[inner])) == {  # type: ignore[valid-type]
        "type": "array",
        "items": {"type": "object", "properties": {"b": {"type": "integer"}}, "required": ["b"]},
    }


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (Field(choices=("a", "b")), {"type": "string", "enum": ["a", "b"]}),
        (Field(int | None, choices=[1]), {"anyOf": [{"type": "integer"}, {"type": "null"}], "enum": [1, None]}),
        (Field(Color, choices=[Color.RED]), {"enum": ["red"]}),
        (Field(choices=[object()]), {"type": "string"}),
        (Field(default="x"), {"type": "string", "default": "x"}),
        (Field(set, default={2, 1}), {"type": "array", "uniqueItems": True, "default": [1, 2]}),
        (
            Field(uuid.UUID, default=uuid.UUID(int=1)),
            {"type": "string", "format": "uuid", "default": str(uuid.UUID(int=1))},
        ),
        (Field(float, default=float("nan")), {"type": "number"}),
        (Field(list, default=lambda: []), {"type": "array"}),
        (Field(object, default=list), {}),
    ],
    ids=repr,
)
def test_options_are_described_as_far_as_json_goes(field: Field, expected: dict[str, Any]) -> None:
    assert described(field) == expected


def test_a_description_is_the_callers_own() -> None:
    schema = Schema("s", {"a": Field(list, default=[[1]])})

    schema.json_schema()["properties"]["a"]["default"][0].append(2)
    schema.json_schema()["properties"]["a"]["type"] = "x"

    assert schema.json_schema()["properties"]["a"] == {"type": "array", "default": [[1]]}


def instances(description: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a description allows."""
    if "enum" in description:
        return st.sampled_from(description["enum"])
    if "anyOf" in description:
        return st.one_of([instances(one) for one in description["anyOf"]])
    match description.get("type"):
        case "object" if "properties" in description:
            properties = {name: instances(inner) for name, inner in description["properties"].items()}
            required = {name: properties.pop(name) for name in description.get("required", [])}
            return st.fixed_dictionaries(required, optional=properties)
        case "object":
            return st.dictionaries(
                st.text(max_size=2), instances(description.get("additionalProperties", {})), max_size=3
            )
        case "array":
            return st.lists(
                instances(description.get("items", {"type": "integer"})),
                max_size=3,
                unique_by=repr if description.get("uniqueItems") else None,
            )
        case "string":
            return st.uuids().map(str) if "format" in description else st.text(max_size=3)
        case "integer":
            return st.integers()
        case "number":
            return st.floats(allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    return st.integers() | st.text(max_size=2)


hashable = [kind for kind, _ in TYPES if kind not in (bytes, str.upper, set[str]) and "Odd" not in repr(kind)]


@st.composite
def schemas(draw: st.DrawFn, depth: int = 1) -> Schema:
    fields: dict[str, Field] = {}
    for name in draw(st.lists(st.sampled_from("abcde"), unique=True)):
        kind = draw(schemas(depth - 1)) if depth and draw(st.booleans()) else draw(st.sampled_from(hashable))
        fields[name] = Field(list[kind] if draw(st.booleans()) else kind, required=draw(st.booleans()))  # type: ignore[valid-type]
    return Schema("s", fields, strict=draw(st.booleans()))


@given(st.data())
def test_what_the_description_allows_is_valid(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    description = schema.json_schema()

    payload = data.draw(instances(description))

    assert json.loads(json.dumps(description)) == description
    assert schema.validate(payload).meta == {}
