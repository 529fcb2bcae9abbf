"""
What a payload must look like: fields by name, each with a type, and what is wrong with a payload that differs.

A schema that is used again and again is compiled, once, into one plain function: see `schema_check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from .conversion import REFUSING, Conversions, Converter, converter_of
from .field import Field as Field
from .outcome import Outcome, made
from .problems import Mismatch, Problem, mismatch
from .schema_check import Check, PlannedField, compiled, uncompiled

# Compiling takes as long as some fifty payloads do without it, and some schemas are made for one payload.
_COMPILED_AFTER = 10
# Schemas within schemas. Far more than anybody writes, and far from Python's limit of 1000 calls.
MAX_NESTED = 64


class Schema:
    """
    Fields by name, and the check of payloads against them.

    Args:
        name: Stands in front of errors.
        fields: Name to `Field`, in the order in which they are checked and given back. Copied.
        strict: Fields that the schema does not know are errors; otherwise they are left out.

    Raises:
        TypeError: *fields* is no dict of text to `Field`, or the type of one cannot be understood.
        ValueError: Schemas are nested more than 64 deep.
    """

    # Which values are taken for another type than their own; a runtime with other users may have others.
    _conversions: ClassVar[Conversions] = REFUSING
    _names: ClassVar[type] = str  # of fields

    def __init__(self, name: str, fields: Mapping[str, Field], *, strict: bool = False) -> None:
        if not isinstance(fields, (dict, Mapping)):
            raise TypeError(
                f"[SPECTER:schema] '{name}': fields must be a dict of name to Field, got {type(fields).__name__}"
            )
        self.name = name
        self._fields = dict(fields)
        self._strict = strict
        self._depth = 1
        self._converters = [(key, field, self._converter(key, field)) for key, field in self._fields.items()]
        # Made for the first payload: some schemas are there for others to extend.
        self._plan: list[PlannedField] = []
        self._check: Check = self._check_first
        self._checked = 0

    @property
    def field_names(self) -> set[str]:
        """The names of all fields: a new set."""
        return set(self._fields)

    @property
    def required_fields(self) -> set[str]:
        """The names of the fields that must be there: a new set."""
        return {name for name, field in self._fields.items() if field.required}

    def validate(self, data: Any) -> Outcome:
        """
        Check a payload. It is not changed.

        Args:
            data: The payload: a dict, or it is refused.

        Returns:
            A success with a new dict of all fields, in the order of the schema, which nobody else holds; or a failure
            of status 400 whose ``meta["errors"]`` says what is wrong: field to message, dotted where fields nest.
        """
        if not isinstance(data, dict):
            return Outcome.failure(f"[{self.name}] Expected a dict payload, got {type(data).__name__}")
        problems: list[Problem] = []
        value = self._check(data, problems)
        if not problems:
            return made(True, value, None, 200, {})
        errors: dict[str, str] = {}
        listed: list[str] = []
        for place, text in problems:
            errors[place.path] = message = place.head + text
            listed.append(f"{place.path}: {message}")
        return made(False, None, f"[{self.name}] Validation failed: {'; '.join(listed)}", 400, {"errors": errors})

    def extend(self, name: str, extra_fields: Mapping[str, Field], *, strict: bool | None = None) -> Self:
        """
        Make a schema with further fields; this one stays as it is.

        Args:
            name: Of the new schema.
            extra_fields: Added behind the others; one of the same name takes the other's place.
            strict: ``None`` for the same as here.
        """
        return type(self)(name, {**self._fields, **extra_fields}, strict=self._strict if strict is None else strict)

    def json_schema(self) -> dict[str, Any]:
        """
        Describe the payloads as JSON Schema, draft 2020-12: a new dict.

        What it allows is valid, unless a validator refuses it or its type has no form in JSON. More is valid: a text
        that reads like a number, for instance, and ``None`` for a field that is not required.
        """
        from .json_schema import json_schema  # it needs this class

        return json_schema(self)

    def __repr__(self) -> str:
        return f"<Schema {self.name!r} {len(self._fields)} fields ({len(self.required_fields)} required)>"

    def _converter(self, key: Any, field: Any) -> Converter:
        if not isinstance(key, self._names):
            raise self._wrong(key, f": the name of a field must be a str, got {type(key).__name__}")
        if not isinstance(field, Field):
            raise self._wrong(key, f" must be a Field instance, got {type(field).__name__}")
        try:
            return converter_of(field.type, self._conversions, self._nested)
        except TypeError as error:
            raise self._wrong(key, f": {error}") from None

    def _wrong(self, key: Any, what: str) -> TypeError:
        return TypeError(f"[SPECTER:schema] '{self.name}': field '{key}'{what}")

    def _nested(self, kind: Any) -> Converter | None:
        if not isinstance(kind, Schema):
            return None
        self._depth = max(self._depth, kind._depth + 1)
        if self._depth > MAX_NESTED:
            raise ValueError(f"schema {self.name!r} nests schemas more than {MAX_NESTED} deep")
        return kind._convert

    def _convert(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise mismatch(f" must be dict: Expected dict, got {type(value).__name__}")
        problems: list[Problem] = []
        checked = self._check(value, problems)
        if problems:
            raise Mismatch(*problems)
        return checked

    def _check_first(self, data: dict[Any, Any], problems: list[Problem]) -> dict[str, Any]:
        self._checked += 1
        if not self._plan:
            self._plan = [PlannedField(*planned, self._conversions) for planned in self._converters]
        # Two threads may compile at once: both get the same function, and one of the two is kept.
        make = uncompiled if self._checked <= _COMPILED_AFTER else compiled
        check = make(self._plan, self._conversions, strict=self._strict)
        if make is compiled:
            self._check = check
        return check(data, problems)
