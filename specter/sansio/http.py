"""What requests must bring and how they are answered, before any web framework comes in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from .outcome import Outcome

# Senders read these.
INTERNAL_ERROR = "Internal server error"
BODY_REQUIRED = "Request body is required"
BODY_NOT_JSON = "Request body is not valid JSON"
BODY_TOO_DEEP = "Request body is nested too deeply"
BODY_NOT_AN_OBJECT = "JSON body must be an object"


def error_body(message: Any, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an error: the entries of *payload*, and the message under ``error``."""
    return {**payload, "error": message}


def checked_status(status: Any) -> int:
    """
    Refuse what is no HTTP status.

    Raises:
        ValueError: *status* is no whole number from 100 to 599.
    """
    if not isinstance(status, int) or not 100 <= status <= 599:
        raise ValueError(f"status must be a whole number from 100 to 599, got {status!r}")
    return int(status)


def checked_names(required: Iterable[str]) -> Collection[str]:
    """
    Refuse a single text where names of fields are expected.

    Raises:
        TypeError: *required* is a text, or no collection at all.
    """
    if isinstance(required, str):
        raise TypeError(f"required must be a list of names, got {required!r}; write [{required!r}]")
    return list(required)


def body_problem(body: Any, error: str, *, allow_empty: bool) -> str | None:
    """
    Say what is wrong with a parsed body that must be a JSON object.

    Args:
        body: ``None`` if there is none.
        error: What the sender reads if there is none, or an empty one.
        allow_empty: Take ``{}`` too.
    """
    if body is None or (body == {} and not allow_empty):
        return error
    return None if isinstance(body, dict) else BODY_NOT_AN_OBJECT


def body_too_large(limit: int | None) -> str:
    """What the sender of a body over *limit* bytes reads."""
    return f"Request body must not be larger than {limit} bytes"


def missing_fields(payload: Mapping[str, Any], required: Iterable[str], *, blank_is_missing: bool) -> list[str]:
    """
    Find the fields that a payload lacks.

    Args:
        payload: The fields by name.
        required: The names to look for.
        blank_is_missing: Whether text of white space alone counts as missing.

    Returns:
        The names, in the order of *required*. A field that is ``None`` is missing.
    """
    return [name for name in required if name not in payload or _is_missing(payload[name], blank_is_missing)]


def _is_missing(value: Any, blank_is_missing: bool) -> bool:
    return value is None or (blank_is_missing and isinstance(value, str) and not value.strip())


def missing_message(missing: Iterable[str]) -> str:
    """What the sender reads about the fields that are missing."""
    return f"Missing required field(s): {', '.join(missing)}"


def fails(status: int | None, response: object) -> bool:
    """
    Tell whether an exception of the framework is an error, and not an answer: a redirect, or one that brings its own.

    Args:
        status: Its HTTP status.
        response: What it brings.
    """
    return response is None and status is not None and status >= 400


class Answer(NamedTuple):
    """
    What a view returned, taken apart.

    Attributes:
        body: The body alone.
        rest: What came behind it: status, headers, as the framework takes them.
        is_json: Whether the body is to be written as JSON.
    """

    body: Any
    rest: tuple[Any, ...]
    is_json: bool


def answer_of(value: Any) -> Answer:
    """
    Take apart what a view returned: an `Outcome` is its entries with its status, dicts and lists are JSON.

    Args:
        value: A body, or a tuple of a body and what belongs to it.
    """
    if isinstance(value, (dict, list)):
        return Answer(value, (), True)
    if isinstance(value, Outcome):
        return Answer(value.to_dict(), (value.status,), True)
    body, *rest = value if isinstance(value, tuple) and value else (value,)
    return Answer(body, tuple(rest), isinstance(body, (dict, list)))
