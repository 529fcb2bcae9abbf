"""Payloads against fields."""

from collections import OrderedDict, UserDict, defaultdict
from typing import Any

import pytest
from sansio.schemas import errors, one

from specter.sansio.problems import MAX_PROBLEMS
from specter.sansio.schema import Field, Schema

pytestmark = pytest.mark.usefixtures("compiled_after")

ADDRESS = Schema("address", {"city": Field(required=True), "zip": Field(int)})


def test_fields_come_out_converted_and_in_the_order_of_the_schema() -> None:
    schema = Schema("s", {"b": Field(int), "a": Field(bool), "c": Field()})

    outcome = schema.validate({"c": "x", "a": "off", "b": "3"})

    assert (outcome.ok, outcome.status, outcome.meta) == (True, 200, {})
    assert list(outcome.value.items()) == [("b", 3), ("a", False), ("c", "x")]


def test_all_that_is_wrong_is_said_at_once() -> None:
    schema = Schema("media", {"b": Field(int), "a": Field(float), "d": Field(required=True)})

    outcome = schema.validate({"a": "x", "b": "y"})

    assert outcome.meta == {
        "errors": {
            "b": "'b' must be int: Cannot convert str 'y' to int",
            "a": "'a' must be float: Cannot convert str 'x' to float",
            "d": "'d' is required",
        }
    }
    assert outcome.error == (
        "[media] Validation failed: b: 'b' must be int: Cannot convert str 'y' to int; "
        "a: 'a' must be float: Cannot convert str 'x' to float; d: 'd' is required"
    )


@pytest.mark.parametrize("data", [None, [], 1, "x", UserDict(a=1)], ids=lambda value: type(value).__name__)
def test_a_payload_that_is_no_dict_is_refused(data: Any) -> None:
    outcome = one(Field()).validate(data)

    assert (outcome.ok, outcome.status) == (False, 400)
    assert outcome.error == f"[s] Expected a dict payload, got {type(data).__name__}"


@pytest.mark.parametrize("data", [OrderedDict(a=1), defaultdict(int, a=1)], ids=lambda value: type(value).__name__)
def test_a_payload_may_be_of_a_subclass_of_dict(data: dict[str, Any]) -> None:
    assert one(Field(int)).validate(data).value == {"a": 1}


@pytest.mark.parametrize("data", [{}, {"a": None}], ids=["missing", "none"])
def test_a_required_field_must_be_there(data: dict[str, Any]) -> None:
    assert errors(one(Field(required=True, default="x")), data) == {"a": "'a' is required"}


@pytest.mark.parametrize("value", ["", 0, False, [], {}])
def test_a_required_field_may_be_empty(value: Any) -> None:
    assert one(Field(type(value), required=True)).validate({"a": value}).value == {"a": value}


@pytest.mark.parametrize("data", [{}, {"a": None}], ids=["missing", "none"])
@pytest.mark.parametrize("kind", [str, int, list, dict, object, list[int], ADDRESS], ids=repr)
def test_an_optional_field_that_is_missing_has_its_default(kind: Any, data: dict[str, Any]) -> None:
    assert one(Field(kind)).validate(data).value == {"a": None}
    assert one(Field(kind, default="unchecked")).validate(data).value == {"a": "unchecked"}


def test_a_default_that_is_a_function_is_called_for_each_payload() -> None:
    schema = one(Field(list, default=lambda: [1]))

    first, second = schema.validate({}).value["a"], schema.validate({}).value["a"]

    assert first == second == [1]
    assert first is not second


def test_a_default_that_is_a_type_is_a_value() -> None:
    assert one(Field(object, default=list)).validate({}).value == {"a": list}


