"""
The manager: boots an application's services, handlers and controllers in order, and shuts them down.

    boot:      the manager ─▶ services, each after those it depends on ─▶ controllers ─▶ handlers ─▶ ready
    shutdown:  not ready ─▶ calls and clients drained ─▶ handlers ─▶ controllers ─▶ services ─▶ the manager
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

import anyio

from ._booting import Booting, health_of, is_handler, name_of_part
from ._deadline import at_most
from ._lifespan import Lifespan, behind_gate, check_app, check_socketio, check_unmanaged
from ._loop import Loop, native_task
from ._running_handlers import RunningHandlers
from .controller import Controller
from .runtime import Runtime
from .sansio.duration import require_seconds
from .sansio.errors import ServiceError
from .sansio.lifecycle import RUNNING
from .service import Service
from .service_registry import registry
from .serving.drain import drain_manager
from .socket_ingress import SocketIngress

if TYPE_CHECKING:
    from quart import Quart

    from .serving.gate import Gate

log = logging.getLogger(__name__)

# What the registry has besides the services.
_INGRESS = "socket_ingress"

# All managers that there are, whether or not they were booted: tests put back what is registered with them.
made: WeakSet[ServiceManager] = WeakSet()


class ServiceManager(Service):
    """
    The root of an application.

    Args:
        app: The Quart application; `None` for services alone.
        socketio: A ``socketio.AsyncServer``, or `None`.
        strict: A service that fails to start stops the boot. Otherwise it is logged and left out.
        graceful_timeout: Seconds that calls and socket handlers in flight get at shutdown before they are cancelled.
        shutdown_timeout: Seconds for the whole shutdown.

    Attributes:
        ready: Whether the application is booted and not yet shutting down.
        abandoned: What did not end at the last shutdown, each with the line at which it waits.
    """

    def __init__(
        self,
        app: Quart | None = None,
        socketio: Any = None,
        *,
        strict: bool = True,
        graceful_timeout: float = 2.0,
        shutdown_timeout: float = 10.0,
    ) -> None:
        super().__init__("service_manager")
        check_app(app)
        check_socketio(socketio)
        require_seconds(graceful_timeout, "graceful_timeout", least=0)
        require_seconds(shutdown_timeout, "shutdown_timeout")
        self.strict = strict
        self.graceful_timeout = graceful_timeout
        self.shutdown_timeout = shutdown_timeout
        self.ready = False
        self.abandoned: list[str] = []
        self._app = app
        self._socketio = socketio
        self._socket_ingress = SocketIngress(socketio)
        self._services: list[Service] = []
        self._handlers: list[Any] = []
        self._controllers: list[Controller] = []
        # What was registered under which name. A search through all of them for each one to register takes a thousand
        # as long as their start. Two of one name, because one was renamed since, are found at the boot.
        self._by_name: dict[str, Service] = {}
        self._booting = Booting(self)
        self._running_handlers = RunningHandlers(socketio) if socketio is not None else None
        self._asgi: Gate | None = None
        # The runtime of one boot, from its beginning to the end of the shutdown.
        self._own_runtime: Runtime | None = None
        self._boot_done: anyio.Event | None = None
        made.add(self)

    # What it consists of.

    @property
    def app(self) -> Any:
        """The Quart application."""
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
        return self._phase == RUNNING

    @property
    def asgi(self) -> Gate:
        """
        The ASGI application to serve: Socket.IO over Quart, behind the gate that ends calls in flight at shutdown.

        Raises:
            RuntimeError: The manager has no app.
        """
        if self._app is None and self._socketio is None:
            raise RuntimeError("a manager without an app has nothing to serve: ServiceManager(app, ...)")
        if self._asgi is None:
            self._asgi = behind_gate(self._app, self._socketio)
        return self._asgi

    @property
    def running_handlers(self) -> RunningHandlers | None:
        """The socket handlers in flight; `None` without Socket.IO."""
        return self._running_handlers

    # What it boots.

    def register_service(self, service: Service) -> Self:
        """
        Have a service started at boot and stopped at shutdown.

        Raises:
            TypeError: *service* is no `Service`.
            ServiceError: Its name is taken.
            RuntimeError: Booting has begun; use `adopt`.
        """
        if not isinstance(service, Service):
            raise TypeError(f"register_service() needs a Service, got {type(service).__name__}")
        self._refuse_when_booting(service)
        self._refuse_double(service)
        self._services.append(service)
        self._by_name[service.name] = service
        return self

    def register_handler(self, handler: Any) -> Self:
        """
        Have a handler set up after the services have started, and torn down before they stop.

        Raises:
            TypeError: *handler* has no ``setup`` and ``teardown``.
            RuntimeError: Booting has begun; use `adopt`.
        """
        if not is_handler(handler):
            raise TypeError(f"register_handler() needs setup() and teardown(), got {type(handler).__name__}")
        self._refuse_when_booting(handler)
        if handler in self._handlers:
            raise ServiceError(name_of_part(handler), "is registered already (as a handler)")
        self._handlers.append(handler)
        return self

    def register_controller(self, controller: Controller, *, url_prefix: str | None = None) -> Self:
        """
        Register a controller's routes now, and have it started after the services and stopped before them.

        Args:
            controller: Its routes are registered on the app at once.
            url_prefix: Before its routes; the controller's own if not given.

        Raises:
            TypeError: *controller* is no `Controller`.
            ServiceError: Its name is taken.
            RuntimeError: Booting has begun; use `adopt`.
        """
        if not isinstance(controller, Controller):
            raise TypeError(f"register_controller() needs a Controller, got {type(controller).__name__}")
        self._refuse_when_booting(controller)
        self._refuse_double(controller)
        self._register_routes(controller, url_prefix)
        self._controllers.append(controller)
        self._by_name[controller.name] = controller
        return self

    async def adopt(self, child: Any, start: bool = True) -> Self:
        """
        Add a service, handler or controller to the running application: provided, started, set up.

        It goes at shutdown with the others, in reverse order.

        Raises:
            ServiceError: A service of this name is there, or it did not start.
            TypeError: *child* is none of these.
        """
        if isinstance(child, Service) and all(child is not other for other in self._there()):
            self._refuse_double(child)
        if isinstance(child, Controller) and child not in self._controllers:
            self._register_routes(child, None)
        if child is None or (isinstance(child, Service) and not start):
            return await super().adopt(child, start)
        if isinstance(child, Service):
            await self._booting.start(child)
        elif is_handler(child):
            await self._booting.set_up(child)
        else:
            raise TypeError(f"{self.name!r} can adopt a service, handler or controller, got {type(child).__name__}")
        return self

    # Boot and shutdown.

    async def boot(self) -> Self:
        """
        Start everything, in order. Does nothing if it is booted; a second call at the same time waits for the first.

        A boot that fails or is cancelled undoes itself. May be called in one task, and `shutdown` in another (asyncio).

        Raises:
            ServiceError: A service did not start (from its own error), depends on one that is not there, or on itself.
            RuntimeError: On trio, outside of ``async with manager``; or shut down while it booted.
        """
        if Loop.is_trio():
            raise RuntimeError("on trio a manager boots by: async with manager: ...")
        await self._boot()
        return self

    async def shutdown(self) -> Self:
        """
        End everything, in reverse order, within `shutdown_timeout` seconds. Does nothing if it is not booted.

        Socket clients are disconnected after handlers and requests in flight had `graceful_timeout`. What did not end
        is in `abandoned`. Shielded: a caller that is cancelled hears of it when this is done.
        """
        self.ready = False
        runtime = self._own_runtime
        if runtime is None:
            return self
        if self.booted:
            log.info("shutdown begins")
        # Calls and clients may have been drained before, when the signal came.
        spent = self._asgi.spent if self._asgi is not None else 0.0
        self.stop_timeout = max(0.0, self.shutdown_timeout - spent)
        try:
            await super().stop()
        finally:
            await self._leave(runtime)
        return self

    async def start(self) -> Self:
        """The same as `boot`."""
        return await self.boot()

    async def stop(self) -> Self:
        """The same as `shutdown`."""
        return await self.shutdown()

    async def run(self) -> None:
        """
        Boot, wait for SIGINT or SIGTERM, shut down. A second signal ends the process at once.

        Raises:
            ServiceError: As `boot`.
        """
        failed: BaseException | None = None
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with anyio.create_task_group() as group:
                with anyio.CancelScope() as life:
                    group.start_soon(_until_signal, signals, life)
                    try:
                        async with self:
                            await anyio.sleep_forever()
                    except Exception as error:
                        failed = error  # out of the group it would be a group of one
                group.cancel_scope.cancel()
        if failed is not None:
            raise failed

    async def __aenter__(self) -> Self:
        """Boot."""
        await self._boot()
        runtime = self._own_runtime
        assert runtime is not None
        # Of several tasks that enter it at once the first has the block of the runtime; see `Service._leave_block`.
        has_block = any(block[1] is runtime for block in self._blocks)
        self._blocks = (*self._blocks, (native_task(), None if has_block else runtime))
        if not has_block:
            runtime._begin_block()
        return self

    def health(self) -> dict[str, Any]:
        """
        ``{"status": "ok" | "stopped", "services": {name: health}, "handlers": {name: {"registered": bool}}}``.

        Controllers are among the services, theirs among the handlers, and so is what was adopted, while it is there.
        """
        services = {part.name: part for part in self._there()}
        handlers = [*self._handlers, *self._booting.are_set_up]
        return {
            "status": "ok" if self.booted else "stopped",
            "services": {name: health_of(part) for name, part in services.items()},
            "handlers": {name_of_part(part): {"registered": getattr(part, "registered", False)} for part in handlers},
        }

    async def _boot(self) -> None:
        while self._boot_done is not None:
            await self._boot_done.wait()
        if self._own_runtime is not None:
            await super().start()  # booted, or waits for a shutdown that runs
            return
        self._boot_done = anyio.Event()
        self.abandoned.clear()
        self.stop_timeout = self.shutdown_timeout  # a boot that fails is undone in that time
        runtime = self._own_runtime = Runtime(self.name)
        runtime.abandoned = self.abandoned
        try:
            await runtime._enter()
            runtime._serve_loop()
            await super().start()
        except BaseException:
            self._own_runtime = None
            with at_most(self.shutdown_timeout):
                await runtime._leave()
            raise
        finally:
            self._boot_done.set()
            self._boot_done = None
        self.ready = True
        log.info("boot complete: %d services, %d handlers", len(self._parts()), len(self._booting.are_set_up))

    async def _leave(self, runtime: Runtime) -> None:
        try:
            await runtime._leave()
        finally:
            if self._own_runtime is runtime:
                self._own_runtime = None
                log.info("shutdown complete%s", f", {len(self.abandoned)} abandoned" if self.abandoned else "")

    def _find_runtime(self) -> Runtime | None:
        return self._own_runtime

    def _start_hooks(self) -> tuple[Callable[[], Any], ...]:
        return (*super()._start_hooks(), self._boot_parts)

    def _stop_hooks(self) -> tuple[Callable[[], Any], ...]:
        return (self._drain, *super()._stop_hooks())

    async def _boot_parts(self) -> None:
        self.add_cleanup(self._clear)
        if self._asgi is not None:
            self._asgi.open()
        if self._running_handlers is not None:
            self._running_handlers.reopen()
        registry.provide(self.name, self, owner=self, replace=True)
        registry.provide(_INGRESS, self._socket_ingress, owner=self, replace=True)
        if self._socketio is not None:
            self._socket_ingress.attach(self._socketio)
        await self._booting.run(self._services, self._controllers, self._handlers)

    async def _drain(self) -> None:
        if self._app is not None or self._socketio is not None:
            await drain_manager(self)
        await self._booting.tear_down_handlers()

    # Parts.

    def _clear(self) -> None:
        self._socket_ingress.clear()
        registry.clear()

    def _parts(self) -> list[Service]:
        return [*self._services, *self._controllers]

    def _there(self) -> list[Service]:
        """What was registered, and what has been adopted since."""
        return [*self._parts(), *self._ledger.children.values()]

    def _register_routes(self, controller: Controller, url_prefix: str | None) -> None:
        if self._app is not None:
            prefix = controller.url_prefix if url_prefix is None else url_prefix
            blueprint = controller.build_blueprint(url_prefix=prefix)
            # There already if it is adopted once more: an application cannot lose routes.
            if blueprint not in self._app.blueprints.values():
                self._app.register_blueprint(blueprint)

    def _refuse_when_booting(self, part: Any) -> None:
        if self._own_runtime is not None:
            name = name_of_part(part)
            raise RuntimeError(f"{name!r} comes too late: booting has begun. Use: await manager.adopt({name})")

    def _refuse_double(self, service: Service) -> None:
        name = service.name
        known = self._by_name.get(name)
        taken = known is not None and known.name == name  # it may have been renamed since
        if (
            taken
            or name in (self.name, _INGRESS)
            or any(name == child.name for child in self._ledger.children.values())
        ):
            raise ServiceError(service.name, "is registered already: each name can be there once")


async def _until_signal(signals: AsyncIterator[int], life: anyio.CancelScope) -> None:
    """End *life* with the first signal, and the process with the second."""
    async for number in signals:
        if life.cancel_called:
            os._exit(128 + number)
        log.info("%s: shutting down", signal.Signals(number).name)
        life.cancel()


def boot(
    app: Quart | None,
    socketio: Any,
    *,
    services: Iterable[Service] | None = None,
    handlers: Iterable[Any] | None = None,
    controllers: Iterable[Controller] | None = None,
    strict: bool = True,
    graceful_timeout: float = 2.0,
    shutdown_timeout: float = 10.0,
) -> ServiceManager:
    """
    Wire an application: its parts start with the server, before the first request, and end with it.

    Routes of controllers are registered at once. Serve ``manager.asgi``, by any ASGI server or by ``specter run``.

    Args:
        app: The Quart application.
        socketio: A ``socketio.AsyncServer``, or `None`.
        services: Started in order of their `depends_on`, independent ones at the same time.
        handlers: Set up after all services have started.
        controllers: Started after the services.
        strict: See `ServiceManager`, as for the other two.
        graceful_timeout: Seconds.
        shutdown_timeout: Seconds.

    Returns:
        The manager; more can be registered until the server starts.

    Raises:
        TypeError: A part is not what it should be; a Flask application (that needs the gevent backend).
        ServiceError: Two parts have one name.
        RuntimeError: `boot` was called for this application already.
    """
    manager = ServiceManager(
        app, socketio, strict=strict, graceful_timeout=graceful_timeout, shutdown_timeout=shutdown_timeout
    )
    check_unmanaged(app)
    for service in services or ():
        manager.register_service(service)
    for handler in handlers or ():
        manager.register_handler(handler)
    for controller in controllers or ():
        manager.register_controller(controller)
    if app is not None:
        Lifespan(manager).wire(app)
    return manager
