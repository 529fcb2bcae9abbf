"""A manager of services that tell what happens to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from specter import Service, ServiceManager


class Part(Service):
    """A service that notes what happens to it, and can be made to fail or wait."""

    def __init__(self, name: str, *depends_on: str, log: list[str], start: Callable[[], Any] | None = None) -> None:
        super().__init__(name)
        self.depends_on = depends_on
        self.log = log
        self._start = start

    async def on_start(self) -> None:
        self.log.append(f"start {self.name}")
        if self._start is not None:
            await self._start()

    async def on_stop(self) -> None:
        self.log.append(f"stop {self.name}")


def managed(*services: Service, **options: Any) -> ServiceManager:
    """A manager of these services, which is not booted."""
    manager = ServiceManager(**options)
    for service in services:
        manager.register_service(service)
    return manager


async def fail() -> None:
    """A hook that fails."""
    raise ValueError("no disk")
