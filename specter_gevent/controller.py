"""One part of an application with its routes, its socket events, its schemas and its state under one life."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from specter.sansio.callables import require_plain

from .handler import Handler
from .schema import Schema
from .service import Service
from .service_registry import registry

if TYPE_CHECKING:
    from flask import Blueprint
    from flask_socketio import SocketIO

    from .model import Model
    from .router import Router
    from .store import Store

logger = logging.getLogger("specter.core.controller")


class Controller(Service):
    """
    A service with routes and socket events.

    Example::

        class Library(Controller):
            name = "library"
            schemas = {"add": Schema("add", {"path": Field(str, required=True)})}

            def build_routes(self, router):
                @router.route("/media", methods=["POST"])
                def add():
                    item = self.schema("add").require(expect_json())
                    return {"accepted": item["path"]}, 202

            def build_events(self, handler):
                handler.on("pending", lambda: 0)

    Args:
        name: Instead of the one that the class has.

    Attributes:
        schemas: ``{name: Schema}`` for `schema`.
        url_prefix: Not looked at, as in 0.1.x: the prefix is given where the controller is registered.
    """

    schemas: Mapping[str, Schema] = {}
    url_prefix: str | None = None

    _specter_hooks = (
        *Service._specter_hooks, "build_routes", "build_events", "build_blueprint", "create_handler", "build_handler",
    )  # fmt: skip

    _specter_stop_hooks = ("_specter_tear_down_handler", *Service._specter_stop_hooks)

    def __init__(self, name: str | None = None) -> None:
        own: str = getattr(type(self), "name", "controller")
        super().__init__(name or own)
        self._blueprint: Blueprint | None = None
        self._router: Router | None = None
        self._handler_instance: Any = None

    def __repr__(self) -> str:
        parts = [f"Controller '{self.name}'"]
        if self.schemas:
            parts.append(f"{len(self.schemas)} schemas")
        if self._blueprint:
            parts.append("routes")
        if self._handler_instance:
            parts.append("events")
        return f"<{', '.join(parts)}>"

    def build_routes(self, router: Router) -> None:
        """Add routes by ``@router.route(rule, ...)``. Override it."""

    def build_events(self, handler: Any) -> None:
        """Add socket events by ``handler.on(event, fn, priority=100)``. Override it."""

    def build_blueprint(self, url_prefix: str | None = None) -> Blueprint:
        """
        Build the routes, once.

        Args:
            url_prefix: Before all of them, where the router itself registers them.

        Returns:
            The blueprint; the same one at each call.

        Raises:
            TypeError: `build_routes` or a view is a coroutine function.
        """
        if self._blueprint is None:
            from .router import Router

            require_plain(self.build_routes, f"build_routes of {self.name!r}")
            router = Router(self.name, url_prefix=url_prefix or "", import_name=type(self).__module__)
            self.build_routes(router)
            self._router = router
            self._blueprint = router.blueprint()
        return self._blueprint

    def create_handler(self) -> Handler:
        """
        Make the handler that `build_events` fills; the same one until the controller stops.

        Raises:
            TypeError: `build_events` or a callback is a coroutine function.
        """
        if self._handler_instance is None:
            require_plain(self.build_events, f"build_events of {self.name!r}")
            handler = _ControllerHandler(name=f"{self.name}_events", controller=self)
            self.build_events(handler)
            self._handler_instance = handler
            self.own(handler)
        created: Handler = self._handler_instance
        return created

    def build_handler(self, socketio: SocketIO | None = None) -> Handler:
        """
        Make the handler, and set it up if there is a server.

        Tearing it down is the first thing that a stop of the controller does.

        Args:
            socketio: The server; `None` leaves the setup to the caller.

        Returns:
            The handler.
        """
        handler = self.create_handler()
        if socketio is not None:
            handler.setup(socketio)
        return handler

    def schema(self, name: str) -> Schema:
        """
        One of the schemas.

        Raises:
            KeyError: There is none of this name; lists those that there are.
        """
        if name not in self.schemas:
            raise KeyError(
                f"[SPECTER:controller] '{self.name}' has no schema '{name}'. Available: {list(self.schemas)}"
            )
        return self.schemas[name]

    def create_model(self, name: str, initial_state: dict[str, Any] | None = None, **options: Any) -> Model:
        """Make a `Model` that is destroyed when the controller stops; *options* are its own."""
        from .model import create_model

        return self.own(create_model(name, initial_state, **options))

    def create_store(self, name: str, initial_state: dict[str, Any] | None = None, **options: Any) -> Store:
        """Make a `Store` that is destroyed when the controller stops; *options* are its own."""
        from .store import create_store

        return self.own(create_store(name, initial_state, **options))

    @property
    def socketio(self) -> Any:
        """The server on which its handler is set up, else that of the manager in the registry, else `None`."""
        own = getattr(self._handler_instance, "_socketio", None)
        return own if own is not None else getattr(registry.resolve("service_manager"), "socketio", None)

    def stop(self) -> Self:
        """
        Tear the handler down, then stop as every service does.

        Returns:
            The controller.
        """
        if not self.running:
            self._specter_tear_down_handler()
        return super().stop()

    def health(self) -> dict[str, Any]:
        """
        That of the service, with ``has_blueprint``, ``has_handler`` and the names of the ``schemas``.

        The last only if there are any.
        """
        report = {
            **super().health(),
            "has_blueprint": self._blueprint is not None,
            "has_handler": self._handler_instance is not None,
        }
        if self.schemas:
            report["schemas"] = list(self.schemas)
        return report

    def _specter_tear_down_handler(self) -> None:
        handler = self._handler_instance
        try:
            if handler is not None:
                handler.teardown()
        except Exception as error:
            logger.warning("[SPECTER:controller] '%s' handler teardown error: %s", self.name, error, exc_info=True)
        finally:
            self._handler_instance = None


class _ControllerHandler(Handler):
    """The handler of a controller's socket events."""

    _specter_module = "controller"

    def __init__(self, name: str, controller: Controller) -> None:
        self.name = name
        super().__init__()
        self._controller = controller
        # (event, fn, priority)
        self._events: list[tuple[str, Callable[..., Any], float]] = []

    def on(self, event: str, callback: Callable[..., Any], priority: float = 100) -> Self:
        """Have *callback* subscribed to an event when the handler is set up."""
        require_plain(callback, f"the callback of socket event {event!r}")
        self._events.append((event, callback, priority))
        return self

    def _specter_declared_events(self) -> Iterator[tuple[str, Callable[..., Any], float]]:
        for event, fn, priority in self._events:
            if callable(fn):
                yield event, fn, priority
            else:
                logger.error("[SPECTER:controller] '%s' has no function for event %r, but %r", self.name, event, fn)

    def _specter_log_setup(self) -> None:
        logger.debug("[SPECTER:controller] '%s' registered %d events", self.name, len(self._events))

    def _specter_bind_to(self, socketio: Any, event: str, fn: Callable[..., Any]) -> None:
        socketio.on_event(event, fn)
