"""Schemas whose `Schema.require` answers a web request: the rules are in `sansio.schema`."""

from __future__ import annotations

from typing import Any

from specter.sansio import schema
from specter.sansio.conversion import BENDING
from specter.sansio.field import Field as Field

from .http import HTTPError


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

    _conversions = BENDING

    def require(self, data: Any) -> dict[str, Any]:
        """
        Give the checked payload, or end the request.

        Args:
            data: The payload, as for `validate`; ``None`` stands for one without fields.

        Raises:
            HTTPError: Status 400, with ``{"errors": field to message}``.
        """
        outcome = self.validate({} if data is None else data)
        if outcome.ok:
            return outcome.value  # type: ignore[no-any-return]
        raise HTTPError(str(outcome.error), outcome.status, payload={"errors": outcome.meta.get("errors", {})})
