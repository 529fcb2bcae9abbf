"""A form of eight fields, as text."""

from __future__ import annotations

from typing import Any

from benchmarks.cases import OLD, SPECTER, TWIN, Case, Goal
from benchmarks.run import Run

TITLE = "a form of eight fields is validated"
RIGHT = Case("all values are right", goals=(Goal(SPECTER, 0.3, OLD), Goal(TWIN, 0.35, OLD)))
WRONG = Case("three errors, all reported", goals=(Goal(SPECTER, 0.3, OLD), Goal(TWIN, 0.35, OLD)))

FORM = {
    "name": "Ada",
    "email": "ada@example.org",
    "age": "36",
    "height": "1.68",
    "member": "yes",
    "role": "author",
    "city": "London",
}
BAD_FORM = {**FORM, "age": "young", "height": "tall", "role": "king"}
BAD_FIELDS = {"age", "height", "role"}


def schema() -> Any:
    """Ours; under 0.1.1 it reads the same."""
    from specter import Field, Schema

    return Schema(
        "person",
        {
            "name": Field(str, required=True),
            "email": Field(str, required=True),
            "age": Field(int),
            "height": Field(float),
            "member": Field(bool, default=False),
            "role": Field(str, choices=["author", "reader"]),
            "city": Field(str),
            "country": Field(str, default="GB"),
        },
    )


def right(value: Any) -> bool:
    """Whether the values are as they should be, converted."""
    return (value["age"], value["height"], value["member"], value["country"]) == (36, 1.68, True, "GB")


@RIGHT.all_three
def _(run: Run) -> float:
    validate = schema().validate
    return run.per_call(validate, FORM, check=lambda: right(validate(FORM).value))


@WRONG.all_three
def _(run: Run) -> float:
    validate = schema().validate
    return run.per_call(validate, BAD_FORM, check=lambda: set(validate(BAD_FORM).meta["errors"]) == BAD_FIELDS)


def pydantic_model() -> Any:
    """The form as a model of pydantic."""
    from typing import Literal

    from pydantic import create_model

    return create_model(
        "Person",
        name=(str, ...),
        email=(str, ...),
        age=(int | None, None),
        height=(float | None, None),
        member=(bool, False),
        role=(Literal["author", "reader"] | None, None),
        city=(str | None, None),
        country=(str, "GB"),
    )


@RIGHT.contender("pydantic", needs=("pydantic",))
def _(run: Run) -> float:
    validate = pydantic_model().model_validate
    return run.per_call(validate, FORM, check=lambda: right(validate(FORM).model_dump()))


@WRONG.contender("pydantic", needs=("pydantic",))
def _(run: Run) -> float:
    from pydantic import ValidationError

    model = pydantic_model()

    def errors() -> dict[str, str]:
        try:
            model.model_validate(BAD_FORM)
        except ValidationError as error:
            return {str(each["loc"][0]): each["msg"] for each in error.errors()}
        return {}

    return run.per_call(errors, check=lambda: set(errors()) == BAD_FIELDS)


def msgspec_struct() -> Any:
    """The form as a struct of msgspec."""
    from typing import Literal

    import msgspec

    return msgspec.defstruct(
        "Person",
        [
            ("name", str),
            ("email", str),
            ("age", int | None, None),
            ("height", float | None, None),
            ("member", bool | None, None),
            ("role", Literal["author", "reader"] | None, None),
            ("city", str | None, None),
            ("country", str, "GB"),
        ],
    )


@RIGHT.contender("msgspec", needs=("msgspec",))
def _(run: Run) -> float:
    import msgspec

    struct = msgspec_struct()
    form = {**FORM, "member": "true"}  # it does not know "yes"

    def validate() -> Any:
        return msgspec.convert(form, struct, strict=False)

    return run.per_call(validate, check=lambda: right(msgspec.structs.asdict(validate())))


@WRONG.contender("msgspec, which stops at the first", needs=("msgspec",))
def _(run: Run) -> float:
    import msgspec

    struct = msgspec_struct()
    form = {**BAD_FORM, "member": "true"}

    def error() -> str:
        try:
            msgspec.convert(form, struct, strict=False)
        except msgspec.ValidationError as error:
            return str(error)
        return ""

    return run.per_call(error, check=lambda: "age" in error())


@RIGHT.contender("by hand")
def _(run: Run) -> float:
    return run.per_call(by_hand, FORM, check=lambda: right(by_hand(FORM)[0]))


@WRONG.contender("by hand")
def _(run: Run) -> float:
    return run.per_call(by_hand, BAD_FORM, check=lambda: set(by_hand(BAD_FORM)[1]) == BAD_FIELDS)


def by_hand(form: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values and the errors."""
    errors: dict[str, str] = {}
    values: dict[str, Any] = {"name": form.get("name"), "email": form.get("email"), "city": form.get("city")}
    if not values["name"]:
        errors["name"] = "is required"
    if not values["email"]:
        errors["email"] = "is required"
    try:
        values["age"] = int(form["age"])
    except ValueError:
        errors["age"] = "must be a whole number"
    try:
        values["height"] = float(form["height"])
    except ValueError:
        errors["height"] = "must be a number"
    values["member"] = form["member"].lower() in ("1", "true", "yes", "on")
    values["role"] = form["role"]
    if form["role"] not in ("author", "reader"):
        errors["role"] = "must be author or reader"
    values["country"] = form.get("country", "GB")
    return values, errors
