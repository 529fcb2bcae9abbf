"""
Every exception of ours that is no HTTP answer.

    Exception
    ├── ServiceError      a service, or what was to run it, is set up wrongly or did not start
    ├── SchemaError       a value does not fit its field: raised by a field's validator
    ├── OperationError    an operation ends in a failure that its caller should see
    ├── WatcherError      a watcher's source is at its end for good: no retry
    ├── WrongRuntime      what was handed over or imported needs the other runtime
    │   ├── WrongCompanion    an application or a server; also a TypeError
    │   └── WrongPath         an import path; also an ImportError
    ├── PacketError       what is sent to or from a Socket.IO client is no packet of the protocol
    ├── Refused           a server does not let a Socket.IO client of the test harness in
    ├── Disconnected      the connection of a Socket.IO client of the test harness has ended
    └── LeakError         a test has left something behind

``HTTPError`` belongs to a web framework and is in ``specter.http``. What an application can catch by name has a class
here; a wrong argument stays a ``TypeError`` or ``ValueError``, a call at the wrong time a ``RuntimeError``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .leaks import OF_A_BLOCK, Leak, report


class ServiceError(Exception):
    """
    A service could not be started, or cannot be: its name says which one.

    Args:
        service: Name of the service.
        problem: What is wrong with it, as the end of the sentence "service 'name' ...": ``did not start: ...``,
            ``depends on 'x', which is not registered``.
    """

    def __init__(self, service: str, problem: str) -> None:
        super().__init__(service, problem)
        self.service = service
        self.problem = problem

    def __str__(self) -> str:
        return f"service {self.service!r} {self.problem}"


class SchemaError(Exception):
    """
    A value does not fit: a field's validator raises it with what the sender should read.

    Args:
        message: For the sender of the value.
        field: Name of the field, dotted where schemas nest; ``None`` if it is no single one.
        errors: Field to message, where there are several. Copied.
    """

    def __init__(self, message: str, *, field: str | None = None, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.errors = dict(errors or {})


class OperationError(Exception):
    """
    An operation ends here, in an outcome that failed.

    Args:
        message: The outcome's error: whoever asked for the operation reads it.
        status: HTTP status of the outcome.
        meta: Further entries of the outcome's ``meta``. Copied.
    """

    def __init__(self, message: str, *, status: int = 400, meta: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = str(message)  # another error may stand for it
        self.status = status
        self.meta = dict(meta or {})


class WatcherError(Exception):
    """
    Raised by a watcher's poll or stream: the source is gone for good, so the watcher ends and does not try again.

    Args:
        args: As of every exception; the first one is its text.
    """

    # For whoever inspects its signature: that of a built-in exception cannot be.
    def __init__(self, *args: object) -> None:
        super().__init__(*args)


class WrongRuntime(Exception):
    """
    Something needs the runtime that is not in use.

    Args:
        problem: What is wrong, without what to do: ``a Flask application cannot be served by the asyncio runtime``.
        needs: The runtime that it needs, ``"asyncio"`` or ``"gevent"``.
    """

    def __init__(self, problem: str, needs: str) -> None:
        super().__init__(problem, needs)
        self.problem = problem
        self.needs = needs

    def __str__(self) -> str:
        return (
            f"{self.problem}: call specter.use_backend({self.needs!r}) before the first import from specter, "
            f"or set SPECTER_BACKEND={self.needs}"
        )


class WrongCompanion(WrongRuntime, TypeError):
    """An application or a server was handed over that needs the other runtime."""


class WrongPath(WrongRuntime, ImportError):
    """An import path was used that the other runtime has."""


class PacketError(ValueError):
    """What was to be sent, or what came, is no packet of Socket.IO's protocol."""


class Refused(Exception):
    """
    A server does not let a Socket.IO client in.

    Args:
        namespace: The one it refused; `None` if it refused the connection before it came to namespaces.
        message: What the server said.
        data: What it sent along; `None` if it sent nothing.
    """

    def __init__(self, namespace: str | None, message: str, data: Any = None) -> None:
        super().__init__(namespace, message, data)
        self.namespace = namespace
        self.message = message
        self.data = data

    def __str__(self) -> str:
        where = "the connection" if self.namespace is None else f"the connection to {self.namespace!r}"
        sent = "" if self.data is None else f" ({self.data!r})"
        return f"the server refused {where}: {self.message}{sent}"


class Disconnected(Exception):
    """
    A Socket.IO client is not connected: not any more, or not yet.

    Args:
        namespace: The one that it has left, or was to use.
        reason: Who has ended it, and how; or that it has not begun.
    """

    def __init__(self, namespace: str, reason: str) -> None:
        super().__init__(namespace, reason)
        self.namespace = namespace
        self.reason = reason

    def __str__(self) -> str:
        return f"not connected to {self.namespace!r}: {self.reason}"


class LeakError(AssertionError):
    """
    Something was left behind.

    Args:
        leaks: What it is; not empty.
    """

    def __init__(self, leaks: Sequence[Leak]) -> None:
        super().__init__(leaks)
        self.leaks = list(leaks)

    def __str__(self) -> str:
        return report(self.leaks, OF_A_BLOCK)
