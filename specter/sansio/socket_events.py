"""
Socket events with many subscribers: who hears one, what the client is answered, what refuses its connection.

Subscribers are called one after another, by priority and then in order of subscription. Each may answer:

- on connect, any error and the answer ``False`` refuse the connection; the first refusal stands, whatever comes later;
- elsewhere, the acknowledgement is what the last subscriber to answer something other than ``None`` returned. An error
  is no answer.
"""

from __future__ import annotations

import errno
import sys
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from .ownership import require_callable
from .socket_arguments import SocketArguments


class Subscription:
    """
    One callback for one event.

    Args:
        fn: The callback.
        arguments: How it is called.
        priority: A lower one is called earlier.
        name: Whom it belongs to, for logs.
    """

    __slots__ = ("arguments", "fn", "name", "priority")

    def __init__(self, fn: Callable[..., Any], arguments: SocketArguments, priority: float, name: str) -> None:
        self.fn = fn
        self.arguments = arguments
        self.priority = priority
        self.name = name

    def __repr__(self) -> str:
        return f"<Subscription of {self.name!r}, priority {self.priority}>"


class Subscriptions:
    """
    Who hears which event.

    What `of` gives never changes afterwards: a callback that comes or goes during a dispatch counts from the next one.

    Attributes:
        by_event: ``{event: its subscriptions}``, without events that have none. To be read.
    """

    def __init__(self) -> None:
        self.by_event: dict[str, tuple[Subscription, ...]] = {}

    def of(self, event: str) -> tuple[Subscription, ...]:
        """The subscriptions of an event, in the order in which they are called."""
        return self.by_event.get(event, ())

    def events(self) -> list[str]:
        """The events that have subscriptions, oldest first."""
        return list(self.by_event)

    def add(self, event: str, subscription: Subscription) -> None:
        """Add after all of the same priority."""
        before = self.of(event)
        at = bisect_right(before, subscription.priority, key=lambda other: other.priority)
        self._set(event, (*before[:at], subscription, *before[at:]))

    def discard(self, event: str, subscription: Subscription) -> bool:
        """Remove one subscription. Returns whether it was there."""
        return self._keep(event, lambda other: other is not subscription)

    def remove(self, event: str, fn: Callable[..., Any]) -> bool:
        """Remove every subscription of *fn* to *event*. Returns whether there was one."""
        return self._keep(event, lambda other: other.fn != fn)

    def clear(self) -> list[str]:
        """Remove all. Returns the events that had subscriptions."""
        events = self.events()
        self.by_event.clear()
        return events

    def _keep(self, event: str, wanted: Callable[[Subscription], bool]) -> bool:
        before = self.of(event)
        after = tuple(filter(wanted, before))
        self._set(event, after)
        return len(after) < len(before)

    def _set(self, event: str, subscriptions: tuple[Subscription, ...]) -> None:
        if subscriptions:
            self.by_event[event] = subscriptions
        else:
            self.by_event.pop(event, None)


class Answers:
    """
    What the subscribers of one call answered, in their order.

    Attributes:
        connecting: The event is connect.
        acknowledgement: What the client is answered; `None` for nothing.
        refused: The connection is refused.
        refusal: The error whose first argument tells the client why; `None` if it is not told.
    """

    # Of the class, as hardly any of these is set for an event: an `__init__` takes a fifth of a dispatch.
    connecting = False
    acknowledgement: Any = None
    refused = False
    refusal: BaseException | None = None

    @staticmethod
    def to(event: str) -> Answers:
        """Collect the answers to an event."""
        return Refusable() if event == "connect" else Answers()

    def add(self, answer: Any) -> None:
        """Take what a subscriber returned."""
        if answer is None:
            return
        if self.connecting and answer is False:
            self._refuse()
        else:
            self.acknowledgement = answer

    def fail(self, error: BaseException) -> bool:
        """
        Take a subscriber's error. It refuses a connection; elsewhere it is no answer.

        Returns:
            Whether it was raised to refuse a connection, and is no mistake.
        """
        intended = self.connecting and _is_refusal(error)
        self._refuse(error if intended else None)
        return intended

    def conclude(self) -> Any:
        """
        Give the server its answer: the acknowledgement, or on connect `False` for a refusal that says nothing.

        Raises:
            Exception: A refusal that says why; of python-socketio's class, where that is loaded.
        """
        if not self.refused:
            return self.acknowledgement
        if self.refusal is None:
            return False
        known = _refusing()[1:]
        if not known or isinstance(self.refusal, known):
            raise self.refusal
        raise known[0](*self.refusal.args[:1])

    def _refuse(self, error: BaseException | None = None) -> None:
        if self.connecting and not self.refused:
            self.refused = True
            self.refusal = error


class Refusable(Answers):
    """The answers to a connect."""

    connecting = True


def _is_refusal(error: BaseException) -> bool:
    # Where the system raised the built-in one, because somebody refused a connection to the application, it is an error
    # like any other.
    return isinstance(error, _refusing()) and getattr(error, "errno", None) != errno.ECONNREFUSED


def _refusing() -> tuple[type[Exception], ...]:
    """The classes that refuse a connection, the built-in one first. What nobody imported nobody has raised."""
    modules = [sys.modules[name] for name in ("socketio.exceptions", "flask_socketio") if name in sys.modules]
    return (ConnectionRefusedError, *(module.ConnectionRefusedError for module in modules))


def require_event(event: object) -> None:
    """
    Refuse what cannot be the name of an event.

    Raises:
        TypeError: *event* is no string, or empty.
    """
    if not isinstance(event, str) or not event:
        raise TypeError(f"a socket event must be a non-empty string, got {event!r}")


def require_subscriber(fn: object, priority: object) -> None:
    """
    Refuse what cannot subscribe.

    Raises:
        TypeError: *fn* is not callable, or *priority* is no number.
    """
    require_callable(fn, "a socket callback")
    if not isinstance(priority, int | float):
        raise TypeError(f"priority must be a number, got {priority!r}")
