"""One dispatcher for each event of a Flask-SocketIO server, and many subscribers behind it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from gevent import Timeout

from specter.sansio.callables import name_of, require_plain
from specter.sansio.socket_arguments import SocketArguments
from specter.sansio.socket_events import Answers, Subscription, Subscriptions

from ._companions import check_socketio
from ._locks import StateLock
from ._overrides import is_ours

if TYPE_CHECKING:
    from flask_socketio import SocketIO

logger = logging.getLogger("specter.core.socket_ingress")
F = TypeVar("F", bound=Callable[..., Any])

# What errors are kept under; in a table of its own, since a client may send an event of this name.
_ERRORS = "default error"

_UNSUBSCRIBED = "[SPECTER:socket_ingress] unsubscribed '%s'"
_UNSUBSCRIBED_ERRORS = "[SPECTER:socket_ingress] unsubscribed default error handler"


class SocketIngress:
    """
    Brings a client's event to all who subscribed to it, by priority and then in order of subscription.

    Callbacks are plain functions. They get the client's values in order: one that takes fewer gets fewer. Connect's
    value is the client's ``auth``. Subscribing and unsubscribing is safe from every thread and counts from the next
    event on.

    Args:
        socketio: The server; see `attach`.
        name: For logs.
    """

    def __init__(self, socketio: SocketIO | None = None, *, name: str = "socket_ingress") -> None:
        check_socketio(socketio)
        self.name = name
        self._socketio: Any = socketio
        self._table = Subscriptions()
        self._subscribers = self._table.by_event
        self._error_table = Subscriptions()
        # What the server calls, by event. It stays bound when the last subscriber leaves: the server takes none back.
        self._dispatchers: dict[str, Callable[..., Any]] = {}
        self._default_error_dispatcher: Callable[..., Any] | None = None
        self._lock = StateLock()

    def __repr__(self) -> str:
        return f"<SocketIngress {self.name!r}, {len(self._subscribers)} events>"

    @property
    def socketio(self) -> SocketIO | None:
        """The server; `None` before `attach` and after `clear`."""
        return self._socketio

    def attach(self, socketio: SocketIO | None) -> Self:
        """
        Hear the events of a server, and no more those of the one before. Subscriptions are kept.

        A handler that the application registered for one of them before is called no more: the server has one for each
        event.

        Args:
            socketio: `None` for no server: events come through `dispatch` alone.

        Raises:
            TypeError: It is a Socket.IO server of the asyncio runtime; names the backend switch.
        """
        check_socketio(socketio)
        with self._lock:
            if socketio is not self._socketio:
                self._dispatchers.clear()
                self._default_error_dispatcher = None
            self._socketio = socketio
        for event in self._table.events():
            self._bind(event)
        if self._error_table.of(_ERRORS):
            self._bind_errors()
        return self

    @overload
    def on(
        self, event_name: str, callback: None = None, *, owner: Any = None, priority: float = 100
    ) -> Callable[[F], F]: ...
    @overload
    def on(self, event_name: str, callback: F, *, owner: Any = None, priority: float = 100) -> F: ...
    def on(self, event_name: str, callback: Any = None, *, owner: Any = None, priority: float = 100) -> Any:
        """`subscribe`, which gives the function back; without *callback* a decorator."""

        def subscribe(fn: F) -> F:
            self.subscribe(event_name, fn, owner=owner, priority=priority)
            return fn

        return subscribe if callback is None else subscribe(callback)

    def handler(self, event_name: str, *, owner: Any = None, priority: float = 100) -> Callable[[F], F]:
        """A decorator that subscribes; see `subscribe`."""
        return self.on(event_name, owner=owner, priority=priority)

    def subscribe(
        self, event_name: str, callback: Callable[..., Any], *, owner: Any = None, priority: float = 100
    ) -> Callable[[], bool]:
        """
        Call *callback* for each event of this name.

        Args:
            event_name: The name; ``connect`` and ``disconnect`` are Socket.IO's own. White space around it does not
                count.
            callback: A plain function. What it returns may become the acknowledgement. Subscribed twice, it is called
                twice.
            owner: Ends the subscription when it stops; anything with ``add_cleanup``.
            priority: A lower one is called earlier.

        Returns:
            A plain function that ends this subscription, and returns whether it was there.

        Raises:
            TypeError: *event_name* is no non-empty string, *callback* cannot be called or is a coroutine function, or
                *owner* cannot own.
        """
        if not isinstance(event_name, str) or not event_name.strip():
            raise TypeError(f"[SPECTER:socket_ingress] event_name must be a non-empty string, got {event_name!r}")
        event = event_name.strip()
        unsubscribe = self._subscribe(self._table, event, callback, owner, priority)
        self._bind(event)
        logger.debug("[SPECTER:socket_ingress] subscribed '%s' at priority %s", event, priority)
        return unsubscribe

    def unsubscribe(self, event_name: str, callback: Callable[..., Any]) -> bool:
        """End all subscriptions of *callback* to an event. Returns whether there was one."""
        with self._lock:
            removed = self._table.remove(event_name, callback)
        return _logged(removed, _UNSUBSCRIBED, event_name)

    @overload
    def on_error_default(
        self, callback: None = None, *, owner: Any = None, priority: float = 100
    ) -> Callable[[F], F]: ...
    @overload
    def on_error_default(self, callback: F, *, owner: Any = None, priority: float = 100) -> F: ...
    def on_error_default(self, callback: Any = None, *, owner: Any = None, priority: float = 100) -> Any:
        """`subscribe_error_default`, which gives the function back; without *callback* a decorator."""

        def subscribe(fn: F) -> F:
            self.subscribe_error_default(fn, owner=owner, priority=priority)
            return fn

        return subscribe if callback is None else subscribe(callback)

    def subscribe_error_default(
        self, callback: Callable[..., Any], *, owner: Any = None, priority: float = 100
    ) -> Callable[[], bool]:
        """
        Call ``callback(error)`` for each error of a subscriber, and for those of the server's other handlers.

        See `subscribe`.
        """
        unsubscribe = self._subscribe(self._error_table, _ERRORS, callback, owner, priority)
        self._bind_errors()
        logger.debug("[SPECTER:socket_ingress] subscribed default error at priority %s", priority)
        return unsubscribe

    def unsubscribe_error_default(self, callback: Callable[..., Any]) -> bool:
        """End all subscriptions of *callback* to errors. Returns whether there was one."""
        with self._lock:
            removed = self._error_table.remove(_ERRORS, callback)
        return _logged(removed, _UNSUBSCRIBED_ERRORS)

    def dispatch(self, event_name: str, *args: Any, **kwargs: Any) -> Any:
        """
        Bring an event to its subscribers by hand.

        Args:
            event_name: The name.
            args: The client's values.
            kwargs: For the parameters of these names; who cannot take one does not get it.

        Returns:
            The acknowledgement: what the last subscriber to answer something other than `None` returned. On connect
            `False` if one of them refused.

        Raises:
            ConnectionRefusedError: On connect, what a subscriber raised to say why.
        """
        answers = Answers.to(event_name)
        for subscription in self._subscribers.get(event_name, ()):
            try:
                if len(args) <= subscription.arguments.takes and not kwargs:
                    answer = subscription.fn(*args)
                else:
                    values, named = subscription.arguments.fill(args, {}, kwargs)
                    answer = subscription.fn(*values, **named)
                if answer is not None:
                    answers.add(answer)
            except Exception as error:
                self._failed(event_name, subscription, answers, error)
        return answers.conclude()

    def dispatch_default_error(self, *args: Any, **kwargs: Any) -> Any:
        """
        Bring an error to the error subscribers by hand. An error of theirs is logged, and that is all.

        Args:
            args: What they are called with: the error.
            kwargs: As for `dispatch`.

        Returns:
            What the last to answer something other than `None` returned.
        """
        answers = Answers()
        for subscription in self._error_table.of(_ERRORS):
            try:
                values, named = subscription.arguments.fill(args, {}, kwargs)
                answers.add(subscription.fn(*values, **named))
            except Exception as error:
                logger.error("[SPECTER:socket_ingress] default error subscriber failed: %s", error, exc_info=True)
        return answers.acknowledgement

    def clear(self) -> None:
        """End all subscriptions and leave the server."""
        with self._lock:
            self._table.clear()
            self._error_table.clear()
            self._dispatchers.clear()
            self._default_error_dispatcher = None
            self._socketio = None

    # Internal.

    @property
    def _default_error_subscribers(self) -> list[Subscription]:
        return [*self._error_table.of(_ERRORS)]

    def _failed(self, event: str, subscription: Subscription, answers: Answers, error: Exception) -> None:
        if answers.fail(error):
            logger.debug("[SPECTER:socket_ingress] %s refused a connection: %s", name_of(subscription.fn), error)
            return
        logger.error("[SPECTER:socket_ingress] subscriber error for '%s': %s", event, error, exc_info=True)
        self.dispatch_default_error(error)

    def _subscribe(
        self, table: Subscriptions, event: str, fn: Callable[..., Any], owner: Any, priority: float
    ) -> Callable[[], bool]:
        if not callable(fn):
            raise TypeError(f"[SPECTER:socket_ingress] callback must be callable, got {type(fn).__name__}")
        require_plain(fn, "a socket callback")
        if owner is not None and not callable(getattr(owner, "add_cleanup", None)):
            raise TypeError(f"[SPECTER:socket_ingress] owner must expose add_cleanup(), got {type(owner).__name__}")
        subscription = Subscription(fn, SocketArguments(fn), priority, name_of(fn))
        with self._lock:
            table.add(event, subscription)

        def unsubscribe() -> bool:
            return self._discard(table, event, subscription)

        if owner is not None:
            owner.add_cleanup(unsubscribe)
        return unsubscribe

    def _discard(self, table: Subscriptions, event: str, subscription: Subscription) -> bool:
        """End one subscription; by a method that is not ours, if there is one: all that its function has."""
        errors = table is self._error_table
        if errors and not is_ours(self.unsubscribe_error_default, _UNSUBSCRIBE_ERRORS):
            return self.unsubscribe_error_default(subscription.fn)
        if not errors and not is_ours(self.unsubscribe, _UNSUBSCRIBE):
            return self.unsubscribe(event, subscription.fn)
        with self._lock:
            removed = table.discard(event, subscription)
        return _logged(removed, _UNSUBSCRIBED_ERRORS) if errors else _logged(removed, _UNSUBSCRIBED, event)

    def _bind(self, event: str) -> None:
        with self._lock:
            socketio = self._socketio
            if socketio is None or event in self._dispatchers:
                return
            dispatcher = self._dispatchers[event] = self._dispatcher(event, socketio)
        try:
            socketio.on_event(event, dispatcher)
        except BaseException:  # a kill too: the next subscriber is to bind it
            self._dispatchers.pop(event, None)
            raise
        logger.info("[SPECTER:socket_ingress] bound dispatcher for '%s'", event)

    def _bind_errors(self) -> None:
        with self._lock:
            socketio = self._socketio
            if socketio is None or self._default_error_dispatcher is not None:
                return
            dispatcher = self._default_error_dispatcher = self._error_dispatcher(socketio)
        try:
            socketio.on_error_default(dispatcher)
        except BaseException:
            self._default_error_dispatcher = None
            raise
        logger.info("[SPECTER:socket_ingress] bound default error dispatcher")

    def _dispatcher(self, event: str, socketio: Any) -> Callable[..., Any]:
        """What the server calls for an event, also when it is attached no more."""

        def dispatch(*args: Any, **kwargs: Any) -> Any:
            return self.dispatch(event, *args, **kwargs) if self._socketio is socketio else None

        def dispatch_connect(*args: Any, **kwargs: Any) -> Any:
            try:
                return dispatch(*args, **kwargs)
            except Timeout:
                # No error to Python, but a subscriber's all the same, since nobody waits with a timeout above here: the
                # client was not checked in time.
                logger.error("[SPECTER:socket_ingress] a subscriber to 'connect' took too long", exc_info=True)
                return False

        return _named(dispatch_connect if event == "connect" else dispatch, event)

    def _error_dispatcher(self, socketio: Any) -> Callable[..., Any]:
        """What the server calls for the errors of its other handlers."""

        def dispatch(error: Any) -> Any:
            answer = None
            if self._socketio is socketio and self._error_table.of(_ERRORS):
                answer = self.dispatch_default_error(error)
            else:
                logger.error("[SPECTER:socket_ingress] a socket handler failed: %s", error, exc_info=error)
            # The server would take whatever comes back from here for the handler's answer, and let the client in.
            return False if _connecting() else answer

        return _named(dispatch, "default_error")


_UNSUBSCRIBE, _UNSUBSCRIBE_ERRORS = SocketIngress.unsubscribe, SocketIngress.unsubscribe_error_default


def _logged(removed: bool, text: str, *args: str) -> bool:
    if removed:
        logger.debug(text, *args)
    return removed


def _named(dispatcher: Callable[..., Any], event: str) -> Callable[..., Any]:
    dispatcher.__name__ = f"specter_socket_dispatch_{event}"
    return dispatcher


def _connecting() -> bool:
    """Whether Flask-SocketIO handles a connection here."""
    from flask import has_request_context, request

    return has_request_context() and getattr(request, "event", {}).get("message") == "connect"
