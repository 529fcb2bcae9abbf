"""What is handed over must be Flask's; objects that only stand in for it are none of our business."""

from __future__ import annotations

from typing import Any

from specter.sansio.companions import comes_from
from specter.sansio.errors import WrongCompanion


def check_app(app: Any) -> None:
    """
    Refuse an application of the other runtime.

    Raises:
        TypeError: *app* is a Quart application; names the backend switch.
    """
    if comes_from(app, "quart"):
        raise WrongCompanion("a Quart application cannot be served by the gevent runtime", needs="asyncio")


def check_socketio(socketio: Any) -> None:
    """
    Refuse a Socket.IO server of the other runtime.

    Raises:
        TypeError: *socketio* is an asynchronous server; names the backend switch.
    """
    if comes_from(socketio, "socketio") and socketio.is_asyncio_based():
        raise WrongCompanion(
            f"socketio must be a flask_socketio.SocketIO or None, got {type(socketio).__name__}, which needs the "
            "asyncio runtime",
            needs="asyncio",
        )
