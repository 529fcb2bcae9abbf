"""Socket events that come and go together."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

import anyio

from ._calls import call
from ._deadline import at_most, half_of_the_rest
from ._shield import run_whole, wait_regardless
from .ownership import Cleanups
from .service_registry import registry
from .socket_ingress import SocketIngress

if TYPE_CHECKING:
    from socketio import AsyncServer

log = logging.getLogger(__name__)
T = TypeVar("T")

# Seconds, as a service's `stop_timeout`.
_TEARDOWN_TIMEOUT = 30.0


class Handler:
    """
    Subscribes methods to socket events, and owns what it needs for them.

    Callbacks are plain or `async`, and get the client's values in order; parameters named ``sid``, ``environ`` and, on
    connect, ``auth`` are filled by name. What the last one to answer returned is the acknowledgement.

        class Chat(Handler):
            name = "chat"
            events = {"message": "on_message"}

            async def on_message(self, text, sid):
                return {"length": len(text)}

    Attributes:
        name: For logs.
        events: ``{event: name of the method}``.
        event_priorities: ``{event: priority}``: a lower one is called earlier; 100 for those that are not in it.
    """

    name: str = "unnamed_handler"
    events: Mapping[str, str] = {}
    event_priorities: Mapping[str, float] = {}

    def __init__(self) -> None:
        self._socketio: Any = None
        self._registered = False
        self._registered_handlers: list[tuple[str, Callable[..., Any]]] = []
        self._cleanups = Cleanups(self.name)
        # While it is torn down: what is set at the end, and in which task.
        self._torn_down: anyio.Event | None = None
        self._torn_down_in: int | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}{' registered' if self._registered else ''}>"

    def on_setup(self) -> Awaitable[None] | None:
        """Acquire what the handler needs; its events are subscribed already. Override it, plain or `async`."""
        return None

    def on_teardown(self) -> Awaitable[None] | None:
        """Called before anything is released. Override it, plain or `async`."""
        return None

    @property
    def registered(self) -> bool:
        """Whether its events are subscribed."""
        return self._registered

    @property
    def socketio(self) -> AsyncServer | None:
        """The server it is set up on; `None` if it is not."""
        return self._socketio

    async def setup(self, socketio: AsyncServer | None) -> Self:
        """
        Subscribe to the events, and call `on_setup`, whose error is logged.

        Does nothing if it is set up. A method that does not exist is logged, and its event skipped. With a
        ``socket_ingress`` in the registry the events come through it, else from the server.

        Args:
            socketio: The server; may be `None` where the registry has an ingress.

        Returns:
            The handler.

        Raises:
            TypeError: *socketio* is no asynchronous Socket.IO server.
        """
        if self._registered:
            return self
        ingress = registry.resolve("socket_ingress") or SocketIngress._of(socketio)
        self._socketio = socketio
        self._registered = True
        try:
            for event, fn, priority in self._declared():
                ingress.subscribe(event, fn, owner=self, priority=priority)
                self._registered_handlers.append((event, fn))
            await self._set_up()
        except BaseException:
            await run_whole(self._release, f"release of handler {self.name}")
            raise
        log.debug("handler %r set up (%d events)", self.name, len(self._registered_handlers))
        return self

    async def teardown(self) -> Self:
        """
        Call `on_teardown`, end the subscriptions, and run the cleanups, last first.

        Does nothing if it is not set up. Errors are logged. Two calls at once: the second waits for the first.
        Shielded: a caller that is cancelled hears of it when this is done. Takes at most 30 seconds.

        Returns:
            The handler.
        """
        if not self._registered:
            return self
        if self._torn_down is None:
            self._torn_down = anyio.Event()
            await run_whole(self._tear_down, f"teardown of handler {self.name}")
        elif self._torn_down_in != anyio.get_current_task().id:
            await wait_regardless(self._torn_down)
        return self

    async def stop(self) -> Self:
        """The same as `teardown`, so that a handler can be owned."""
        return await self.teardown()

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
        """Have *fn* (plain or a coroutine function) called by `teardown`, the last added first."""
        self._cleanups.add(fn)
        return self

    def _forget_cleanup(self, fn: Callable[[], Any]) -> None:
        self._cleanups.forget(fn)

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
        return self._cleanups.own(resource, stop_method)

    def _declared(self) -> Iterator[tuple[str, Callable[..., Any], float]]:
        """Event, callback and priority of what is to be subscribed."""
        for event, method in self.events.items():
            fn = getattr(self, method, None)
            if callable(fn):
                yield event, fn, self.event_priorities.get(event, 100)
            else:
                log.error("handler %r has no method %r for event %r", self.name, method, event)

    async def _set_up(self) -> None:
        try:
            await call(self.on_setup)
        except Exception:
            log.exception("on_setup of handler %r failed", self.name)

    async def _tear_down(self) -> None:
        self._torn_down_in = anyio.get_current_task().id
        try:
            with at_most(_TEARDOWN_TIMEOUT):
                await self._step("on_teardown", self.on_teardown)
                await self._release()
        finally:
            done, self._torn_down, self._torn_down_in = self._torn_down, None, None
            if done is not None:
                done.set()
        log.debug("handler %r torn down", self.name)

    async def _release(self) -> None:
        while self._cleanups.pending:
            await self._step("a cleanup", self._cleanups.run)
        self._registered_handlers.clear()
        self._registered = False
        self._socketio = None

    async def _step(self, what: str, fn: Callable[[], Any]) -> None:
        with half_of_the_rest() as until:
            scope = anyio.CancelScope(deadline=until)
        try:
            with scope:
                await call(fn)
        except Exception:
            log.exception("%s of handler %r failed", what, self.name)
        if scope.cancelled_caught:
            log.error("%s of handler %r did not end in time, going on without it", what, self.name)
