"""Schemas and fields."""

from decimal import Decimal

from observing import differs, raised, tried

from specter import Field, Schema, SchemaError


def _checked(field, *values):
    schema = Schema("s", {"x": field})
    return [
        (outcome.ok, outcome.value, outcome.error, outcome.meta)
        for outcome in map(schema.validate, ({"x": value} for value in values))
    ]


def a_valid_payload():
    outcome = Schema("s", {"a": Field(int), "b": Field(str, required=True)}).validate(
        {"a": "5", "b": "text", "more": 1}
    )

    return outcome.ok, outcome.value, outcome.error, outcome.status, outcome.meta


def fields_that_are_left_out():
    schema = Schema(
        "s",
        {
            "a": Field(int),
            "b": Field(int, default=5),
            "c": Field(default="text"),
            "d": Field(list, default=lambda: [1]),
        },
    )

    return schema.validate({}).value, schema.validate({"a": None, "b": None, "c": None, "d": None}).value


def required_fields_that_are_left_out():
    schema = Schema(
        "s",
        {
            "a": Field(int, required=True),
            "b": Field(required=True, label="The name"),
            "c": Field(required=True, default="x"),
        },
    )
    outcome = schema.validate({})

    return outcome.ok, outcome.value, outcome.error, outcome.status, outcome.meta


def what_is_no_dict():
    schema = Schema("s", {"a": Field()})

    return [(outcome.error, outcome.status, outcome.meta) for outcome in map(schema.validate, ([], None, "text", 5))]


def whole_numbers():
    return _checked(Field(int), 5, "5", " 5 ", "1_000", 3.7, True, "3.7", "text", "", [], {})


def numbers():
    return _checked(Field(float), 5, 5.5, "5.5", "1e3", "inf", True, "text", None, [])


def texts():
    return _checked(Field(str), "text", "", 5, 5.5, True, [1], {"a": 1})


def booleans():
    yes, no = ["1", "true", "YES", " on ", 1, 2, 0.5, True], ["0", "false", "No", "off", "", "  ", 0, 0.0, False]

    return _checked(Field(bool), *yes), _checked(Field(bool), *no), _checked(Field(bool), "maybe", [], [0], {})


def lists_and_dicts():
    return _checked(Field(list), [1], (1,), "text", {}), _checked(Field(dict), {"a": 1}, [], "text")


def a_coercer_of_ones_own():
    def even(value):
        if value % 2:
            raise ValueError(f"{value} is odd")
        return value

    return (
        _checked(Field(even), 2, 3),
        _checked(Field(lambda value: value.upper()), "text"),
        _checked(Field(tuple), [1, 2]),
    )


def a_coercer_without_a_name():
    class Coercer:
        def __call__(self, value):
            raise ValueError("never")

    return _checked(Field(Coercer()), 1)


@differs(
    "Infinity for a whole number, and errors of a coercer such as `KeyError`, leave `validate()`.",
    ours=[False, 1, "x"],
)
def infinity_for_a_whole_number():
    def errors():
        outcome = Schema("s", {"x": Field(int)}).validate({"x": float("inf")})
        return outcome.ok, len(outcome.meta["errors"]), *outcome.meta["errors"]

    return tried(errors)


@differs(
    "Infinity for a whole number, and errors of a coercer such as `KeyError`, leave `validate()`.",
    ours=[[False, 1, "x"], [False, 1, "x"]],
)
def other_errors_of_a_coercer():
    def errors(field, value):
        outcome = Schema("s", {"x": field}).validate({"x": value})
        return outcome.ok, len(outcome.meta["errors"]), *outcome.meta["errors"]

    return tried(errors, Field(lambda value: value["key"]), {}), tried(errors, Field(Decimal), "text")


@differs(
    'A required field takes null, as the text `"None"` or as `False`.',
    ours=[[False, None], [False, None]],
)
def a_required_null():
    outcomes = [Schema("s", {"x": Field(kind, required=True)}).validate({"x": None}) for kind in (str, bool)]

    return [(outcome.ok, outcome.value) for outcome in outcomes]


