"""What a test hands to the harness as its application, and the parts of it that the harness needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from specter_gevent._companions import check_app
from specter_gevent.manager import ServiceManager, booted_managers


@dataclass(frozen=True)
class Target:
    """
    An application.

    Attributes:
        given: What the test has given.
        flask: The Flask application in it, if there is one.
        socketio: The Flask-SocketIO server, if there is one.
        manager: That which boots with it, if there is one.
    """

    given: Any
    flask: Any
    socketio: Any
    manager: ServiceManager | None

    @staticmethod
    def of(given: Any) -> Target:
        """
        Find the parts.

        Args:
            given: A manager, or a Flask application.

        Raises:
            TypeError: It is neither.
        """
        if isinstance(given, ServiceManager):
            return Target(given, given.app, given.socketio, given)
        check_app(given)
        if not hasattr(given, "wsgi_app") or isinstance(given, type):
            raise TypeError(f"a manager or a Flask application is needed, got {type(given).__name__}")
        manager = next((booted for booted in booted_managers() if booted.app is given), None)
        socketio = manager.socketio if manager is not None else given.extensions.get("socketio")
        return Target(given, given, socketio, manager)
