"""What holds for any schema and any payload."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sansio.schemas import Lenient

from specter.sansio.schema import Field, Schema

pytestmark = pytest.mark.usefixtures("compiled_after")

# Payloads made for a schema: a strategy for the type of each field.
KINDS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=5),
    int: st.integers(),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    list: st.lists(st.integers() | st.lists(st.text(max_size=2), max_size=2), max_size=3),
    dict: st.dictionaries(st.text(max_size=2), st.none() | st.lists(st.integers(), max_size=2), max_size=3),
    object: st.lists(st.integers(), max_size=2),
    list[list[int]]: st.lists(st.lists(st.integers(), max_size=2), max_size=2),
    list[int]: st.lists(st.integers(), max_size=3),
    dict[str, bool]: st.dictionaries(st.text(max_size=2), st.booleans(), max_size=3),
    int | str: st.integers() | st.text(max_size=3),
    list[float | None]: st.lists(st.none() | st.floats(allow_nan=False), max_size=3),
}


fields = st.builds(
    lambda kind, required: (kind, Field(kind, required=required)), st.sampled_from(list(KINDS)), st.booleans()
)


@st.composite
def schemas_with_payloads(draw: st.DrawFn, depth: int = 2) -> tuple[Schema, dict[str, Any], dict[str, Any]]:
    """A schema, a payload that fits it as it is, and what must come out."""
    made: dict[str, Field] = {}
    payload: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    for name in draw(st.lists(st.text(max_size=3), max_size=5, unique=True)):
        if depth and draw(st.integers(0, 3)) == 0:
            inner, value, out = draw(schemas_with_payloads(depth - 1))
            made[name], payload[name], expected[name] = Field(list[inner]), [value], [out]  # type: ignore[valid-type]
            continue
        kind, made[name] = draw(fields)
        expected[name] = None
        if made[name].required or draw(st.booleans()):
            payload[name] = expected[name] = draw(KINDS[kind])
    return Schema("s", made, strict=draw(st.booleans())), payload, expected


@given(schemas_with_payloads())
def test_a_payload_that_fits_comes_out_equal_and_stays_as_it_was(
    made: tuple[Schema, dict[str, Any], dict[str, Any]],
) -> None:
    schema, payload, expected = made
    before = copy.deepcopy(payload)

    value = schema.validate(payload).unwrap()

    assert (value, list(value)) == (expected, list(schema._fields))
    assert payload == before
    assert schema.validate(value).unwrap() == value or any(field.required for field in schema._fields.values())


def strangled(value: Any) -> Any:
    """Everything in it replaced or emptied, in place."""
    if isinstance(value, dict):
        for item in value.values():
            strangled(item)
        value.clear()
    elif isinstance(value, list):
        for item in value:
            strangled(item)
        value.clear()
    return value


@given(schemas_with_payloads())
def test_nobody_can_change_what_came_out_through_the_payload(
    made: tuple[Schema, dict[str, Any], dict[str, Any]],
) -> None:
    schema, payload, _ = made
    value = schema.validate(payload).unwrap()
    before = copy.deepcopy(value)

    strangled(payload)

    assert value == before


# A type that the text of a check does not know, by its name in messages.
Text: Any = type("str", (str,), {})


@given(
    st.sampled_from([Schema, Lenient]),
    st.sampled_from([int, float, bool]),
    st.sampled_from(["1", " Yes", "no", "", "0.5", "1_0", "nan"]) | st.text(max_size=3),
)
def test_a_text_is_read_alike_by_the_check_itself_and_by_the_converter(
    kind: type[Schema], field: type, text: str
) -> None:
    schema = kind("s", {"a": Field(field)})

    assert repr(schema.validate({"a": text})) == repr(schema.validate({"a": Text(text)}))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=10,
)


@given(schemas_with_payloads(), st.dictionaries(st.text(max_size=3), anything, max_size=4), anything)
def test_any_payload_gives_an_outcome(
    made: tuple[Schema, dict[str, Any], dict[str, Any]], other: dict[str, Any], data: Any
) -> None:
    schema, payload, _ = made
    for candidate in (payload | other, data):
        before = repr(candidate)
        outcome = schema.validate(candidate)

        assert repr(candidate) == before
        assert outcome.ok == (outcome.error is None)
        if outcome.ok:
            assert list(outcome.value) == list(schema._fields)
        elif isinstance(candidate, dict):
            found = outcome.meta["errors"]
            assert found
            assert all(isinstance(path, str) and text for path, text in found.items())
