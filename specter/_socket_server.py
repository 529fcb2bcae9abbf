"""
What Specter adds to one python-socketio server: several subscribers to an event, and the knowledge of what runs.

python-socketio keeps one handler for an event, and the last one registered wins. Here an event that an ingress binds
gets a slot, and a handler that the application registered for it, before or after, is the first to be called there: a
check of the application's on connect must not get lost because a service listens to connect, too.

All other handlers of the application are wrapped, so that they are known while they run and can be ended. That is done
where they are kept (``handlers``, ``namespace_handlers``) and where they come in (``on``, ``register_namespace``).

An event that nobody hears is told in the log, as long as no handler of the application may be for all that is left.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import anyio

from ._calls import call, name_of
from ._socket_call import NOTHING, SocketCall, ask
from .sansio.companions import comes_from
from .sansio.errors import WrongCompanion
from .sansio.socket_arguments import SocketArguments
from .sansio.socket_events import Answers, Subscription
from .sansio.unheard import Unheard

log = logging.getLogger("specter.socket_ingress")

_ROOT = "/"
# python-socketio's name for every event, and for every namespace.
_EVERY = "*"
# The events that it sends itself.
_OWN = ("connect", "disconnect")


class Ingress(Protocol):
    """Whom a slot asks."""

    def _hear(
        self, event: str, values: tuple[Any, ...], named: dict[str, Any], answers: Answers, socket_call: SocketCall
    ) -> Coroutine[Any, Any, None]:
        """Call the subscribers."""
        ...


class SocketServer:
    """
    One python-socketio server as Specter knows it. `of` finds it.

    Attributes:
        socketio: The server.
        calls: The handlers in flight, oldest first.
        serves_events: Turned off, events of clients find no handler and get no acknowledgement; disconnect still does.
        has_others: The application may have handlers `beneath` a slot.
        ingress: For handlers that are set up where no ingress is provided.
        engine_connect: Engine.IO's own handler of connect, while another one stands in for it to refuse clients.
    """

    def __init__(self, socketio: Any) -> None:
        self.socketio = socketio
        self.calls: dict[SocketCall, None] = {}
        self.serves_events = True
        self.ingress: Any = None
        self.engine_connect: Any = None
        self.has_others = False
        self._slots: dict[str, _Slot] = {}
        self._unheard = Unheard()
        self._idle: anyio.Event | None = None
        self._on = socketio.on
        self._register_namespace = getattr(socketio, "register_namespace", None)
        self._wrap()

    @staticmethod
    def of(socketio: Any) -> SocketServer:
        """
        The one for a server; made when it is asked for first.

        Raises:
            TypeError: *socketio* is no asynchronous Socket.IO server.
        """
        on = getattr(socketio, "on", None)
        found = getattr(on, "__self__", None)
        if isinstance(found, SocketServer):
            return found
        is_async = getattr(socketio, "is_asyncio_based", lambda: not hasattr(socketio, "on_event"))
        if not callable(on) or not is_async():
            problem = f"a socketio.AsyncServer is needed, got {type(socketio).__name__}"
            if comes_from(socketio, "flask_socketio"):
                raise WrongCompanion(f"{problem}, which needs the gevent runtime", needs="gevent")
            raise TypeError(problem)
        return SocketServer(socketio)

    # Handlers of the application.

    def on(self, event: str, handler: Any = None, namespace: str | None = None) -> Any:
        """Stand in for the server's own `on`: what is registered is wrapped, or joins the slot of its event."""
        if handler is None:
            return lambda fn: self.on(event, fn, namespace) or fn
        slot = self._slots.get(event) if (namespace or _ROOT) == _ROOT else None
        if slot is not None:
            slot.application = _Application(self, event, _ROOT, handler)
        else:
            self._on(event, _Application(self, event, namespace or _ROOT, handler).handle, namespace)
            self._mind_the_rest()
        return None

    def register_namespace(self, handler: Any) -> None:
        """Stand in for the server's own `register_namespace`."""
        assert self._register_namespace is not None
        self._register_namespace(handler)
        self._wrap_namespace(handler)
        self._mind_the_rest()

    def _wrap(self) -> None:
        for namespace, handlers in getattr(self.socketio, "handlers", {}).items():
            for event, handler in handlers.items():
                handlers[event] = _Application(self, event, namespace, handler).handle
        for handler in getattr(self.socketio, "namespace_handlers", {}).values():
            self._wrap_namespace(handler)
        self.socketio.on = self.on
        if self._register_namespace is not None:
            self.socketio.register_namespace = self.register_namespace

    def _wrap_namespace(self, handler: Any) -> None:
        # It takes the event first, like a handler for every event.
        handler.trigger_event = _Application(self, _EVERY, handler.namespace, handler.trigger_event).handle

    # Events of an ingress.

    def bind(self, event: str, ingress: Ingress) -> None:
        """Have *ingress* hear an event; it may hear it already."""
        slot = self._slots.get(event)
        if slot is None:
            before = self._handlers().get(event)
            application = getattr(before, "__self__", None)
            slot = self._slots[event] = _Slot(self, event, ingress)
            slot.application = application if isinstance(application, _Application) else None
            self._on(event, slot.handle)
            self._mind_the_rest()
        elif ingress not in slot.ingresses:
            slot.ingresses = (*slot.ingresses, ingress)

    def unbind(self, event: str, ingress: Ingress) -> None:
        """Have *ingress* hear an event no more. With the last one the slot goes; the application's handler stays."""
        slot = self._slots.get(event)
        if slot is None:
            return
        slot.ingresses = tuple(other for other in slot.ingresses if other is not ingress)
        if slot.ingresses:
            return
        del self._slots[event]
        handlers = self._handlers()
        if handlers.get(event) == slot.handle:
            self._put_back(event, slot.application)
        self._mind_the_rest()

    def _put_back(self, event: str, application: _Application | None) -> None:
        handlers = self._handlers()
        if application is not None:
            handlers[event] = application.handle
            return
        del handlers[event]
        if not handlers:
            # A namespace that is there, although empty, is one that clients may connect to.
            del self.socketio.handlers[_ROOT]

    def _handlers(self) -> dict[str, Any]:
        found: dict[str, Any] = getattr(self.socketio, "handlers", {}).get(_ROOT, {})
        return found

    # Events that nobody hears.

    def _mind_the_rest(self) -> None:
        """Hear every event that nobody hears, unless the application has a handler that may be for it."""
        namespaces = {*getattr(self.socketio, "handlers", {}), *getattr(self.socketio, "namespace_handlers", {})}
        others = self.has_others = _EVERY in namespaces or _ROOT in getattr(self.socketio, "namespace_handlers", {})
        found = self._handlers().get(_EVERY)
        if self._slots and not others and found is None:
            self._on(_EVERY, self._hear_the_rest)
        elif found == self._hear_the_rest and (others or not self._slots):
            self._put_back(_EVERY, None)

    async def _hear_the_rest(self, event: Any, *args: Any) -> Any:
        # Of a client's event that is itself named like the handler for every event it is not told the name.
        genuine = bool(args) and self._is_connected(args[0])
        shown = self._unheard.tell(str(event) if genuine else _EVERY) if self.serves_events else None
        if shown is not None:
            heard = sorted({*self._handlers()} - {_EVERY, "connect", "disconnect"})
            sid = args[0] if genuine else event
            log.warning("socket event %r is heard by nobody (sid %s); heard are: %s", shown, sid, ", ".join(heard))
            if self._unheard.enough:
                log.warning("more socket events that nobody hears are not told")
        return self.not_handled

    def _is_connected(self, sid: Any) -> bool:
        manager = getattr(self.socketio, "manager", None)
        return manager is None or (isinstance(sid, str) and bool(manager.is_connected(sid, _ROOT)))

    def beneath(self, event: str) -> _Application | None:
        """The application's handler that python-socketio would call for an event if that had no slot."""
        found = getattr(self.socketio, "handlers", {}).get(_EVERY, {}).get(event)
        if found is None:
            classes = getattr(self.socketio, "namespace_handlers", {})
            found = getattr(classes.get(_ROOT) or classes.get(_EVERY), "trigger_event", None)
        application = getattr(found, "__self__", None)
        return application if isinstance(application, _Application) else None

    # What runs.

    def environ(self, sid: str | None) -> Any:
        """The environ of a client; `None` if there is none."""
        get_environ = getattr(self.socketio, "get_environ", None)
        return get_environ(sid) if get_environ is not None else None

    def serves(self, event: str) -> bool:
        """Whether an event is handled now."""
        return self.serves_events or event == "disconnect"

    def is_genuine(self, event: str, sid: str, args: tuple[Any, ...]) -> bool:
        """Whether a connect or disconnect is Socket.IO's own: a client may send an event of that name."""
        if event == "connect":
            return bool(args) and (self.environ(sid) is args[0] or not hasattr(self.socketio, "get_environ"))
        manager = getattr(self.socketio, "manager", None)
        return manager is None or not manager.is_connected(sid, _ROOT)

    def refused(self, event: str) -> Any:
        """The answer of a handler that did not run to its end: no connection, and no acknowledgement."""
        return False if event == "connect" else self.not_handled

    @property
    def not_handled(self) -> Any:
        """python-socketio's mark for an event without a handler: no acknowledgement is sent."""
        return getattr(self.socketio, "not_handled", None)

    def ended(self) -> None:
        """Tell who waits that nothing runs."""
        if self._idle is not None:
            self._idle.set()
            self._idle = None

    async def idle(self) -> None:
        """Wait until nothing runs."""
        while self.calls:
            idle = self._idle = self._idle or anyio.Event()
            await idle.wait()


