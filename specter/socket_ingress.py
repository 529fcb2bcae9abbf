"""One dispatcher for each event of a Socket.IO server, and many subscribers behind it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from ._calls import name_of
from ._socket_call import NOTHING, SocketCall, ask
from ._socket_call import current_sid as current_sid
from ._socket_server import SocketServer
from .ownership import forget_cleanup
from .sansio.ownership import require_owner
from .sansio.socket_arguments import SocketArguments, names_given
from .sansio.socket_events import Answers, Subscription, Subscriptions, require_event, require_subscriber

if TYPE_CHECKING:
    from socketio import AsyncServer

F = TypeVar("F", bound=Callable[..., Any])

# What errors are kept and logged under; in a table of its own, since a client may send an event of this name.
_ERRORS = "default error"


class SocketIngress:
    """
    Brings a client's event to all who subscribed to it, by priority and then in order of subscription.

    Callbacks are plain or coroutine functions. They get the client's values in order; parameters named ``sid``,
    ``environ`` and, on connect, ``auth`` are filled by name. Subscribing and unsubscribing is safe from every thread
    and counts from the next event on.

    Args:
        socketio: The server; see `attach`.
        name: For logs.
    """

    def __init__(self, socketio: AsyncServer | None = None, *, name: str = "socket_ingress") -> None:
        self.name = name
        self._socketio: Any = None
        self._subscribers = Subscriptions()
        self._error_subscribers = Subscriptions()
        self._lock = threading.RLock()
        self.attach(socketio)

    def __repr__(self) -> str:
        return f"<SocketIngress {self.name!r}, {len(self._subscribers.events())} events>"

    @classmethod
    def _of(cls, socketio: AsyncServer | None) -> SocketIngress:
        """The ingress of those who subscribe to a server where none is provided in the registry: one for a server."""
        server = SocketServer.of(socketio)
        if server.ingress is None:
            server.ingress = cls(socketio)
        ingress: SocketIngress = server.ingress
        return ingress

    @property
    def socketio(self) -> AsyncServer | None:
        """The server; `None` before `attach` and after `clear`."""
        return self._socketio

    def attach(self, socketio: AsyncServer | None) -> Self:
        """
        Hear the events of a server, and no more those of the one before. Subscriptions are kept.

        Args:
            socketio: `None` for no server: events come through `dispatch` alone.

        Raises:
            TypeError: It is no asynchronous Socket.IO server.
        """
        server = SocketServer.of(socketio) if socketio is not None else None
        with self._lock:
            if socketio is not self._socketio:
                self._unbind(self._subscribers.events())
            self._socketio = socketio
            if server is not None:
                for event in self._subscribers.events():
                    server.bind(event, self)
        return self

    @overload
    def on(self, event: str, fn: None = None, *, owner: Any = None, priority: float = 100) -> Callable[[F], F]: ...
    @overload
    def on(self, event: str, fn: F, *, owner: Any = None, priority: float = 100) -> F: ...
    def on(self, event: str, fn: Any = None, *, owner: Any = None, priority: float = 100) -> Any:
        """`subscribe`, which gives the function back; without *fn* a decorator."""

        def subscribe(fn: F) -> F:
            self.subscribe(event, fn, owner=owner, priority=priority)
            return fn

        return subscribe if fn is None else subscribe(fn)

    def handler(self, event: str, *, owner: Any = None, priority: float = 100) -> Callable[[F], F]:
        """A decorator that subscribes; see `subscribe`."""
        return self.on(event, owner=owner, priority=priority)

    def subscribe(
        self, event: str, fn: Callable[..., Any], *, owner: Any = None, priority: float = 100
    ) -> Callable[[], bool]:
        """
        Call *fn* for each event of this name.

        Args:
            event: The name; ``connect`` and ``disconnect`` are Socket.IO's own.
            fn: Plain or a coroutine function. What it returns may become the acknowledgement. Subscribed twice, it is
                called twice.
            owner: Ends the subscription when it stops; anything with ``add_cleanup``.
            priority: A lower one is called earlier.

        Returns:
            A plain function that ends this subscription, and returns whether it was there.

        Raises:
            TypeError: *event* is no non-empty string, *fn* cannot be called, or *owner* cannot own.
            ValueError: *event* is ``"*"``.
        """
        require_event(event)
        if event == "*":
            # python-socketio tells such a handler the event and then the sid, but a client that names its event like
            # that comes without the first: what it sends next would be taken for its sid.
            raise ValueError(
                "a socket event must have a name, got '*': register a handler for every event on the server"
            )
        return self._subscribe(self._subscribers, event, fn, owner, priority)

    def unsubscribe(self, event: str, fn: Callable[..., Any]) -> bool:
        """End all subscriptions of *fn* to an event. Returns whether there was one."""
        return self._change(self._subscribers, event, lambda: self._subscribers.remove(event, fn))

    @overload
    def on_error_default(self, fn: None = None, *, owner: Any = None, priority: float = 100) -> Callable[[F], F]: ...
    @overload
    def on_error_default(self, fn: F, *, owner: Any = None, priority: float = 100) -> F: ...
    def on_error_default(self, fn: Any = None, *, owner: Any = None, priority: float = 100) -> Any:
        """`subscribe_error_default`, which gives the function back; without *fn* a decorator."""

        def subscribe(fn: F) -> F:
            self.subscribe_error_default(fn, owner=owner, priority=priority)
            return fn

        return subscribe if fn is None else subscribe(fn)

    def subscribe_error_default(
        self, fn: Callable[..., Any], *, owner: Any = None, priority: float = 100
    ) -> Callable[[], bool]:
        """Call ``fn(error)`` for each error of a subscriber; ``sid`` is filled by name. See `subscribe`."""
        return self._subscribe(self._error_subscribers, _ERRORS, fn, owner, priority)

    def unsubscribe_error_default(self, fn: Callable[..., Any]) -> bool:
        """End all subscriptions of *fn* to errors. Returns whether there was one."""
        return self._change(self._error_subscribers, _ERRORS, lambda: self._error_subscribers.remove(_ERRORS, fn))

    async def dispatch(self, event: str, *args: Any, **kwargs: Any) -> Any:
        """
        Bring an event to its subscribers by hand.

        Args:
            event: The name.
            args: The client's values, without the sid.
            kwargs: For the parameters of these names, ``sid`` and ``environ`` among them; who cannot take one does not
                get it.

        Returns:
            The acknowledgement: what the last subscriber to answer something other than `None` returned. On connect
            `False` if one of them refused.

        Raises:
            ConnectionRefusedError: On connect, what a subscriber raised to say why.
        """
        answers = Answers.to(event)
        named, extra = _by_name(event, args, kwargs)
        await self._hear(event, args, named, answers, extra=extra)
        return answers.conclude()

    async def dispatch_default_error(self, *args: Any, **kwargs: Any) -> Any:
        """
        Bring an error to the error subscribers by hand. An error of theirs is logged, and that is all.

        Args:
            args: What they are called with: the error.
            kwargs: As for `dispatch`.

        Returns:
            What the last to answer something other than `None` returned.
        """
        answers = Answers()
        named, extra = _by_name(_ERRORS, args, kwargs)
        await ask(self._error_subscribers.of(_ERRORS), _ERRORS, args, answers=answers, named=named, extra=extra)
        return answers.acknowledgement

    def clear(self) -> None:
        """End all subscriptions and leave the server."""
        with self._lock:
            self._error_subscribers.clear()
            self._unbind(self._subscribers.clear())
            self._socketio = None

    # For this package.

    def _hear(
        self,
        event: str,
        values: tuple[Any, ...],
        named: dict[str, Any],
        answers: Answers,
        socket_call: SocketCall | None = None,
        *,
        extra: dict[str, Any] = NOTHING,
    ) -> Coroutine[Any, Any, None]:
        """Call the subscribers of an event; see `ask`."""
        return ask(
            self._subscribers.of(event),
            event,
            values,
            answers=answers,
            named=named,
            extra=extra,
            socket_call=socket_call,
            on_error=self.dispatch_default_error,
        )

    # Internal.

    def _subscribe(
        self, table: Subscriptions, event: str, fn: Callable[..., Any], owner: Any, priority: float
    ) -> Callable[[], bool]:
        require_subscriber(fn, priority)
        if owner is not None:
            require_owner(owner)
        name = getattr(owner, "name", None) or name_of(fn)
        subscription = Subscription(fn, SocketArguments(fn, names_given(event)), priority, name)
        with self._lock:
            table.add(event, subscription)
            if table is self._subscribers and self._socketio is not None:
                SocketServer.of(self._socketio).bind(event, self)

        def end() -> bool:
            return self._change(table, event, lambda: table.discard(event, subscription))

        def unsubscribe() -> bool:
            forget_cleanup(owner, end)
            return end()

        if owner is not None:
            owner.add_cleanup(end)
        return unsubscribe

    def _change(self, table: Subscriptions, event: str, remove: Callable[[], bool]) -> bool:
        with self._lock:
            found = remove()
            if table is self._subscribers and not table.of(event):
                self._unbind([event])
        return found

    def _unbind(self, events: list[str]) -> None:
        if self._socketio is not None:
            server = SocketServer.of(self._socketio)
            for event in events:
                server.unbind(event, self)


def _by_name(event: str, values: tuple[Any, ...], given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is given by name in place of the server, and the other keyword arguments."""
    if not given and event != "connect":
        return given, given
    names = names_given(event)
    named = {name: value for name, value in given.items() if name in names}
    if event == "connect" and values:
        named.setdefault("auth", values[0])
    return named, {name: value for name, value in given.items() if name not in names}
