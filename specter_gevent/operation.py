"""Work that always ends in an `Outcome`, whatever happens in it."""

from __future__ import annotations

import logging
from typing import Any

from specter.sansio.callables import require_plain
from specter.sansio.errors import OperationError as OperationError
from specter.sansio.outcome import Outcome, failed

logger = logging.getLogger("specter.core.operation")


class Operation:
    """
    A piece of work: override `perform`, and `validate` for what must hold before.

    Both get the arguments of `run`, and both are plain functions: a subclass in which one is a coroutine function is a
    `TypeError` that names the backend switch.

    Args:
        logger_instance: For errors nobody planned for; by default the logger of the module of the subclass.
    """

    name = "operation"

    def __init__(self, *, logger_instance: logging.Logger | None = None) -> None:
        self.logger = logger_instance or logging.getLogger(type(self).__module__)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for hook in (cls.validate, cls.perform):
            require_plain(hook, f"{hook.__name__} of {cls.__name__}")

    def validate(self, *args: Any, **kwargs: Any) -> Any:
        """
        Refuse what cannot be performed, by raising `OperationError`.

        What it returns is ignored.
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

    def run(self, *args: Any, **kwargs: Any) -> Outcome:
        """
        Validate, perform. Waits for both.

        Returns:
            What `perform` returned. An `OperationError` gives a failure with its status; any other error is logged and
            gives one of status 500 with its text. A kill is no outcome: it goes on.
        """
        try:
            self.validate(*args, **kwargs)
            result = self.perform(*args, **kwargs)
        except Exception as error:
            if not isinstance(error, OperationError):
                # Not `exception`: a logger of the application's own may have no other method.
                self.logger.error("[SPECTER:operation] %s failed: %s", type(self).__name__, error, exc_info=True)
            return failed(error, str(error))
        return result if isinstance(result, Outcome) else Outcome.success(result)

    def success(self, value: Any = None, *, status: int = 200, **meta: Any) -> Outcome:
        """Make the outcome of a success: `Outcome.success`."""
        return Outcome.success(value, status=status, **meta)

    def failure(self, error: object, *, status: int = 400, **meta: Any) -> Outcome:
        """Make the outcome of a failure: `Outcome.failure`."""
        return Outcome.failure(error, status=status, **meta)
