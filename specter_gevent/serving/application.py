"""What `specter run` can serve on gevent."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from specter._calls import is_coroutine_function
from specter.serving.problem import Problem
from specter_gevent.manager import ServiceManager

from .clients import Clients


@dataclass(frozen=True)
class Application:
    """
    What is served.

    Attributes:
        wsgi: Answers calls.
        clients: Those of its Socket.IO server; `None` if it has none, or none that can be seen.
    """

    wsgi: Callable[..., Any]
    clients: Clients | None


def application(target: str, found: Any) -> Application:
    """
    Look at what was found under a name; a manager that is not booted yet is booted.

    Args:
        target: How it is called in messages.
        found: A Flask app, a manager or a WSGI app.

    Raises:
        Problem: It cannot be served.
    """
    app = _of_manager(target, found) if isinstance(found, ServiceManager) else found
    if hasattr(app, "asgi_app") or (callable(app) and is_coroutine_function(app)):
        raise Problem(
            f"{target} is an ASGI application, which the gevent runtime cannot serve: "
            "give --backend asyncio, or set SPECTER_BACKEND=asyncio"
        )
    if not callable(app):
        raise Problem(f"{target} must be a Flask app, a ServiceManager or a WSGI app, got {type(app).__name__}")
    server = _socketio_of(found)
    return Application(app, Clients(server) if server is not None else None)


def servable(value: object) -> bool:
    """Tell whether an object is something that `application` takes."""
    flask = sys.modules.get("flask")
    return isinstance(value, ServiceManager) or (flask is not None and isinstance(value, flask.Flask))


def _of_manager(target: str, manager: ServiceManager) -> Any:
    if manager.app is None:
        raise Problem(
            f"{target} is a manager without a Flask app, which has nothing to serve: give it one, ServiceManager(app)"
        )
    manager.boot()
    return manager.app


def _socketio_of(found: Any) -> Any:
    """The python-socketio server behind a Flask app with Flask-SocketIO, a manager, or a `socketio.WSGIApp`."""
    if isinstance(found, ServiceManager):
        return getattr(found.socketio, "server", None) or _socketio_of(found.app)
    extensions = getattr(found, "extensions", None)
    if isinstance(extensions, dict) and "socketio" in extensions:
        return extensions["socketio"].server
    return getattr(found, "engineio_app", None)
