"""One part of an application with its routes, its socket events, its schemas and its state under one life."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from ._calls import call
from .handler import Handler
from .model import Model
from .sansio.ownership import require_callable
from .schema import Schema
from .service import Service
from .service_registry import registry
from .store import Store

if TYPE_CHECKING:
    from quart import Blueprint
    from socketio import AsyncServer

    from .router import Router

log = logging.getLogger(__name__)


class Controller(Service):
    """
    A service with routes and socket events.

    Example::

        class Library(Controller):
            name = "library"
            schemas = {"add": Schema("add", {"path": Field(str, required=True)})}

            def build_routes(self, router):
                @router.route("/media", methods=["POST"])
                async def add():
                    item = self.schema("add").require(await expect_json())
                    return {"accepted": item["path"]}, 202

            def build_events(self, handler):
                handler.on("pending", lambda: 0)

    Args:
        name: Instead of the one that the class has.

    Attributes:
        schemas: ``{name: Schema}`` for `schema`.
        url_prefix: Before all routes, unless another one is given where they are registered.
    """

    schemas: Mapping[str, Schema] = {}
    url_prefix: str | None = None

    def __init__(self, name: str | None = None) -> None:
        own: str = getattr(type(self), "name", "controller")
        super().__init__(name or own)
        self._blueprint: Blueprint | None = None
        self._router: Router | None = None
        self._handler_instance: Any = None

    def build_routes(self, router: Router) -> None:
        """Add routes by ``@router.route(rule, ...)``. Override it."""

    def build_events(self, handler: Any) -> None:
        """Add socket events by ``handler.on(event, fn, priority=100)``. Override it."""

    def build_blueprint(self, url_prefix: str | None = None) -> Blueprint:
        """
        Build the routes, once.

        Args:
            url_prefix: Before all of them; the controller's own if not given.

        Returns:
            The blueprint; the same one at each call.
        """
        if self._blueprint is None:
            from .router import Router

            router = Router(self.name, url_prefix=self.url_prefix if url_prefix is None else url_prefix)
            self.build_routes(router)
            self._router = router
            self._blueprint = router.blueprint()
        return self._blueprint

    def create_handler(self) -> Handler:
        """Make the handler that `build_events` fills; the same one until the controller stops."""
        if self._handler_instance is None:
            handler = _ControllerHandler(name=f"{self.name}_events", controller=self)
            self.build_events(handler)
            self._handler_instance = handler
        created: Handler = self._handler_instance
        return created

    async def build_handler(self, socketio: AsyncServer | None = None) -> Handler:
        """
        Make the handler, and set it up if there is a server.

        Tearing it down is the first thing that a stop of the controller does.

        Args:
            socketio: The server; `None` leaves the setup to the caller.

        Returns:
            The handler.
        """
        is_new = self._handler_instance is None
        handler = self._handler_instance = self.create_handler()
        if is_new:
            # For a start that fails: its teardown begins with what is owned.
            self.add_cleanup(self._tear_down_handler)
        if socketio is not None:
            await handler.setup(socketio)
        return handler

    def schema(self, name: str) -> Schema:
        """
        One of the schemas.

        Raises:
            KeyError: There is none of this name; lists those that there are.
        """
        try:
            return self.schemas[name]
        except KeyError:
            known = ", ".join(map(repr, self.schemas)) or "none"
            raise KeyError(f"{self.name!r} has no schema {name!r}; there are: {known}") from None

    def create_model(self, name: str, initial_state: dict[str, Any] | None = None, **options: Any) -> Model:
        """Make a `Model` that is destroyed when the controller stops; *options* are its own."""
        return self.own(Model(name, initial_state, **options))

    def create_store(self, name: str, initial_state: dict[str, Any] | None = None, **options: Any) -> Store:
        """Make a `Store` that is destroyed when the controller stops; *options* are its own."""
        return self.own(Store(name, initial_state, **options))

    @property
    def socketio(self) -> Any:
        """The server on which its handler is set up, else that of the manager in the registry, else `None`."""
        own = self._handler_instance.socketio if self._handler_instance is not None else None
        return own if own is not None else getattr(registry.resolve("service_manager"), "socketio", None)

    async def stop(self) -> Self:
        """
        Tear the handler down, then stop as every service does.

        Returns:
            The controller.
        """
        if not self.running:
            await call(self._tear_down_handler)
        return await super().stop()

    def health(self) -> dict[str, Any]:
        """That of the service, with ``has_blueprint``, ``has_handler`` and the names of the ``schemas``."""
        return {
            **super().health(),
            "has_blueprint": self._blueprint is not None,
            "has_handler": self._handler_instance is not None,
            "schemas": list(self.schemas),
        }

    def _stop_hooks(self) -> tuple[Callable[[], Any], ...]:
        return (self._tear_down_handler, *super()._stop_hooks())

    def _tear_down_handler(self) -> Awaitable[Any] | None:
        handler, self._handler_instance = self._handler_instance, None
        return handler.teardown() if handler is not None else None


class _ControllerHandler(Handler):
    """The handler of a controller's socket events."""

    def __init__(self, name: str, controller: Controller) -> None:
        self.name = name
        super().__init__()
        self._controller = controller
        # (event, fn, priority)
        self._events: list[tuple[str, Callable[..., Any], float]] = []

    def on(self, event: str, fn: Callable[..., Any], priority: float = 100) -> Self:
        """Have *fn* subscribed to an event when the handler is set up."""
        require_callable(fn, f"the callback of socket event {event!r}")
        self._events.append((event, fn, priority))
        return self

    def _declared(self) -> Iterator[tuple[str, Callable[..., Any], float]]:
        yield from self._events
