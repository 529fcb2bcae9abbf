"""Starting the parts of an application in order, and taking its handlers down again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from ._calls import call
from ._loop import native_task
from ._phases import failed_starts
from ._together import run_together
from ._where import where, where_raised
from .controller import Controller
from .sansio.boot_order import start_order
from .sansio.errors import ServiceError
from .service import Service
from .service_registry import registry

if TYPE_CHECKING:
    from .manager import ServiceManager

log = logging.getLogger("specter.manager")


class Booting:
    """
    What a manager does with its parts.

    Args:
        manager: Adopts the services and provides them in the registry.
    """

    def __init__(self, manager: ServiceManager) -> None:
        self._manager = manager
        # Oldest first: also the handlers of controllers, and adopted ones.
        self.are_set_up: list[Any] = []

    async def run(
        self, services: Sequence[Service], controllers: Sequence[Controller], handlers: Sequence[Any]
    ) -> None:
        """Start everything; a part that fails is the end of it, unless the manager is lenient."""
        for parts in (services, controllers):
            self._check(parts, already=services if parts is controllers else ())
        await self._start_all(services)
        await self._start_all(controllers)
        if self._manager.socketio is None:
            return
        for handler in handlers:
            await self._tolerate(self.set_up, handler)

    async def start(self, service: Service) -> None:
        """
        Provide a service under its name, and start it as a child of the manager.

        Raises:
            ServiceError: It did not start; it is in the registry no more.
        """
        registry.provide(service.name, service, owner=self._manager, replace=True)
        try:
            await Service.adopt(self._manager, service)
            if isinstance(service, Controller) and self._manager.socketio is not None:
                await self.set_up(await service.build_handler())
        except BaseException as error:
            try:
                await service.stop()
            finally:
                registry.unregister(service.name)
            if isinstance(error, Exception) or _is_its_own(error):
                raise ServiceError(service.name, f"did not start: {str(error) or type(error).__name__}") from error
            if isinstance(error, anyio.get_cancelled_exc_class()):
                log.warning("service %r was still starting, at %s: cancelled", service.name, where_raised(error))
            raise

    async def set_up(self, handler: Any) -> None:
        """
        Set a handler up on the manager's Socket.IO server.

        Raises:
            ServiceError: It could not be set up.
        """
        try:
            await call(handler.setup, self._manager.socketio)
        except Exception as error:
            raise ServiceError(name_of_part(handler), f"(handler) was not set up: {error}") from error
        self.are_set_up.append(handler)
        log.info("handler %r set up", name_of_part(handler))

    async def tear_down_handlers(self) -> None:
        """Take down what is set up, last first. An error is logged, and the next one goes down."""
        while self.are_set_up:
            handler = self.are_set_up.pop()
            try:
                await call(handler.teardown)
                log.info("handler %r torn down", name_of_part(handler))
            except Exception:
                log.exception("teardown of handler %r failed", name_of_part(handler))

    def _check(self, parts: Sequence[Service], already: Sequence[Service]) -> None:
        known: dict[str, Sequence[str]] = {part.name: () for part in already}
        for part in parts:
            if part.name in known:
                raise ServiceError(part.name, "is there twice: each name can be there once")
            known[part.name] = part.depends_on
        start_order(known)

    async def _start_all(self, services: Sequence[Service]) -> None:
        """Start services at the same time, each when those it depends on have started."""
        if not services:
            return
        awaited = {name for service in services for name in service.depends_on}
        started = {service.name: anyio.Event() for service in services if service.name in awaited}
        # Of several that fail the first is raised; each has logged its own error.
        await run_together(
            [partial(self._start_in_turn, service, started) for service in services],
            patience=self._manager.shutdown_timeout / 2,
            leave=self._leave,
        )

    def _leave(self, piece: Any, task: Any) -> None:
        text = f"start of service {piece.args[0].name!r} did not end, waits at {where(task)}"
        log.error("%s", text)
        self._manager.abandoned.append(text)

    async def _start_in_turn(self, service: Service, started: dict[str, anyio.Event]) -> None:
        for name in service.depends_on:
            if name in started:
                await started[name].wait()
        await self._tolerate(self.start, service)
        if service.name in started:
            started[service.name].set()

    async def _tolerate(self, act: Any, part: Any) -> None:
        try:
            await act(part)
        except ServiceError as error:
            if self._manager.strict:
                raise
            cause = error.__cause__
            logged = isinstance(cause, Exception) and failed_starts(cause) > 0
            log.error("%s; the boot goes on without it", error, exc_info=None if logged else cause)


def _is_its_own(error: BaseException) -> bool:
    """Whether a start was cancelled that nobody has cancelled: it awaits what was. On trio there is no such thing."""
    cancelling = getattr(native_task(), "cancelling", None)
    return isinstance(error, anyio.get_cancelled_exc_class()) and cancelling is not None and not cancelling()


def is_handler(part: object) -> bool:
    """Whether *part* can be set up and torn down."""
    if isinstance(part, type):
        return False  # the class, where one of its instances was meant
    return callable(getattr(part, "setup", None)) and callable(getattr(part, "teardown", None))


def name_of_part(part: Any) -> str:
    """The name by which a service or handler is known."""
    return getattr(part, "name", None) or type(part).__name__


def health_of(service: Service) -> dict[str, Any]:
    """A service's health; an error in it is its health."""
    try:
        return service.health()
    except Exception as error:
        log.exception("health of %r failed", service.name)
        return {"status": "error", "error": str(error)}
