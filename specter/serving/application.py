"""What `specter run` can serve on asyncio."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, cast

from specter._calls import is_coroutine_function
from specter._lifespan import Lifespan, check_unmanaged
from specter._running_handlers import RunningHandlers

from .asgi import ASGIApp
from .gate import Gate
from .problem import Problem


@dataclass(frozen=True)
class Application:
    """
    What is served.

    Attributes:
        gate: All calls go through it.
        socketio: The python-socketio server in an application without a manager, if it can be seen.
        handlers: Those of that server.
    """

    gate: Gate
    socketio: Any = None
    handlers: RunningHandlers | None = None


def behind_gate(target: str, found: Any) -> Application:
    """
    Put a gate before an application that has none.

    Args:
        target: How it is called in messages.
        found: A Quart app (its manager's ``asgi`` is served, if it has one), a manager or an ASGI app.

    Raises:
        Problem: It cannot be served.
    """
    if isinstance(found, Gate):
        return Application(found)
    manager = _manager_of(found)
    if manager is not None:
        return Application(_booted_by_server(target, manager).asgi)
    if _is_flask(found):
        raise Problem(
            f"{target} is a Flask application, which the asyncio runtime cannot serve: "
            "give --backend gevent, or set SPECTER_BACKEND=gevent"
        )
    if not callable(found) or not is_coroutine_function(found):
        hint = "; if it makes the application, write parentheses after it" if callable(found) else ""
        raise Problem(
            f"{target} must be a Quart app, a ServiceManager or an ASGI app, got {type(found).__name__}{hint}"
        )
    socketio = getattr(found, "engineio_server", None)  # of socketio.ASGIApp
    return Application(
        Gate(cast(ASGIApp, found)), socketio, RunningHandlers(socketio) if socketio is not None else None
    )


def servable(value: object) -> bool:
    """Tell whether an object is something that `behind_gate` takes."""
    return _manager_of(value) is not None or (callable(value) and is_coroutine_function(value))


def _manager_of(found: Any) -> Any:
    module = sys.modules.get("specter.manager")
    if module is None:
        return None
    extensions = getattr(found, "extensions", None)
    candidates = (found, extensions.get("specter") if isinstance(extensions, dict) else None)
    return next((one for one in candidates if isinstance(one, module.ServiceManager)), None)


def _booted_by_server(target: str, manager: Any) -> Any:
    """Wire a manager that was made without `boot` into its application; else nothing would ever start."""
    if manager.app is None:
        raise Problem(
            f"{target} is a manager without a Quart app, which has nothing to serve: give it one, ServiceManager(app), "
            "or run it without a server: asyncio.run(manager.run())"
        )
    if manager.app.extensions.get("specter") is not manager:
        try:
            check_unmanaged(manager.app)
        except RuntimeError as error:
            raise Problem(f"{target} cannot be served: {error}") from error
        Lifespan(manager).wire(manager.app)
    return manager


def _is_flask(found: Any) -> bool:
    flask = sys.modules.get("flask")
    return flask is not None and isinstance(found, flask.Flask)