def test_a_default_function_that_fails_is_no_fault_of_the_payload() -> None:
    with pytest.raises(ZeroDivisionError):
        one(Field(int, default=lambda: 1 // 0)).validate({})


def test_a_default_container_is_copied_for_each_payload() -> None:
    default = {"tags": ["a"]}
    schema = one(Field(dict, default=default))

    schema.validate({}).value["a"]["tags"].append("b")

    assert schema.validate({}).value == {"a": {"tags": ["a"]}}
    assert default == {"tags": ["a"]}


@pytest.mark.parametrize("choices", [[1, 2], (1, 2), {1: "x", 2: "y"}, range(1, 3)], ids=repr)
def test_choices_are_compared_after_conversion(choices: Any) -> None:
    schema = one(Field(int, choices=choices))

    assert schema.validate({"a": "1"}).value == schema.validate({"a": 1}).value == {"a": 1}
    assert errors(schema, {"a": "3"}) == {"a": "'a' must be one of [1, 2], got '3'"}
    assert errors(schema, {"a": 3}) == {"a": "'a' must be one of [1, 2], got '3'"}


def test_choices_may_be_an_iterator() -> None:
    schema = one(Field(choices=iter("ab")))

    assert [schema.validate({"a": letter}).ok for letter in "aba"] == [True, True, True]


@pytest.mark.parametrize("choices", [None, [], ()])
def test_no_choices_allow_anything(choices: Any) -> None:
    assert one(Field(choices=choices)).validate({"a": "x"}).ok


def test_choices_may_be_containers() -> None:
    schema = one(Field(list, choices=[[1]]))

    assert schema.validate({"a": [1]}).ok
    assert errors(schema, {"a": [2]}) == {"a": "'a' must be one of [[1]], got '[2]'"}


@pytest.mark.parametrize("verdict", [True, None, 0, "", "no", []], ids=repr)
def test_a_validator_refuses_by_false_alone(verdict: Any) -> None:
    assert one(Field(int, validator=lambda value: verdict)).validate({"a": 3}).ok
    assert errors(one(Field(int, validator=lambda value: False)), {"a": 3}) == {"a": "'a' failed validation"}


@pytest.mark.parametrize("error", [ValueError("too small"), KeyError("k"), AttributeError("x")], ids=repr)
def test_a_validator_refuses_by_raising(error: Exception) -> None:
    def validator(value: int) -> None:
        raise error

    assert errors(one(Field(int, validator=validator)), {"a": 3}) == {"a": f"'a' validation error: {error}"}


def test_a_validator_sees_converted_values_that_are_among_the_choices() -> None:
    seen: list[Any] = []
    schema = one(Field(int, choices=[1], validator=seen.append))

    for value in ("1", "2", "x", None):
        schema.validate({"a": value})

    assert seen == [1]


def test_a_label_stands_for_the_name_in_messages() -> None:
    schema = one(Field(int, label="The age", required=True))

    assert errors(schema, {}) == {"a": "'The age' is required"}
    assert errors(schema, {"a": "x"}) == {"a": "'The age' must be int: Cannot convert str 'x' to int"}


def test_unknown_fields_are_left_out() -> None:
    assert one(Field()).validate({"a": "1", "z": 2}).value == {"a": "1"}


def test_unknown_fields_of_a_strict_schema_are_errors() -> None:
    schema = one(Field(required=True), strict=True)

    assert schema.validate({"a": "1"}).ok
    assert errors(schema, {"z": 2, 1: 3}) == {
        "z": "Unknown field 'z'",
        "1": "Unknown field '1'",
        "a": "'a' is required",
    }


def test_the_list_of_unknown_fields_is_bounded() -> None:
    assert len(errors(one(Field(), strict=True), dict.fromkeys(map(str, range(1000))))) == MAX_PROBLEMS


def test_a_nested_schema_names_its_fields_by_dots() -> None:
    schema = Schema("s", {"home": Field(ADDRESS, required=True), "others": Field(list[ADDRESS])})  # type: ignore[valid-type]

    data = {"home": {"zip": "x"}, "others": [{"city": "a", "zip": "1"}, {"zip": 2}, 3]}

    assert errors(schema, data) == {
        "home.city": "'home.city' is required",
        "home.zip": "'home.zip' must be int: Cannot convert str 'x' to int",
        "others.1.city": "'others.1.city' is required",
        "others.2": "'others.2' must be dict: Expected dict, got int",
    }


def test_a_nested_schema_converts() -> None:
    schema = Schema("s", {"by_name": Field(dict[str, ADDRESS]), "pair": Field(tuple[ADDRESS, ...])})  # type: ignore[valid-type]

    outcome = schema.validate({"by_name": {"ann": {"city": "x", "zip": "1"}}, "pair": [{"city": 2}]})

    assert outcome.value == {"by_name": {"ann": {"city": "x", "zip": 1}}, "pair": ({"city": "2", "zip": None},)}


def test_a_nested_schema_may_be_strict_on_its_own() -> None:
    schema = one(Field(Schema("inner", {"b": Field()}, strict=True)))

    assert errors(schema, {"a": {"c": 1}, "z": 1}) == {"a.c": "Unknown field 'a.c'"}


def test_none_is_a_value_of_a_required_field_that_is_nullable() -> None:
    schema = one(Field(int | None, required=True, choices=[1], validator=lambda value: value == 1))

    assert schema.validate({"a": None}).value == {"a": None}
    assert schema.validate({"a": "1"}).value == {"a": 1}
    assert errors(schema, {}) == {"a": "'a' is required"}
    assert errors(schema, {"a": 2}) == {"a": "'a' must be one of [1], got '2'"}


def test_choices_are_kept_whatever_they_came_as() -> None:
    field = Field(choices=(letter for letter in "ab"))
    schema = one(field)

    assert field.choices == ("a", "b")
    assert errors(schema.extend("more", {}), {"a": "c"}) == {"a": "'a' must be one of ['a', 'b'], got 'c'"}
    assert Field(choices=[]).choices is Field().choices is None


def test_a_default_is_copied_with_the_containers_in_it_and_shares_what_is_none() -> None:
    shared = object()
    default = [{"list": [1]}, ({"n": 1},), {1}, OrderedDict(a=1), shared]
    schema = one(Field(list, default=default))
    value = schema.validate({}).unwrap()["a"]

    assert value == default
    assert value[-1] is shared
    assert type(value[3]) is OrderedDict
    assert not {id(value), *map(id, value[:4])} & {id(default), *map(id, default[:4])}
    assert value[0]["list"] is not default[0]["list"]  # type: ignore[index]