def a_required_null_for_a_number():
    outcomes = [
        Schema("s", {"x": Field(kind, required=True)}).validate({"x": None}) for kind in (int, float, list, dict)
    ]

    return [outcome.ok for outcome in outcomes]


def choices():
    return (
        _checked(Field(choices=["a", "b"]), "a", "c"),
        _checked(Field(int, choices=(1, 2)), "1", 3),
        _checked(Field(choices=[]), "any"),
    )


def choices_do_not_bind_the_default():
    return Schema("s", {"x": Field(choices=["a"], default="z")}).validate({}).value


def validators():
    def raises(value):
        raise ValueError(f"{value} is not liked")

    answers = [lambda value: True, lambda value: False, lambda value: None, lambda value: 0, raises]

    return [_checked(Field(int, validator=answer), 5) for answer in answers]


def a_validator_gets_what_was_coerced():
    seen = []
    _checked(Field(int, validator=seen.append), "5", "text")
    Schema("s", {"x": Field(int, validator=seen.append, default=7)}).validate({})

    return seen


def labels_stand_in_errors():
    field = Field(int, label="The count", choices=[1], required=True)

    return _checked(field, "text", 5), Schema("s", {"x": field}).validate({}).meta


def several_errors_in_one():
    schema = Schema("form", {"a": Field(int), "b": Field(required=True), "c": Field(choices=["x"])})
    outcome = schema.validate({"a": "text", "c": "y"})

    return outcome.error, outcome.meta, list(outcome.meta["errors"])


def strict_refuses_what_it_does_not_know():
    schema = Schema("s", {"a": Field(int)}, strict=True)

    return (
        schema.validate({"a": 1}).value,
        schema.validate({"a": 1, "b": 2}).error,
        schema.validate({"a": "x", "b": 2}).meta,
    )


def a_default_is_taken_as_it_is():
    class Kind:
        pass

    schema = Schema(
        "s", {"a": Field(int, default="text"), "b": Field(default=Kind), "c": Field(bool, default=lambda: 1 + 1)}
    )
    value = schema.validate({}).value

    return value["a"], value["b"] is Kind, value["c"]


def a_default_factory_is_called_each_time():
    schema = Schema("s", {"a": Field(list, default=lambda: [])})
    first, second = schema.validate({}).value["a"], schema.validate({}).value["a"]

    return first is second


@differs(
    "A list or a dict as default is one object for all payloads.",
    ours=[[], ["default"]],
)
def a_default_that_can_be_changed():
    schema = Schema("s", {"a": Field(list, default=[]), "b": Field(list, default=["default"])})
    first = schema.validate({}).value
    first["a"].append("of the first")
    first["b"].append("of the first")
    second = schema.validate({}).value

    return second["a"], second["b"]


def require_gives_the_value():
    schema = Schema("s", {"a": Field(int, default=1)})

    return schema.require({"a": "5"}), schema.require({}), schema.require(None), schema.require([])


def require_raises_an_http_error():
    schema = Schema("s", {"a": Field(int, required=True)})
    try:
        schema.require({"a": "text"})
    except Exception as error:
        return type(error).__name__, str(error), error.status_code, error.payload
    return None


def require_of_what_is_no_dict():
    schema = Schema("s", {"a": Field(int)})

    return raised(schema.require, "text"), raised(schema.require, [1])


def what_is_no_field_is_refused():
    schema = Schema("s", {"a": Field()})

    return raised(Schema, "s", {"a": str}), raised(Schema, "s", {"a": None}), raised(schema.extend, "t", {"b": int})


def extend_adds_and_replaces():
    schema = Schema("s", {"a": Field(int), "b": Field(required=True)})
    more = schema.extend("t", {"b": Field(default="x"), "c": Field(int, required=True)})

    return (
        more.name,
        more.field_names,
        more.required_fields,
        more.validate({"c": 1}).value,
        schema.field_names,
        list(more._fields),
    )


