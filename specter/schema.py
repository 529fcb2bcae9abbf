"""Schemas whose `Schema.require` answers a web request: the rules are in `sansio.schema`."""

from __future__ import annotations

from typing import Any

from .sansio import schema
from .sansio.errors import SchemaError
from .sansio.field import Field as Field


class Schema(schema.Schema):
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

    def require(self, data: Any) -> dict[str, Any]:
        """
        Give the checked payload, or end the request.

        Args:
            data: The payload, as for `validate`; ``None`` stands for one without fields.

        Raises:
            HTTPError: Status 400, with ``{"errors": field to message}``.
            SchemaError: The same, where Quart is not installed.
        """
        outcome = self.validate({} if data is None else data)
        if outcome.ok:
            return outcome.value  # type: ignore[no-any-return]
        errors = outcome.meta.get("errors", {})
        message = str(outcome.error)
        try:
            from .http import HTTPError  # not at the top: a schema is of use without a web framework
        except ModuleNotFoundError as error:
            raise SchemaError(message, errors=errors) from error
        raise HTTPError(message, outcome.status, payload={"errors": errors})