class _Application:
    """A handler that the application registered itself."""

    __slots__ = ("_event", "_namespace", "_server", "fn", "subscription")

    def __init__(self, server: SocketServer, event: str, namespace: str, fn: Callable[..., Any]) -> None:
        self.fn = fn
        # In a slot it is called as python-socketio would call it, but that missing parameters are no error.
        self.subscription = Subscription(fn, SocketArguments(fn), 0, name_of(fn))
        self._server = server
        self._event = event
        self._namespace = namespace

    def told(self, event: str) -> tuple[str, ...]:
        """What it is told before the sid: which event, if it is for every event, and likewise for the namespace."""
        return (event,) * (self._event == _EVERY) + (_ROOT,) * (self._namespace == _EVERY)

    async def handle(self, *args: Any) -> Any:
        """What python-socketio calls where no ingress hears the event."""
        event = args[0] if self._event == _EVERY else self._event
        if not self._server.serves(event):
            return self._server.refused(event)
        # A client may send an event that is named like the handler for every event: then nothing comes before the sid.
        sid = next(iter(args[len(self.told(event)) :]), None)
        with SocketCall(self._server, event, sid, self.subscription.name) as socket_call:
            return socket_call.answer(await call(self.fn, *args))
        return socket_call.answer(None)


class _Slot:
    """The handler of an event that ingresses hear."""

    def __init__(self, server: SocketServer, event: str, ingress: Ingress) -> None:
        self.application: _Application | None = None
        self.ingresses: tuple[Ingress, ...] = (ingress,)
        self._server = server
        self._event = event
        self._is_own = event in _OWN

    async def handle(self, sid: str, *args: Any) -> Any:
        """What python-socketio calls."""
        server, event = self._server, self._event
        # Every event of every client passes here: what only those of the server's own need is not asked for others.
        if not server.serves(event) or (self._is_own and not server.is_genuine(event, sid, args)):
            return server.refused(event)  # of a forged connect as well: to doubt means to refuse
        answers = Answers.to(event)
        with SocketCall(server, event, sid) as socket_call:
            application = self.application or (server.beneath(event) if server.has_others else None)
            if application is not None:
                own = (*application.told(event), sid, *args)
                await ask((application.subscription,), event, own, answers=answers, socket_call=socket_call)
            named = NOTHING
            if event == "connect":
                environ, *values = args
                args, named = tuple(values), {"sid": sid, "environ": environ, "auth": values[0] if values else None}
            for ingress in self.ingresses:
                await ingress._hear(event, args, named, answers, socket_call)
            return socket_call.answer(answers.conclude())
        return socket_call.answer(None)
