"""Work that always ends in an `Outcome`, whatever happens in it."""

from __future__ import annotations

import logging
from typing import Any

from ._calls import call
from .sansio.errors import OperationError
from .sansio.outcome import Outcome, failed


class Operation:
    """
    A piece of work: override `perform`, and `validate` for what must hold before.

    Both get the arguments of `run`, and both may be plain or coroutine functions.

    Args:
        logger_instance: For errors nobody planned for; by default the logger of the module of the subclass.
    """

    name = "operation"

    def __init__(self, *, logger_instance: logging.Logger | None = None) -> None:
        self.logger = logger_instance or logging.getLogger(type(self).__module__)

    def validate(self, *args: Any, **kwargs: Any) -> Any:
        """
        Refuse what cannot be performed, by raising `OperationError` or returning an `Outcome` that failed.

        Anything else that it returns is ignored.
        """

    def perform(self, *args: Any, **kwargs: Any) -> Any:
        """
        Do the work.

        Returns:
            The value of a success, or an `Outcome` of any kind.

        Raises:
            OperationError: A failure for the caller to see.
        """
        raise NotImplementedError(f"{type(self).__name__}.perform() must be implemented")

    async def run(self, *args: Any, **kwargs: Any) -> Outcome:
        """
        Validate, perform. Waits for both.

        Returns:
            What `perform` returned. An `OperationError` gives a failure with its status; any other error is logged and
            gives one of status 500, whose text tells nothing of it. A cancellation is no outcome: it goes on.
        """
        try:
            refusal = await call(self.validate, *args, **kwargs)
            if isinstance(refusal, Outcome) and not refusal.ok:
                return refusal
            result = await call(self.perform, *args, **kwargs)
        except Exception as error:
            if not isinstance(error, OperationError):
                self.logger.exception("operation %r (%s) failed", self.name, type(self).__name__)
            # Its text may name tables and files, and whoever asked for the operation reads the outcome.
            return failed(error, f"operation {self.name!r} failed")
        return result if isinstance(result, Outcome) else Outcome.success(result)

    def success(self, value: Any = None, *, status: int = 200, **meta: Any) -> Outcome:
        """Make the outcome of a success: `Outcome.success`."""
        return Outcome.success(value, status=status, **meta)

    def failure(self, error: object, *, status: int = 400, **meta: Any) -> Outcome:
        """Make the outcome of a failure: `Outcome.failure`."""
        return Outcome.failure(error, status=status, **meta)
