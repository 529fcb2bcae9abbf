"""Payloads against fields."""

import copy
import enum
from collections import OrderedDict, UserDict, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.conversion import BENDING
from specter.sansio.problems import MAX_PROBLEMS
from specter.sansio.schema import MAX_NESTED, Field, Schema


@pytest.fixture(autouse=True, scope="module", params=[0, 10], ids=["compiled", "not yet"])
def compiled_after(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each promise holds for a schema that is new, and for one that is compiled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("specter.sansio.schema._COMPILED_AFTER", request.param)
        yield


def errors(schema: Schema, data: Any) -> dict[str, str]:
    outcome = schema.validate(data)
    assert not outcome.ok
    assert outcome.status == 400
    found: dict[str, str] = outcome.meta["errors"]
    return found


def one(field: Field, *, strict: bool = False) -> Schema:
    return Schema("s", {"a": field}, strict=strict)


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


class Color(enum.StrEnum):
    RED = "red"


class Lenient(Schema):
    _conversions = BENDING
    _names = object


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
