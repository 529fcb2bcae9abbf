"""What is handed over must be Flask's; objects that only stand in for it are none of our business."""

from __future__ import annotations

from typing import Any

from specter.sansio.companions import comes_from

_SWITCH = "call specter.use_backend('asyncio') before the first import, or set SPECTER_BACKEND=asyncio"


def check_app(app: Any) -> None:
    """
    Refuse an application of the other runtime.

    Raises:
        TypeError: *app* is a Quart application; names the backend switch.
    """
    if comes_from(app, "quart"):
        raise TypeError(
            f"a Quart application cannot be served by the gevent runtime: {_SWITCH} (or make it a Flask application)"
        )


def check_socketio(socketio: Any) -> None:
    """
    Refuse a Socket.IO server of the other runtime.

    Raises:
        TypeError: *socketio* is an asynchronous server; names the backend switch.
    """
    if comes_from(socketio, "socketio") and socketio.is_asyncio_based():
        raise TypeError(
            f"socketio must be a flask_socketio.SocketIO or None, got {type(socketio).__name__}, which needs the "
            f"asyncio runtime: {_SWITCH}"
        )
