"""A `Schema` as JSON Schema, draft 2020-12: https://json-schema.org/draft/2020-12."""

from __future__ import annotations

import enum
import json
import uuid
from collections.abc import Mapping
from types import MappingProxyType, UnionType
from typing import Any, Union, get_args, get_origin

from .conversion import is_nullable
from .field import Field
from .schema import Schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# What has no plain form in JSON (functions, bytes, classes of the application) is described as anything: {}.
_PLAIN: Mapping[Any, dict[str, Any]] = MappingProxyType(
    {
        str: {"type": "string"},
        int: {"type": "integer"},
        float: {"type": "number"},
        bool: {"type": "boolean"},
        dict: {"type": "object"},
        list: {"type": "array"},
        tuple: {"type": "array"},
        set: {"type": "array", "uniqueItems": True},
        frozenset: {"type": "array", "uniqueItems": True},
        uuid.UUID: {"type": "string", "format": "uuid"},
        type(None): {"type": "null"},
    }
)


def json_schema(schema: Schema) -> dict[str, Any]:
    """
    Describe the payloads that a schema takes.

    Args:
        schema: Schemas nested in it are written out where they are used.

    Returns:
        A new dict. A label is a ``title``. A default or choices without a form in JSON are left out, and so is a
        default that a function makes.
    """
    return {"$schema": DIALECT, "title": schema.name, **_object(schema)}


def _object(schema: Schema) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": "object",
        "properties": {name: _field(field) for name, field in schema._fields.items()},
    }
    required = [name for name, field in schema._fields.items() if field.required]
    if required:
        described["required"] = required
    if schema._strict:
        described["additionalProperties"] = False
    return described


def _field(field: Field) -> dict[str, Any]:
    described = _type(field.type)
    if field.label is not None:
        described["title"] = field.label
    if field.choices:
        choices = [*field.choices, None] if is_nullable(field.type) else list(field.choices)
        described |= _keyword("enum", choices)
    if field.default is not None:
        described |= _keyword("default", field.default)
    return described


def _type(kind: Any) -> dict[str, Any]:
    if isinstance(kind, Schema):
        return _object(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _keyword("enum", list(kind))
    origin, parts = get_origin(kind), get_args(kind)
    if origin is None:
        return dict(_PLAIN.get(kind, {}))
    if origin in (Union, UnionType):
        return {"anyOf": [_type(part) for part in parts]}
    described = dict(_PLAIN[origin])
    if not parts:
        return described
    described["additionalProperties" if origin is dict else "items"] = _type(parts[1 if origin is dict else 0])
    return described


def _keyword(name: str, value: Any) -> dict[str, Any]:
    """The keyword with its value as JSON has it: a copy; nothing if it has no form there."""
    try:
        return {name: json.loads(json.dumps(value, default=_form, allow_nan=False))}
    except (TypeError, ValueError):
        return {}


def _form(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    raise TypeError
