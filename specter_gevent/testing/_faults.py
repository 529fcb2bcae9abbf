"""Faults at named points of an instance: a hook that fails, or that does not come back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gevent.event import Event

from specter._testing.points import Failure, Fault, named


def fail(target: Any, name: str, error: BaseException | type[BaseException], *, times: int | None = None) -> Fault:
    """
    Have a method of one instance raise *error*, until that is undone: ``with fail(service, "on_start", OSError): ...``.

    The fault stands at once, and is met by whoever takes the method from the instance from then on; a bound method that
    was handed out before goes by it. Of several faults at one point the newest is met first.

    Args:
        target: A service, cache, bus, or any other object; not a class.
        name: A method: ``on_start``, ``handle_item``, ``emit``. ``method.parameter`` is the function that is handed to
            the method as that parameter: ``get_or_compute.factory``. ``poll``, ``stream`` and ``transform`` are those
            of a `Watcher`.
        error: An exception, or a class of them.
        times: How many calls fail, 1 or more; `None` for all. Those after them reach the method itself.

    Returns:
        A context manager with ``undo()``, and ``calls``: how many have failed so far.

    Raises:
        AttributeError: There is no such method or parameter; names those that are alike.
        TypeError: The attribute is no method, *error* is no exception, or *target* is a class or has no ``__dict__``.
        ValueError: *times* is less than 1.
    """
    return Failure(target, name, error, times)


def hang(target: Any, name: str, *, times: int | None = None) -> Hang:
    """
    Have a method of one instance wait, until it is released or that is undone: ``with hang(service, "on_stop"): ...``.

    Then the method itself is called. The wait can be killed like any other. See `fail` for what may be named.

    Args:
        target: A service, cache, bus, or any other object; not a class.
        name: A method, or ``method.parameter``.
        times: How many calls hang, 1 or more; `None` for all.

    Returns:
        A context manager: ``hang.reached.wait()`` waits until a call hangs, ``hang.release()`` lets it and all later
        ones go on.

    Raises:
        AttributeError: There is no such method or parameter; names those that are alike.
        TypeError: The attribute is no method; *target* is a class or has no ``__dict__``.
        ValueError: *times* is less than 1.
    """
    return Hang(target, name, times)


class Hang(Fault):
    """
    A method that waits. Made by `hang`.

    Attributes:
        reached: A `gevent.event.Event`, set when the first call hangs.
    """

    def __init__(self, target: Any, name: str, times: int | None) -> None:
        self.reached = Event()
        self._released = Event()
        super().__init__(target, name, times, self._hanging)

    def release(self) -> None:
        """Let all calls that hang go on, and all later ones through."""
        self._released.set()

    def undo(self) -> None:
        """Take the fault away, and let all calls that hang go on; twice is harmless."""
        super().undo()
        self.release()

    def _hanging(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        def hanging(*args: Any, **kwargs: Any) -> Any:
            if not self._released.is_set() and self.met():
                self.reached.set()
                self._released.wait()
            return fn(*args, **kwargs)

        return named(fn, hanging)
