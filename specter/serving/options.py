"""What the command line of `specter run` says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specter._backend import Backend


@dataclass(frozen=True)
class Options:
    """
    The options of `specter run`.

    Attributes:
        target: ``module:app``, or ``module:factory()``.
        host: A name or an address.
        port: 0 takes a free one.
        server: One of `specter.serving.servers.SERVERS`; `None` for Hypercorn, and on gevent.
        backend: The runtime that serves.
        graceful_timeout: Seconds that requests and handlers may go on; `None` leaves the manager's own.
        shutdown_timeout: Seconds from the first signal to the end; `None` leaves the manager's own.
    """

    target: str
    host: str = "127.0.0.1"
    port: int = 8000
    server: str | None = None
    backend: Backend = "asyncio"
    graceful_timeout: float | None = None
    shutdown_timeout: float | None = None

    def arguments(self) -> list[str]:
        """The same for the command line of another process."""
        given = {
            "--host": self.host,
            "--port": self.port,
            "--server": self.server,
            "--backend": self.backend,
            "--graceful-timeout": self.graceful_timeout,
            "--shutdown-timeout": self.shutdown_timeout,
        }
        return [self.target, *(f"{name}={value}" for name, value in given.items() if value is not None)]


# As those of the manager: they count for an application without one.
GRACEFUL_TIMEOUT = 2.0
SHUTDOWN_TIMEOUT = 10.0
