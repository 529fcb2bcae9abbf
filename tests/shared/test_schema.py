"""Schemas, on both runtimes: the rules are one; what differs is what `require` raises."""

import pytest


@pytest.mark.parametrize(
    "kind, value, expected",
    [(int, "5", 5), (float, "1.5", 1.5), (bool, " on ", True), (bool, "off", False), (str, 5, "5"), (list, [1], [1])],
)
def test_values_are_made_what_the_field_says(twin, kind, value, expected):
    outcome = twin.Schema("s", {"x": twin.Field(kind)}).validate({"x": value})

    assert outcome.ok
    assert outcome.value == {"x": expected}


@pytest.mark.parametrize("kind, value", [(int, "text"), (int, float("inf")), (list, "text"), (dict, [1]), (str, None)])
def test_what_is_wrong_is_told_by_field(twin, kind, value):
    outcome = twin.Schema("s", {"x": twin.Field(kind, required=True)}).validate({"x": value})

    assert not outcome.ok
    assert outcome.status == 400
    assert list(outcome.meta["errors"]) == ["x"]


def test_require_raises_what_a_view_answers_with(twin):
    schema = twin.Schema("s", {"x": twin.Field(int, required=True)})
    with pytest.raises(twin.HTTPError) as caught:
        schema.require({})

    assert schema.require({"x": "5"}) == {"x": 5}
    assert caught.value.status_code == 400
    assert list(caught.value.payload["errors"]) == ["x"]


def test_defaults_are_each_payloads_own(twin):
    schema = twin.Schema("s", {"made": twin.Field(list, default=lambda: []), "given": twin.Field(list, default=[])})
    first, second = schema.validate({}).value, schema.validate({}).value
    first["made"].append(1)
    first["given"].append(1)

    assert second == {"made": [], "given": []}


def test_schemas_nest(twin):
    inner = twin.Schema("inner", {"n": twin.Field(int, required=True)})
    schema = twin.Schema("s", {"one": twin.Field(inner), "many": twin.Field(list[int])})

    assert schema.validate({"one": {"n": "5"}, "many": ["1", 2]}).value == {"one": {"n": 5}, "many": [1, 2]}
    assert list(schema.validate({"one": {"n": "x"}}).meta["errors"]) == ["one.n"]


def test_schemas_extend(twin):
    strict = twin.Schema("s", {"a": twin.Field()}, strict=True)
    more = strict.extend("t", {"b": twin.Field(int, required=True)})

    assert (more.field_names, more.required_fields) == ({"a", "b"}, {"b"})
    assert not more.validate({"b": 1, "c": 2}).ok
    assert more.extend("u", {}, strict=False).validate({"b": 1, "c": 2}).ok
