"""Socket events that come and go together."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from inspect import getattr_static
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import specter_gevent
from specter.sansio.callables import is_coroutine_function, require_plain

from ._companions import check_socketio
from ._turn import Turn
from .ownership import Cleanups, resolve_cleanup
from .service_registry import registry

if TYPE_CHECKING:
    from flask_socketio import SocketIO

logger = logging.getLogger("specter.core.handler")
HOOKS = ("on_setup", "on_teardown", "setup", "teardown")
T = TypeVar("T")


class Handler:
    """
    Subscribes methods to socket events, and owns what it needs for them.

    Callbacks are plain functions, and get the client's values in order. What the last one to answer returned is the
    acknowledgement.

        class Chat(Handler):
            name = "chat"
            events = {"message": "on_message"}

            def on_message(self, text):
                return {"length": len(text)}

    Attributes:
        name: For logs.
        events: ``{event: name of the method}``.
        event_priorities: ``{event: priority}``: a lower one is called earlier; 100 for those that are not in it.
    """

    name: str = "unnamed_handler"
    events: Mapping[str, str] = {}
    event_priorities: Mapping[str, float] = {}

    # Whose logger hears of its setup.
    _specter_module: ClassVar[str] = "handler"

    def __init__(self) -> None:
        self._socketio: Any = None
        self._registered = False
        self._registered_handlers: list[tuple[str, Callable[..., Any]]] = []
        self._cleanups = Cleanups("handler")
        self._specter_teardown_turn = Turn()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}{' registered' if self._registered else ''}>"

    def on_setup(self) -> None:
        """Acquire what the handler needs; its events are subscribed already. Override it."""

    def on_teardown(self) -> None:
        """Called before anything is released. Override it."""

    @property
    def registered(self) -> bool:
        """Whether its events are subscribed."""
        return self._registered

    @property
    def socketio(self) -> SocketIO | None:
        """The server it is set up on; `None` if it is not."""
        return self._socketio

    def setup(self, socketio: SocketIO | None) -> Self:
        """
        Subscribe to the events, and call `on_setup`, whose error is logged.

        Does nothing if it is set up. A method that does not exist is logged, and its event skipped. With a
        ``socket_ingress`` in the registry the events come through it, else from the server: then this handler takes the
        place of the one that was there for an event.

        Args:
            socketio: The server; may be `None`, or anything, where the registry has an ingress.

        Returns:
            The handler.

        Raises:
            TypeError: A hook or callback is a coroutine function, or *socketio* is a server of the asyncio runtime.
        """
        if self._registered:
            return self
        check_hooks(self, *HOOKS)
        check_socketio(socketio)
        ingress = registry.resolve("socket_ingress")
        self._socketio = socketio
        try:
            for event, fn, priority in self._specter_declared_events():
                if ingress is not None:
                    ingress.subscribe(event, fn, owner=self, priority=priority)
                else:
                    require_plain(fn, "a socket callback")
                    self._specter_bind_to(socketio, event, fn)
                    self.add_cleanup(partial(_take_off, socketio, event, fn))
                self._registered_handlers.append((event, fn))
        except BaseException:
            _release(self)
            raise
        self._registered = True
        self._specter_log_setup()
        try:
            self.on_setup()
        except Exception as error:
            getattr(specter_gevent, self._specter_module).logger.error(
                "[SPECTER] Handler '%s' on_setup failed: %s", self.name, error, exc_info=True
            )
        return self

    def teardown(self) -> Self:
        """
        Call `on_teardown`, end the subscriptions, and run the cleanups, last first.

        Does nothing if it is not set up. Errors are logged. Two calls at once: the second waits for the first. A kill
        cuts the step that waits, and the caller hears of it when the others are done.

        Returns:
            The handler.
        """
        if not self._registered:
            return self
        self._specter_teardown_turn.run(lambda: _take_down(self))
        return self

    def stop(self) -> Self:
        """The same as `teardown`, so that a handler can be owned."""
        return self.teardown()

    def require(self, key: str) -> Any:
        """
        A value of the registry.

        Raises:
            KeyError: There is none; lists what there is.
        """
        return registry.require(key)

    def resolve(self, key: str) -> Any:
        """A value of the registry, or `None`."""
        return registry.resolve(key)

    def add_cleanup(self, fn: Callable[[], Any]) -> Self:
        """Have *fn* (a plain function) called by `teardown`, the last added first. What cannot be called is ignored."""
        self._cleanups.add(fn)
        return self

    def own(self, resource: T, stop_method: str | None = None) -> T:
        """
        Own anything that can be ended; see `Service.own`.

        Args:
            resource: Ended by `teardown`. `None` is ignored.
            stop_method: The method that ends it; the usual ones are tried if not given.

        Returns:
            The resource.

        Raises:
            TypeError: It has no such method.
        """
        if resource is not None:
            self.add_cleanup(resolve_cleanup(resource, stop_method=stop_method))
        return resource

    def _specter_declared_events(self) -> Iterator[tuple[str, Callable[..., Any], float]]:
        """Event, callback and priority of what is to be subscribed."""
        for event, method in self.events.items():
            fn = getattr(self, method, None)
            if callable(fn):
                yield event, fn, self.event_priorities.get(event, 100)
            elif fn is None:
                logger.error(
                    "[SPECTER:handler] Handler '%s' declares event '%s' → method '%s', but the method does not exist.",
                    self.name, event, method,
                )  # fmt: skip
            else:
                logger.error("[SPECTER:handler] Handler '%s' attribute '%s' is not callable.", self.name, method)

    def _specter_log_setup(self) -> None:
        logger.info("[SPECTER] Handler '%s' set up (%d events)", self.name, len(self._registered_handlers))

    def _specter_bind_to(self, socketio: Any, event: str, fn: Callable[..., Any]) -> None:
        """Subscribe where there is no ingress."""
        socketio.on(event)(fn)


def check_hooks(part: Any, *names: str) -> None:
    """
    Refuse a handler or service with hooks that nothing would await.

    Args:
        part: Whose methods they are.
        names: Of the methods; those that do not exist are passed over.

    Raises:
        TypeError: One is a coroutine function; names it, and the backend switch.
    """
    for name in names:
        hook = getattr(part, name, None)
        if callable(hook) and is_coroutine_function(hook):
            require_plain(hook, f"{name} of {getattr(part, 'name', None)!r}")


def check_handler(handler: Any) -> None:
    """
    Refuse a handler with hooks or callbacks that nothing would await.

    It is looked at as it is declared: what it makes of its events when it is set up is looked at then.

    Args:
        handler: A `Handler`, or what stands in for one.

    Raises:
        TypeError: One is a coroutine function; names it, and the backend switch.
    """
    check_hooks(handler, *HOOKS)
    declared = getattr_static(handler, "events", None) if isinstance(handler, Handler) else None
    for event, method in declared.items() if isinstance(declared, Mapping) else ():
        fn = getattr(type(handler), method, None) if isinstance(method, str) else None
        if callable(fn):
            require_plain(fn, f"the callback of socket event {event!r}")


def _take_down(handler: Handler) -> None:
    try:
        handler.on_teardown()
    except Exception as error:
        logger.error("[SPECTER] Handler '%s' on_teardown failed: %s", handler.name, error, exc_info=True)
    finally:
        _release(handler)
    logger.info("[SPECTER] Handler '%s' torn down", handler.name)


def _release(handler: Handler) -> None:
    try:
        handler._cleanups.run(f"handler '{handler.name}'")
    finally:
        if handler._cleanups:
            _release(handler)  # a kill has cut one of them
        else:
            handler._registered_handlers.clear()
            handler._registered = False
            handler._socketio = None


def _take_off(socketio: Any, event: str, fn: Callable[..., Any]) -> None:
    """Have Flask-SocketIO, which has no function for it, forget a callback; another one for the event stays."""
    module = sys.modules.get("flask_socketio")
    if module is None or not isinstance(socketio, module.SocketIO):
        return
    # Before it has an application, it keeps callbacks in a list of its own.
    socketio.handlers[:] = [
        entry for entry in socketio.handlers if (entry[0], getattr(entry[1], "__wrapped__", None)) != (event, fn)
    ]
    bound = socketio.server.handlers.get("/", {}) if socketio.server is not None else {}
    if getattr(bound.get(event), "__wrapped__", None) == fn:
        del bound[event]
