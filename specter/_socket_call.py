"""One event of one client: who is asked, what it is answered, and that it is known while it runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ._calls import name_of
from ._where import where
from .sansio.socket_events import Answers, Subscription

if TYPE_CHECKING:
    from ._socket_server import SocketServer

log = logging.getLogger("specter.socket_ingress")

_sid: ContextVar[str | None] = ContextVar("specter_sid", default=None)


def current_sid() -> str | None:
    """The session id of the client whose event is handled, anywhere below its handler; `None` elsewhere."""
    return _sid.get()


# Nothing that is told by name. Read, never changed.
NOTHING: dict[str, Any] = {}


async def ask(
    subscriptions: Iterable[Subscription],
    event: str,
    values: tuple[Any, ...],
    *,
    answers: Answers,
    named: dict[str, Any] = NOTHING,
    extra: dict[str, Any] = NOTHING,
    socket_call: SocketCall | None = None,
    on_error: Callable[..., Awaitable[Any]] | None = None,
) -> None:
    """
    Call subscribers one after another, and note their answers.

    Args:
        subscriptions: In the order in which they are called.
        event: Its name.
        values: The client's, in order.
        answers: Where the subscribers' answers are collected.
        named: What is known of the client, by name of parameter; empty: what *socket_call* knows.
        extra: Keyword arguments for those who can take them.
        socket_call: The handler in flight; `None` if the event was dispatched by hand.
        on_error: Called after each subscriber that failed, with its error, which is logged already, and what the server
            knows of the client by keyword. Not for a refusal of a connection by intent.
    """
    count = len(values)
    for subscription in subscriptions:
        if socket_call is not None:
            socket_call.name = subscription.name
        try:
            # Calling, awaiting and noting stand in this one loop because every subscriber of every event pays for it.
            if count <= subscription.arguments.takes and not extra:
                answer = subscription.fn(*values)
            else:
                args, kwargs = subscription.arguments.fill(values, _known(named, socket_call), extra)
                answer = subscription.fn(*args, **kwargs)
            if answer is None:
                continue
            if hasattr(answer, "__await__"):  # a tenth of the cost of inspect.isawaitable
                answer = await answer
        except Exception as error:
            failure: BaseException = error
        except asyncio.CancelledError as error:
            # Something that the subscriber waited for was cancelled, or the subscriber itself.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            failure = error
        else:
            answers.add(answer)
            continue
        # Outside the handling of the error, so that it is not the context of those that error subscribers raise.
        try:
            if _failed(event, subscription, answers, failure) and on_error is not None:
                await on_error(failure, **_known(named, socket_call))
        finally:
            del failure  # its traceback holds this frame


def _known(named: dict[str, Any], socket_call: SocketCall | None) -> dict[str, Any]:
    # Found out when somebody wants it: most take nothing by name.
    return named if named or socket_call is None else socket_call.known()


def _failed(event: str, subscription: Subscription, answers: Answers, error: BaseException) -> bool:
    """Note and log an error. Returns whether it is a mistake, not a refusal by intent."""
    if answers.fail(error):
        log.debug("%s refused a connection: %s", name_of(subscription.fn), error)
        return False
    log.error("socket event %r: %s failed", event, name_of(subscription.fn), exc_info=error)
    return True


class SocketCall:
    """
    A handler in flight, as a context manager round it.

    A cancellation of the handler ends here: python-socketio would swallow it all the same, and then tell the client
    that the event was handled, or that it is connected.

    Args:
        server: Where it is known.
        event: The event's name.
        sid: The client's session id.
        name: Whose handler it is; changes as one subscriber after another is called.
    """

    __slots__ = ("_cancels", "_server", "_task", "_token", "event", "name", "sid")

    def __init__(self, server: SocketServer, event: str, sid: str | None, name: str = "") -> None:
        self.event = event
        self.sid = sid
        self.name = name
        self._server = server
        self._cancels = 0

    def __enter__(self) -> Self:
        self._task: Any = asyncio.current_task()
        self._token: Token[str | None] = _sid.set(self.sid)
        self._server.calls[self] = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        _sid.reset(self._token)
        calls = self._server.calls
        del calls[self]
        if not calls:
            self._server.ended()
        if kind is None and not self._cancels:
            return False
        for _ in range(self._cancels):
            self._task.uncancel()
        if kind is None or not issubclass(kind, asyncio.CancelledError):
            return False
        self._cancels += 1
        if self._task.cancelling():
            # Somebody else's: connect and disconnect run in the task of the connection, which must hear of it.
            asyncio.get_running_loop().call_soon(self._task.cancel)
        return True

    def cancel(self) -> None:
        """Cancel the handler: natively, so that it is delivered once and a ``finally`` that waits is not cut."""
        self._cancels += 1
        self._task.cancel()

    def known(self) -> dict[str, Any]:
        """What the server knows of the client, by name of parameter."""
        return {"sid": self.sid, "environ": self._server.environ(self.sid)}

    def answer(self, answer: Any) -> Any:
        """What to return to python-socketio: nothing at all, not even an empty answer, if the handler was cancelled."""
        return self._server.refused(self.event) if answer is None and self._cancels else answer

    def __str__(self) -> str:
        """One line for the log, with the line of the application at which it waits."""
        of = f" of {self.name!r}" if self.name else ""
        return f"event {self.event!r}{of} (sid {self.sid}) at {where(self._task)}"
