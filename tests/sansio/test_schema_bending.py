"""Schemas that bend values as 0.1.1 did."""

import enum

import pytest
from sansio.schemas import Lenient, errors

from specter.sansio.schema import Field, Schema

pytestmark = pytest.mark.usefixtures("compiled_after")


class Color(enum.StrEnum):
    RED = "red"


def test_another_runtime_may_bend_values_as_0_1_1_did() -> None:
    data = {"a": 1.5, "b": "maybe", "c": True}
    fields = {"a": Field(int), "b": Field(bool), "c": Field()}

    assert Lenient("s", fields).validate(data).value == {"a": 1, "b": True, "c": "True"}
    assert Schema("s", fields).validate(data).meta["errors"].keys() == {"a", "b", "c"}


def test_none_in_a_required_field_may_be_a_value_to_convert() -> None:
    kinds = (str, bool, int, list, object, lambda value: [value])
    schema = Lenient("s", {str(number): Field(kind, required=True) for number, kind in enumerate(kinds)})

    assert errors(schema, dict.fromkeys(map(str, range(6)))) == {
        "0": "'0' is required",
        "1": "'1' is required",
        "2": "'2' must be int: Cannot convert NoneType 'None' to int",
        "3": "'3' must be list: Expected list, got NoneType",
    }
    assert errors(schema, {"0": "", "1": 0, "2": 0, "3": []}) == {"4": "'4' is required", "5": "'5' is required"}


def test_containers_may_be_handed_on_as_they_are() -> None:
    class Rows(list[int]):
        """A list of one's own."""

    payload = {"list": [[1]], "dict": {"a": {}}, "rows": Rows([1]), "any": [1]}
    schema = Lenient("s", {"list": Field(list), "dict": Field(dict), "rows": Field(list), "any": Field(object)})
    value = schema.validate(payload).unwrap()

    assert [value[name] is payload[name] for name in payload] == [True] * 4


def test_errors_may_quote_the_whole_value_and_report_all_unknown_fields() -> None:
    long = "x" * 1000
    schema = Lenient("s", {"a": Field(int), "b": Field(choices=["y"])}, strict=True)

    assert errors(schema, {"a": long, "b": long}) == {
        "a": f"'a' must be int: Cannot convert str '{long}' to int",
        "b": f"'b' must be one of ['y'], got '{long}'",
    }
    assert len(errors(schema, dict.fromkeys(map(str, range(1000))))) == 1000


def test_anything_may_name_a_field_where_that_is_allowed() -> None:
    schema = Lenient("s", {1: Field(int), Color.RED: Field(), None: Field(required=True)})  # type: ignore[dict-item]

    assert schema.validate({1: "5", "red": "a", None: "b"}).value == {1: 5, Color.RED: "a", None: "b"}
    assert schema.validate({}).error == "[s] Validation failed: None: 'None' is required"


def test_a_text_of_another_class_may_name_a_field() -> None:
    schema = Schema("s", {Color.RED: Field(int)})

    assert schema.validate({"red": "5"}).value == {"red": 5}
