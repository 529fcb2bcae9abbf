"""Requests and answers in JSON, on Flask."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, NoReturn, TypeVar, overload

from flask import Response, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from specter.sansio.callables import require_plain
from specter.sansio.http import (
    BODY_REQUIRED,
    BODY_TOO_DEEP,
    INTERNAL_ERROR,
    answer_of,
    body_problem,
    body_too_large,
    error_body,
    fails,
    missing_fields,
    missing_message,
)

# Before Werkzeug 2.3 a request keeps to its limit in forms alone.
_KEEPS_TO_LIMIT = "max_content_length" in inspect.signature(get_input_stream).parameters

View = TypeVar("View", bound=Callable[..., Any])


class HTTPError(Exception):
    """
    An error that answers the request: raise it in a view with `json_endpoint`, or anywhere below.

    To Flask it is an exception like any other: without `json_endpoint` an error handler of the application for this
    class answers, or else it is status 500.

    Args:
        message: For the sender of the request.
        status_code: The HTTP status.
        status: Another name for *status_code*, and stronger.
        payload: Further entries of the body. Copied. An ``error`` in it takes the place of the message.
        log_message: Logged when `json_endpoint` makes the answer; ``None`` or empty for no log.
        log_level: Of that log.
    """

    def __init__(
        self,
        message: str,
        status_code: int = 400,
        *,
        status: int | None = None,
        payload: Mapping[str, Any] | None = None,
        log_message: str | None = None,
        log_level: int = logging.WARNING,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code if status is None else status
        self.payload = dict(payload or {})
        self.log_message = log_message
        self.log_level = log_level

    def to_response(self) -> tuple[Response, int]:
        """Give the answer as a view returns it: the response and its status."""
        return jsonify(error_body(self.payload.get("error", self.message), self.payload)), self.status_code


@overload
def json_endpoint(error_message: View, *, logger: logging.Logger | None = None, include_trace: bool = True) -> View: ...


@overload
def json_endpoint(
    error_message: str | None = None, *, logger: logging.Logger | None = None, include_trace: bool = True
) -> Callable[[View], View]: ...


def json_endpoint(
    error_message: Any = None, *, logger: logging.Logger | None = None, include_trace: bool = True
) -> Any:
    """
    Make a view answer in JSON, also when it fails. With and without parentheses.

    Dicts, lists and outcomes become JSON, alone or in front of a status; anything else is passed on. An `HTTPError` is
    answered as it says, the framework's own errors (``abort(404)``) with their status and description. Any other
    error is logged and answered by status 500 and *error_message*, so that nothing leaks.

    Args:
        error_message: What the sender reads when the view fails: ``Internal server error`` by default.
        logger: For errors; by default the logger of the view's module.
        include_trace: Log errors with their traceback.

    Raises:
        TypeError: The view is a coroutine function.
    """
    if callable(error_message):
        return json_endpoint(logger=logger, include_trace=include_trace)(error_message)
    message = error_message or INTERNAL_ERROR

    def decorate(view: View) -> View:
        require_plain(view, "a view")
        logs = logger or logging.getLogger(getattr(view, "__module__", None) or __name__)

        @wraps(view)
        def answering(*args: Any, **kwargs: Any) -> Any:
            try:
                return respond(view(*args, **kwargs))
            except Exception as error:
                return _answer_error(error, message, logs, include_trace)

        return answering  # type: ignore[return-value]

    return decorate


def respond(value: Any) -> Any:
    """Write outcomes, dicts and lists that a view returned as JSON; pass anything else on."""
    answer = answer_of(value)
    if not answer.is_json:
        return value
    response = jsonify(answer.body)
    return (response, *answer.rest) if answer.rest else response


# Applications of 0.1.x take it from here.
_normalize_response = respond


def _answer_error(error: Exception, message: str, logger: logging.Logger, include_trace: bool) -> Any:
    if isinstance(error, HTTPError):
        if error.log_message:
            logger.log(error.log_level, "%s", error.log_message)
        return error.to_response()
    if isinstance(error, HTTPException):
        if not fails(error.code, error.response):
            raise error
        return jsonify(error_body(error.description or error.name, {})), error.code
    logger.error("%s: %s", message, error, exc_info=error if include_trace else None)
    return jsonify(error_body(message, {})), 500


def expect_json(
    *, required: Iterable[str] | None = None, error: str = BODY_REQUIRED, allow_empty: bool = False
) -> dict[str, Any]:
    """
    Give the request's body, which must be a JSON object.

    Args:
        required: Names of fields that must be there; see `require_fields`.
        error: What the sender reads if there is no body, or one that is no JSON, or not declared as JSON.
        allow_empty: Take ``{}`` too.

    Returns:
        The object.

    Raises:
        HTTPError: Status 413 for a body over the application's ``MAX_CONTENT_LENGTH``, otherwise 400.
    """
    body = _json_body()
    problem = body_problem(body, error, allow_empty=allow_empty)
    if problem is not None:
        raise HTTPError(problem)
    found: dict[str, Any] = require_fields(body, required or ())
    return found


def _json_body() -> Any:
    """Read and parse the body; None if there is none, or if it is not declared as JSON, or is none."""
    if not _KEEPS_TO_LIMIT:
        limit = request.max_content_length
        if isinstance(limit, int) and request.is_json and (request.content_length or 0) > limit:
            raise HTTPError(body_too_large(limit), 413)
    try:
        return request.get_json(silent=True)
    except RecursionError as error:
        raise HTTPError(BODY_TOO_DEEP) from error
    except HTTPException as error:
        _refuse_body(error)


def _refuse_body(error: HTTPException) -> NoReturn:
    """Say as JSON why the body could not be read."""
    if isinstance(error, RequestEntityTooLarge):
        raise HTTPError(body_too_large(request.max_content_length), 413) from error
    raise HTTPError(error.description or error.name, error.code or 400) from error


def require_fields(
    payload: Any, required: Iterable[str], *, error: str | None = None, blank_is_missing: bool = True
) -> Any:
    """
    Give the payload if it has the fields, or end the request.

    Args:
        payload: Anything with fields by name.
        required: Names of the fields. ``None`` in a field counts as missing.
        error: What the sender reads; by default a sentence that lists what is missing.
        blank_is_missing: Text of white space alone counts as missing too.

    Returns:
        The payload itself.

    Raises:
        HTTPError: Status 400, with the names under ``missing``.
    """
    missing = missing_fields(payload, required, blank_is_missing=blank_is_missing)
    if missing:
        raise HTTPError(error or missing_message(missing), payload={"missing": missing})
    return payload
