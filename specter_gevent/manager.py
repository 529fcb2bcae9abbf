"""
The manager: boots an application's services, handlers and controllers in order, and shuts them down.

    boot:      the manager ─▶ services and controllers, as registered or after those they depend on ─▶ handlers
    shutdown:  handlers ─▶ services and controllers ─▶ ingress and registry ─▶ the manager
"""

from __future__ import annotations

import atexit
import logging
from collections.abc import Callable, Iterable
from functools import partial
from types import MethodType, TracebackType
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from specter.sansio.boot_order import start_order
from specter.sansio.errors import ServiceError

from . import _patching
from ._companions import check_app, check_socketio
from ._reloader import is_watching, when_watching
from ._turn import Turn
from .handler import check_handler, check_hooks
from .service import Service
from .service_registry import registry
from .socket_ingress import SocketIngress

if TYPE_CHECKING:
    from flask import Flask
    from flask_socketio import SocketIO

    from .controller import Controller

logger = logging.getLogger("specter.core.manager")

# From the beginning of a boot to the end of the shutdown; oldest first.
_managers: dict[ServiceManager, None] = {}

# All that there are, whether or not they were booted: tests put back what is registered with them.
made: WeakSet[ServiceManager] = WeakSet()


class ServiceManager(Service):
    """
    The root of an application.

    Args:
        app: The Flask application; `None` for services alone.
        socketio: A ``flask_socketio.SocketIO``, or `None`: then no handler is set up.
    """

    def __init__(self, app: Flask | None = None, socketio: SocketIO | None = None) -> None:
        super().__init__("service_manager")
        check_app(app)
        check_socketio(socketio)
        self._app: Any = app
        self._socketio: Any = socketio
        self._socket_ingress = SocketIngress(socketio)
        self._services: list[Service] = []
        self._handlers: list[Any] = []
        self._booted = False
        self._atexit_registered = False
        self._specter_at_exit = partial(_quietly, self)
        self._specter_booting = Turn()
        self._specter_shutting_down = Turn()
        made.add(self)

    # What it consists of.

    @property
    def app(self) -> Any:
        """The Flask application."""
        return self._app

    @property
    def socketio(self) -> Any:
        """The Socket.IO server."""
        return self._socketio

    @property
    def socket_ingress(self) -> SocketIngress:
        """The dispatcher through which all socket events go."""
        return self._socket_ingress

    @property
    def booted(self) -> bool:
        """Whether the application is booted."""
        return self._booted

    # What it boots.

    def register_service(self, service: Service) -> Self:
        """
        Have a service started at boot and stopped at shutdown.

        Booted already, it is started now.

        Raises:
            TypeError: *service* is no `Service`, or a hook of it is a coroutine function.
        """
        if not isinstance(service, Service):
            raise TypeError(
                f"[SPECTER:manager] register_service() requires a Service instance, got {type(service).__name__}"
            )
        _check_hooks_of(service)
        self._services.append(service)
        if self._booted:
            self._start_registered_service(service)
        return self

    def register_handler(self, handler: Any) -> Self:
        """
        Have a handler set up after the services have started, and torn down before they stop.

        Booted already, it is set up now.

        Args:
            handler: A `Handler`, or anything with ``name``, ``setup(socketio)`` and ``teardown()``.

        Raises:
            TypeError: It has no such methods, or a hook or callback of it is a coroutine function.
        """
        if not all(callable(getattr(handler, name, None)) for name in ("setup", "teardown")):
            raise TypeError(
                "[SPECTER:manager] register_handler() requires a handler-like object exposing setup()/teardown(), "
                f"got {type(handler).__name__}"
            )
        check_handler(handler)
        self._handlers.append(handler)
        if self._booted and self._socketio:
            self._setup_registered_handler(handler)
        return self

    def register_controller(self, controller: Controller, *, url_prefix: str | None = None) -> Self:
        """
        Register the routes of a controller now, and the rest of it as a service and a handler.

        Args:
            controller: Its class attribute ``url_prefix`` does not count.
            url_prefix: Before all of its routes.

        Raises:
            TypeError: *controller* is no `Controller`, or a hook, view or callback of it is a coroutine function.
        """
        from .controller import Controller

        if not isinstance(controller, Controller):
            raise TypeError(
                "[SPECTER:manager] register_controller() requires a Controller instance, "
                f"got {type(controller).__name__}"
            )
        check_hooks(controller, *controller._specter_hooks)
        if self._app:
            blueprint = controller.build_blueprint(url_prefix=url_prefix)
            self._app.register_blueprint(blueprint, url_prefix=str(url_prefix or ""))
        handler = controller.build_handler()
        self.register_service(controller)
        self.register_handler(handler)
        return self

    # Boot and shutdown.

    def boot(self) -> Self:
        """
        Start everything, in order.

        That is the order in which it was registered, but that a service comes after those it depends on. Does nothing
        if it is booted. Two calls at once: the second waits for the first. A part that fails is logged, and the boot
        goes on; a service that fails is in the registry no more. In the process in which Flask's reloader watches the
        files nothing is booted.

        Returns:
            The manager.
        """
        if self._booted:
            return self
        if is_watching():
            logger.debug(
                "[SPECTER] Flask's reloader boots the application in another process: nothing is booted in this one"
            )
            # What the application takes from the registry while it is imported is there, although it does not run.
            self._specter_provide(*self._services)
            return self
        self._specter_shutting_down.wait()
        self._specter_booting.run(self._specter_boot)
        return self

    def shutdown(self) -> Self:
        """
        Take all handlers down, stop all services, last first, and forget them all.

        Does nothing before the boot, or within it. Two calls at once: the second waits for the first. Errors are
        logged. A kill cuts the step that waits, and the rest goes on. Runs at the end of the program by itself.

        Returns:
            The manager.
        """
        if not self._specter_booting.is_around_caller():
            self._specter_shutting_down.run(self._specter_shut_down)
        return self

    def __enter__(self) -> Self:
        """Boot."""
        return self.boot()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Shut down."""
        self.shutdown()

    def health(self) -> dict[str, Any]:
        """``{"status": "ok" | "stopped", "services": {name: health}, "handlers": {name: {"registered": bool}}}``."""
        return {
            "status": "ok" if self._booted else "stopped",
            "services": {service.name: _health_of(service) for service in self._services},
            "handlers": {
                _name_of(handler): {"registered": getattr(handler, "registered", False)} for handler in self._handlers
            },
        }

    def _specter_boot(self) -> None:
        logger.info("[SPECTER] ========== BOOT SEQUENCE START ==========")
        _patching.check()
        _managers[self] = None
        self._specter_shut_down_at_exit()
        if self._app is not None:
            when_watching(_shut_down_all)
        self.start()
        self._specter_provide()
        # After a shutdown it has left the server.
        self._socket_ingress.attach(self._socketio)
        self._specter_order_services()
        # Those that are registered meanwhile come at the end.
        for service in self._services:
            self._start_registered_service(service)
        if self._socketio:
            for handler in self._handlers:
                self._setup_registered_handler(handler)
        # It may have been shut down while it booted.
        self._booted = self in _managers
        logger.info(
            "[SPECTER] ========== BOOT COMPLETE (%d services, %d handlers) ==========",
            len(self._services), len(self._handlers),
        )  # fmt: skip

    def _specter_provide(self, *services: Service) -> None:
        for name, value in (("service_manager", self), ("socket_ingress", self._socket_ingress)):
            registry.provide(name, value, owner=self, replace=True)
        for service in services:
            registry.provide(service.name, service, owner=self, replace=True)

    def _specter_order_services(self) -> None:
        """Put each service after those it depends on."""
        if not any(service.depends_on for service in self._services):
            return
        try:
            order = start_order({service.name: service.depends_on for service in self._services})
        except ServiceError as error:
            logger.error("[SPECTER] %s; the services start in the order in which they were registered", error)
        else:
            self._services.sort(key=lambda service: order.index(service.name))

    def _start_registered_service(self, service: Service) -> None:
        name = service.name
        try:
            before = registry.resolve(name)
            registry.provide(name, service, owner=self, replace=True)
            try:
                service.start()
            except BaseException:
                registry.unregister(name)
                if before is not None:
                    registry.provide(name, before, owner=self)
                raise
            logger.info("[SPECTER] ✓ Service '%s' started", name)
        except Exception as error:
            logger.error("[SPECTER] ✗ Service '%s' failed to start: %s", name, error, exc_info=True)

    def _setup_registered_handler(self, handler: Any) -> None:
        try:
            handler.setup(self._socketio)
            logger.info("[SPECTER] ✓ Handler '%s' set up", _name_of(handler))
        except Exception as error:
            logger.error("[SPECTER] ✗ Handler '%s' failed to set up: %s", _name_of(handler), error, exc_info=True)

    def _specter_shut_down(self) -> None:
        if not self._booted and self not in _managers:
            return
        self._booted = False
        logger.info("[SPECTER] ========== SHUTDOWN SEQUENCE START ==========")
        steps = _Steps()
        for handler in reversed(self._handlers):
            steps.do(handler.teardown, "Handler", _name_of(handler), "teardown", done="torn down")
        for service in reversed(self._services):
            steps.do(service.stop, "Service", service.name, "stop", done="stopped")
        self._services.clear()
        self._handlers.clear()
        self._socket_ingress.clear()
        registry.clear()
        steps.do(self.stop, "Service", self.name, "stop")
        _managers.pop(self, None)
        atexit.unregister(self._specter_at_exit)
        self._atexit_registered = False
        logger.info("[SPECTER] ========== SHUTDOWN COMPLETE ==========")
        steps.end()

    def _specter_shut_down_at_exit(self) -> None:
        if not self._atexit_registered:
            atexit.register(self._specter_at_exit)
            self._atexit_registered = True


class _Steps:
    """Carries out steps, each whatever became of the one before."""

    def __init__(self) -> None:
        # What has cut a step and is no `Exception`: a kill, a timeout around it.
        self._error: BaseException | None = None

    def do(self, fn: Callable[[], object], kind: str, name: str, step: str, *, done: str | None = None) -> None:
        """
        Carry a step out.

        Args:
            fn: A plain function.
            kind: Of what it is a step, for the log.
            name: Of the same.
            step: What is done, for the log of an error.
            done: What it is then, for the log of a success; `None` for none.
        """
        try:
            fn()
        except Exception as error:
            logger.error("[SPECTER] ✗ %s '%s' %s failed: %s", kind, name, step, error, exc_info=True)
        except BaseException as error:
            logger.error("[SPECTER] ✗ %s '%s' %s was cut by %r", kind, name, step, error)
            self._error = self._error or error
        else:
            if done is not None:
                logger.info("[SPECTER] ✓ %s '%s' %s", kind, name, done)

    def end(self) -> None:
        """Raise what has come in between."""
        if self._error is not None:
            raise self._error


def booted_managers() -> list[ServiceManager]:
    """The managers of this process that have begun to boot and are not shut down, oldest first."""
    return list(_managers)


def boot(
    app: Flask | None,
    socketio: SocketIO | None,
    *,
    services: Iterable[Service] | None = None,
    handlers: Iterable[Any] | None = None,
    controllers: Iterable[Controller] | None = None,
) -> ServiceManager:
    """
    Make a manager for an application, and boot it.

    Args:
        app: The Flask application, or `None`.
        socketio: The ``flask_socketio.SocketIO``, or `None`.
        services: Started in this order.
        handlers: Set up after all services.
        controllers: Started after the services.

    Returns:
        The manager, booted.

    Raises:
        TypeError: One of these is not what it must be.
    """
    manager = ServiceManager(app, socketio)
    for service in services or ():
        manager.register_service(service)
    for handler in handlers or ():
        manager.register_handler(handler)
    for controller in controllers or ():
        manager.register_controller(controller)
    manager.boot()
    return manager


def _shut_down_all() -> None:
    for manager in reversed(booted_managers()):
        manager.shutdown()


def _check_hooks_of(service: Service) -> None:
    """Refuse a service with hooks that nothing would await."""
    if service._specter_refused:
        check_hooks(service, *service._specter_refused)
    for name in service._specter_hooks:
        # Methods were looked at when the class was made, and are most of them: saves two thirds of the time.
        if type(getattr(service, name)) is not MethodType:
            check_hooks(service, name)


def _name_of(handler: Any) -> str:
    return getattr(handler, "name", None) or type(handler).__name__


def _health_of(service: Service) -> dict[str, Any]:
    try:
        return service.health()
    except Exception as error:
        logger.error("health of %r failed", service.name, exc_info=True)
        return {"status": "error", "error": str(error)}


def _quietly(manager: ServiceManager) -> None:
    """At the end of the program the streams that logs go to may be closed already; that is no error."""
    before, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        manager.shutdown()
    finally:
        logging.raiseExceptions = before
