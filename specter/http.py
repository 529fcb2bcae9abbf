"""Requests and answers in JSON, on Quart."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import cache, wraps
from typing import Any, NoReturn, TypeVar, overload

from quart import Response, current_app, has_app_context, jsonify, request
from quart.json import dumps
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, default_exceptions

from ._calls import is_coroutine_function
from .sansio.http import (
    BODY_NOT_AN_OBJECT,
    BODY_NOT_JSON,
    BODY_REQUIRED,
    BODY_TOO_DEEP,
    INTERNAL_ERROR,
    answer_of,
    body_problem,
    body_too_large,
    checked_names,
    checked_status,
    error_body,
    fails,
    missing_fields,
    missing_message,
)

log = logging.getLogger(__name__)
View = TypeVar("View", bound=Callable[..., Any])


class HTTPError(HTTPException):
    """
    An error that answers the request: raise it in a view, in ``before_request``, anywhere below.

    Quart treats it like every other HTTP exception: an error handler of the application for its status or its class
    comes first, and without one the answer is JSON, ``{**payload, "error": message}``. It is an instance of werkzeug's
    exception for its status as well: `werkzeug.exceptions.Conflict` for 409.

    Args:
        message: For the sender of the request.
        status_code: The HTTP status.
        status: Another name for *status_code*, and stronger.
        payload: Further entries of the body. Copied.
        log_message: Logged once, when the answer is made; ``None`` for no log.
        log_level: Of that log.

    Raises:
        ValueError: The status is no whole number from 100 to 599.
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
        self.message = message
        self.status_code = checked_status(status_code if status is None else status)
        self.__class__ = _of_status(type(self), self.status_code)  # type: ignore[arg-type]  # mypy: a class has no hash
        super().__init__(description=message)
        self.payload = dict(payload or {})
        self.log_message = log_message
        self.log_level = log_level
        self._logged = False

    def to_response(self) -> tuple[Response, int]:
        """Give the answer as a view returns it: the response and its status."""
        return self._response(), self.status_code

    def get_response(self, environ: Any = None, scope: Any = None) -> Response:  # type: ignore[override]
        """Give the answer, as a response of Quart: it calls this where no error handler of the application answers."""
        return self._response()

    def log_once(self, logger: logging.Logger) -> None:
        """Log the message for the log, unless that was done."""
        if self.log_message is not None and not self._logged:
            self._logged = True
            logger.log(self.log_level, "%s", self.log_message)

    def _response(self) -> Response:
        self.log_once(log)
        body = error_body(self.message, self.payload)
        if has_app_context():
            response: Response = current_app.json.response(body)  # type: ignore[assignment]
        else:
            response = Response(dumps(body), mimetype="application/json")
        response.status_code = self.status_code
        return response

    def __str__(self) -> str:
        return str(self.message)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r}, {self.status_code})"

    def __reduce__(self) -> tuple[Any, ...]:
        return HTTPError, (self.message, self.status_code), vars(self)


@cache
def _of_status(cls: type[HTTPError], status: int) -> type[HTTPError]:
    """
    A subclass for one status, known by the same name.

    Quart asks the class of an exception for its status, not the exception, and looks for handlers among its bases.
    """
    bases = (cls, default_exceptions[status]) if status in default_exceptions else (cls,)
    return type(cls.__name__, bases, {"code": status, "__module__": cls.__module__, "__qualname__": cls.__qualname__})


@overload
def json_endpoint(error_message: View) -> View: ...


@overload
def json_endpoint(
    error_message: str | None = None, *, logger: logging.Logger | None = None, include_trace: bool = True
) -> Callable[[View], View]: ...


def json_endpoint(
    error_message: Any = None, *, logger: logging.Logger | None = None, include_trace: bool = True
) -> Any:
    """
    Make a view answer in JSON, also when it fails. For plain and coroutine functions, with and without parentheses.

    Dicts, lists and outcomes become JSON, alone or in front of a status; anything else is passed on. An `HTTPError` is
    answered as it says, the framework's own errors (``abort(404)``) with their status and description. Any other
    error is logged and answered by status 500 and *error_message*, so that nothing leaks.

    Args:
        error_message: What the sender reads when the view fails: ``Internal server error`` by default.
        logger: For errors; by default the logger of the view's module.
        include_trace: Log errors with their traceback.
    """
    if callable(error_message):
        return json_endpoint()(error_message)
    message = INTERNAL_ERROR if error_message is None else error_message

    def decorate(view: View) -> View:
        logs = logger or logging.getLogger(getattr(view, "__module__", None) or __name__)

        def failed(error: Exception) -> Any:
            return _answer_error(error, message, logs, include_trace)

        return answering(view, respond, failed)

    return decorate


