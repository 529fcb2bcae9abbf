"""What a test hands to the harness as its application, and the parts of it that the harness needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from specter._lifespan import check_app
from specter._testing.given import is_asgi, refuse_other_runtime, told
from specter.manager import ServiceManager
from specter.runtime import _current

# An application may have itself as its ``app``.
_MOST_LAYERS = 100

NEEDED = "a manager, a Quart application or another ASGI application"


@dataclass(frozen=True)
class Target:
    """
    An application.

    Attributes:
        given: What the test has given.
        asgi: What its calls and its lifespan go to; `None` for a manager of services alone.
        quart: The Quart application in it, if there is one.
        manager: That which boots with it, if there is one.
        booted_by_app: Whether the lifespan of the application boots the manager.
    """

    given: Any
    asgi: Any
    quart: Any
    manager: ServiceManager | None
    booted_by_app: bool

    @staticmethod
    def of(given: Any, needed: str = NEEDED) -> Target:
        """
        Find the parts.

        Args:
            given: A manager, a Quart application, ``manager.asgi`` or any other ASGI application.
            needed: What is said to be needed.

        Raises:
            TypeError: It is none of these.
        """
        if isinstance(given, ServiceManager):
            served = given.app is not None or given.socketio is not None
            wired = given.app is not None and given.app.extensions.get("specter") is given
            return Target(given, given.asgi if served else None, given.app, given, wired)
        refuse_other_runtime(given, "asyncio")
        if not is_asgi(given):
            raise TypeError(f"{needed} is needed, got {told(given)}")
        quart = _quart_in(given)
        manager = quart.extensions.get("specter") if quart is not None else None
        asgi = manager.asgi if manager is not None and given is quart else given
        return Target(given, asgi, quart, manager, manager is not None)

    @property
    def key(self) -> object:
        """The same for all that share one lifespan."""
        for part in (self.manager, self.quart):
            if part is not None:
                return part
        return self.given

    @contextmanager
    def as_served(self) -> Iterator[None]:
        """
        Have the tasks that are made within know no runtime of the test.

        They run what a server would: there the runtime of the manager is the one around a request.
        """
        if self.manager is None:
            yield
            return
        token = _current.set(None)
        try:
            yield
        finally:
            _current.reset(token)


def _quart_in(given: Any) -> Any:
    """The Quart application that is wrapped, at any depth; `None` if there is none."""
    inner = given
    for _ in range(_MOST_LAYERS):
        if inner is None or hasattr(inner, "while_serving_gens"):
            return inner
        if hasattr(inner, "wsgi_app"):
            check_app(inner)  # a Flask application: refused by the name of the switch
        # Specter's own gate and most middleware; python-socketio's.
        inner = getattr(inner, "app", None) or getattr(inner, "other_asgi_app", None)
    return None
