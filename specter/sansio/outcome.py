"""What an operation or a check came to: a value, or an error that its caller should see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from .errors import OperationError


@dataclass(frozen=True)
class Outcome:
    """
    How something ended. A view of a `Router` may return it as its answer.

    Args:
        ok: Whether it succeeded.
        value: What came of it.
        error: What went wrong, for whoever asked; ``None`` after a success.
        status: The HTTP status that fits.
        meta: Further entries, by name: `to_dict` puts them beside the others.
    """

    ok: bool
    value: Any = None
    error: str | None = None
    status: int = 200
    meta: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def success(cls, value: Any = None, *, status: int = 200, **meta: Any) -> Self:
        """
        Make the outcome of a success.

        Args:
            value: What came of it.
            status: The HTTP status that fits.
            meta: Further entries, by name.
        """
        return cls(True, value, None, status, meta)

    @classmethod
    def failure(cls, error: object, *, status: int = 400, value: Any = None, **meta: Any) -> Self:
        """
        Make the outcome of a failure.

        Args:
            error: What went wrong; its text is kept.
            status: The HTTP status that fits.
            value: What there is nevertheless.
            meta: Further entries, by name.
        """
        return cls(False, value, str(error), status, meta)

    def unwrap(self) -> Any:
        """
        Give the value of a success.

        Raises:
            RuntimeError: It is a failure; the text is its error.
        """
        if not self.ok:
            raise RuntimeError(self.error or "Outcome is not successful")
        return self.value

    def to_dict(self) -> dict[str, Any]:
        """Give the entries of `meta`, then ``ok``, ``status``, after a failure ``error``, and ``value``: all new."""
        entries = dict(self.meta)
        entries["ok"] = self.ok
        entries["status"] = self.status
        if not self.ok:
            entries["error"] = self.error
        entries["value"] = self.value
        return entries

    def to_tuple(self) -> tuple[bool, Any, str | None]:
        """Give ``(ok, value, error)``."""
        return self.ok, self.value, self.error


class _Open:
    """An `Outcome` that can still be assigned to."""

    ok: bool
    value: Any
    error: str | None
    status: int
    meta: dict[str, Any]


def made(ok: bool, value: Any, error: str | None, status: int, meta: dict[str, Any]) -> Outcome:
    """
    Make an `Outcome` in a third of the time that its ``__init__`` takes.

    A frozen dataclass refuses assignment to itself as well, so it sets each field by a detour. A `Schema` answers each
    payload with an outcome, and would spend more on that than on the payload.
    """
    outcome = _Open()
    outcome.ok = ok
    outcome.value = value
    outcome.error = error
    outcome.status = status
    outcome.meta = meta
    outcome.__class__ = Outcome  # type: ignore[assignment]
    return outcome  # type: ignore[return-value]


def failed(error: Exception, unplanned: str) -> Outcome:
    """
    Make the outcome of an exception: an `OperationError` says its status, any other is 500.

    An entry ``value`` of its meta is the value that there is nevertheless, as in `Outcome.failure`.

    Args:
        error: What a hook of an operation raised.
        unplanned: The outcome's error if it is not an `OperationError`.
    """
    if isinstance(error, OperationError):
        meta = dict(error.meta)
        return Outcome(False, meta.pop("value", None), error.message, error.status, meta)
    return Outcome(False, None, unplanned, 500)