def _raise(error: Exception) -> NoReturn:
    raise error


def answering(view: View, answer: Callable[[Any], Any], failed: Callable[[Exception], Any] = _raise) -> View:
    """
    Wrap a view. A plain view stays plain.

    Args:
        view: A plain or a coroutine function.
        answer: Gives the answer for what the view returned.
        failed: Gives the answer for an error of the view, or raises it.
    """

    @wraps(view)
    def plain(*args: Any, **kwargs: Any) -> Any:
        try:
            return answer(view(*args, **kwargs))
        except Exception as error:
            return failed(error)

    @wraps(view)
    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        try:
            return answer(await view(*args, **kwargs))
        except Exception as error:
            return failed(error)

    return coroutine if is_coroutine_function(view) else plain  # type: ignore[return-value]


def respond(value: Any) -> Any:
    """Write outcomes, dicts and lists that a view returned as JSON; pass anything else on."""
    answer = answer_of(value)
    if not answer.is_json:
        return value
    response = jsonify(answer.body)
    return (response, *answer.rest) if answer.rest else response


def _answer_error(error: Exception, message: str, logger: logging.Logger, include_trace: bool) -> Any:
    if isinstance(error, HTTPError):
        error.log_once(logger)
        return error.to_response()
    if isinstance(error, HTTPException):
        if not fails(error.code, error.response):
            raise error
        return jsonify(error_body(error.description or error.name, {})), error.code
    logger.error("%s: %s", message, error, exc_info=error if include_trace else None)
    return jsonify(error_body(message, {})), 500


async def expect_json(
    *, required: Iterable[str] | None = None, error: str = BODY_REQUIRED, allow_empty: bool = False
) -> dict[str, Any]:
    """
    Give the request's body, which must be a JSON object. Waits for it.

    Args:
        required: Names of fields that must be there; see `require_fields`.
        error: What the sender reads if there is no body, or one that is not declared as JSON.
        allow_empty: Take ``{}`` too.

    Returns:
        The object, new for each request.

    Raises:
        HTTPError: Status 413 for a body over the application's ``MAX_CONTENT_LENGTH``, 408 for one that takes too
            long, otherwise 400.
        TypeError: *required* is a text instead of a list of names.
    """
    names = checked_names(required or ())
    body = await _json_body()
    problem = body_problem(body, error, allow_empty=allow_empty)
    if problem is not None:
        raise HTTPError(problem)
    return require_fields(body, names)


async def _json_body() -> Any:
    """Read and parse the body; None if there is none, or if it is not declared as JSON."""
    try:
        return await request.get_json()
    except RecursionError as error:
        raise HTTPError(BODY_TOO_DEEP) from error
    except (BadRequest, ValueError, HTTPError) as error:
        # Looked at only now: Quart starts a task each time that the body is read, a tenth of what a POST costs.
        sent: Any = await request.get_data()
        if not str(sent, errors="replace").strip():
            return None
        if isinstance(error, HTTPError):  # from a request class of the application's own
            raise
        raise HTTPError(BODY_NOT_JSON) from error
    except HTTPException as error:
        _refuse_body(error)


def _refuse_body(error: HTTPException) -> NoReturn:
    """Say as JSON why the body could not be read."""
    if isinstance(error, RequestEntityTooLarge):
        raise HTTPError(body_too_large(request.max_content_length), 413) from error
    raise HTTPError(error.description or error.name, error.code or 400) from error


def require_fields(
    payload: Any, required: Iterable[str], *, error: str | None = None, blank_is_missing: bool = True
) -> dict[str, Any]:
    """
    Give the payload if it has the fields, or end the request.

    Args:
        payload: A dict, or it is refused.
        required: Names of the fields. ``None`` in a field counts as missing.
        error: What the sender reads; by default a sentence that lists what is missing.
        blank_is_missing: Text of white space alone counts as missing too.

    Returns:
        The payload itself.

    Raises:
        HTTPError: Status 400, with the names under ``missing``; without them if the payload is no dict.
        TypeError: *required* is a text instead of a list of names.
    """
    names = checked_names(required)
    if not isinstance(payload, dict):
        raise HTTPError(BODY_NOT_AN_OBJECT)
    missing = missing_fields(payload, names, blank_is_missing=blank_is_missing)
    if missing:
        raise HTTPError(error or missing_message(missing), payload={"missing": missing})
    return payload
