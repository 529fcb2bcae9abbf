"""Schemas whose `Schema.require` answers a web request: the rules are in `sansio.schema`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from specter.sansio import schema
from specter.sansio.conversion import BENDING, bent_to_bool
from specter.sansio.errors import SchemaError as SchemaError
from specter.sansio.field import Field as Field
from specter.sansio.outcome import Outcome as Outcome

from ._old_functions import coerce

logger = logging.getLogger("specter.core.schema")

# Applications of 0.1.x take them from here.
_coerce = coerce
_coerce_bool = bent_to_bool


class Schema(schema.Schema):
    """
    Fields by name, and the check of payloads against them.

    Args:
        name: Stands in front of errors.
        fields: Name to `Field`, in the order in which they are checked and given back. Copied.
        strict: Fields that the schema does not know are errors; otherwise they are left out.

    Raises:
        TypeError: *fields* is no dict of names to `Field`, or the type of one is a coroutine function.
        ValueError: Schemas are nested more than 64 deep.
    """

    _conversions = BENDING
    _names = object

    def require(self, data: Any) -> dict[str, Any]:
        """
        Give the checked payload, or end the request.

        Args:
            data: The payload, as for `validate`; ``None`` and all that is empty stand for one without fields.

        Raises:
            HTTPError: Status 400, with ``{"errors": field to message}``.
            SchemaError: The same, where Flask is not installed.
        """
        outcome = self.validate(data or {})
        if outcome.ok:
            return outcome.value  # type: ignore[no-any-return]
        errors = outcome.meta.get("errors", {})
        message = str(outcome.error)
        try:
            from .http import HTTPError  # not at the top: a schema is of use without a web framework
        except ModuleNotFoundError as error:
            raise SchemaError(message, errors=errors) from error
        raise HTTPError(message, status=outcome.status, payload={"errors": errors})

    def extend(self, name: str, extra_fields: Mapping[str, Field], *, strict: bool | None = None) -> Schema:
        """
        Make a schema with further fields; this one stays as it is.

        It is a plain `Schema`, whatever the class of this one: a subclass may be made with other arguments.

        Args:
            name: Of the new schema.
            extra_fields: Added behind the others; one of the same name takes the other's place.
            strict: ``None`` for the same as here.
        """
        for key, field in extra_fields.items():
            if not isinstance(field, Field):
                raise TypeError(f"[SPECTER:schema] extend '{name}': field '{key}' must be a Field instance")
        strict = self._strict if strict is None else strict
        return Schema(name, {**self._fields, **extra_fields}, strict=strict)
