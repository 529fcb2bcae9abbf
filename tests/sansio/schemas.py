"""Schemas, and what they find wrong."""

from typing import Any

from specter.sansio.conversion import BENDING
from specter.sansio.schema import Field, Schema


def errors(schema: Schema, data: Any) -> dict[str, str]:
    """What *schema* finds wrong with *data*, which it must refuse: `{dotted field: message}`."""
    outcome = schema.validate(data)
    assert not outcome.ok
    assert outcome.status == 400
    found: dict[str, str] = outcome.meta["errors"]
    return found


def one(field: Field, *, strict: bool = False) -> Schema:
    """A schema of one field, ``a``."""
    return Schema("s", {"a": field}, strict=strict)


class Lenient(Schema):
    """A schema of a runtime that bends values as 0.1.1 did."""

    _conversions = BENDING
    _names = object
