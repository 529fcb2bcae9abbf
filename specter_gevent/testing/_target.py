"""What a test hands to the harness as its application, and the parts of it that the harness needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from specter._testing.given import refuse_other_runtime, told
from specter_gevent._companions import check_app
from specter_gevent.manager import ServiceManager, booted_managers

NEEDED = "a manager or a Flask application"


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
    def of(given: Any, needed: str = NEEDED) -> Target:
        """
        Find the parts.

        Args:
            given: A manager, or a Flask application.
            needed: What is said to be needed.

        Raises:
            TypeError: It is neither.
        """
        if isinstance(given, ServiceManager):
            return Target(given, given.app, given.socketio, given)
        check_app(given)
        refuse_other_runtime(given, "gevent")
        if not hasattr(given, "wsgi_app") or isinstance(given, type):
            raise TypeError(f"{needed} is needed, got {told(given)}")
        manager = next((booted for booted in booted_managers() if booted.app is given), None)
        socketio = manager.socketio if manager is not None else given.extensions.get("socketio")
        return Target(given, given, socketio, manager)