def extend_keeps_strictness_unless_told():
    strict = Schema("s", {"a": Field()}, strict=True)
    kept, loose = strict.extend("t", {}), strict.extend("u", {}, strict=False)

    return (
        kept.validate({"x": 1}).ok,
        loose.validate({"x": 1}).ok,
        strict.extend("v", {}, strict=True).validate({"x": 1}).ok,
    )


def names_of_fields():
    schema = Schema("s", {"b": Field(), "a": Field(required=True)})

    return schema.field_names, schema.required_fields, list(schema._fields), schema._fields["a"].required, repr(schema)


def what_a_field_tells():
    field = Field(int, required=True, default=1, choices=[1, 2], validator=len, label="L")
    plain = Field()

    return [(f.type is int, f.required, f.default, f.choices, f.validator is len, f.label) for f in (field, plain)]


def the_payload_is_left_alone():
    given = {"a": "5", "more": [1]}
    Schema("s", {"a": Field(int)}).validate(given)

    return given


def a_value_of_the_right_type_is_passed_on():
    given = {"list": [1], "dict": {"a": 1}}
    value = Schema("s", {"list": Field(list), "dict": Field(dict)}).validate(given).value

    return value["list"] is given["list"], value["dict"] is given["dict"]


def order_of_the_value_is_that_of_the_fields():
    value = Schema("s", {"b": Field(), "a": Field()}).validate({"a": "1", "b": "2"}).value

    return list(value)


def the_error_of_a_schema():
    error, full = SchemaError("no"), SchemaError("no", field="a", errors={"a": "bad"})

    return [(str(e), e.message, e.field, e.errors, isinstance(e, Exception)) for e in (error, full)]


@differs(
    "`Field(list[int])` and `Field(dict[str, int])` take whatever is in the list or the dict.",
    ours=[{"a": [1, 2]}, {"a.0": "'a.0' must be int: Cannot convert str 'x' to int"}, {"a": {"x": 1}}],
)
def what_is_in_a_list_or_a_dict():
    numbers = Schema("s", {"a": Field(list[int])})

    return (
        numbers.validate({"a": ["1", 2]}).value,
        numbers.validate({"a": ["x"]}).meta.get("errors"),
        Schema("s", {"a": Field(dict[str, int])}).validate({"a": {"x": "1"}}).value,
    )


@differs(
    "`Field(int \\| None)` and a `Schema` as a type refuse every payload.",
    ours=[{"a": 1}, {"a": None}, {"a": {"b": 1}}],
)
def unions_and_schemas_as_types():
    optional = Schema("s", {"a": Field(int | None)})
    nested = Schema("s", {"a": Field(Schema("inner", {"b": Field(int)}))})

    return (
        optional.validate({"a": "1"}).value,
        optional.validate({}).value,
        nested.validate({"a": {"b": "1"}}).value,
    )


@differs(
    "A validator that cannot be called refuses every payload.",
    ours=["TypeError", "validator must be a plain function or None, got 3"],
)
def a_validator_that_cannot_be_called():
    return tried(lambda: Schema("s", {"a": Field(int, validator=3)}).validate({"a": 1}).ok)


class _OfTheApplication(Exception):
    pass


def an_error_of_the_applications_own():
    def refuses(value):
        raise _OfTheApplication("mine")

    return raised(Schema("s", {"a": Field(refuses)}).validate, {"a": 1})


@differs(
    "A `Field` that is changed, or put into `_fields`, after its schema was used counts for the next payload.",
    ours=[True, True],
)
def a_field_that_is_changed_after_its_schema_was_used():
    field = Field(int)
    schema, other = Schema("s", {"a": field}), Schema("s", {"a": field})
    schema.validate({}), other.validate({})
    field.required = True
    other._fields["b"] = Field(int, required=True)

    return schema.validate({}).ok, other.validate({"a": 1}).ok
