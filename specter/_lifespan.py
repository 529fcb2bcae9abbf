"""A manager in the life of its Quart application and of its server."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .sansio.companions import comes_from
from .sansio.errors import ServiceError, WrongCompanion
from .serving.attach import attach
from .serving.gate import Gate

if TYPE_CHECKING:
    from .manager import ServiceManager


class Lifespan:
    """
    Boots a manager when the server starts, and shuts it down when that ends.

    It takes the place of a ``while_serving`` generator of Quart: what the application set up before `boot` was called
    is there when the services start, and still there when they stop. A generator could serve only once; a Quart test
    client may start the application again.

    Args:
        manager: What it boots.
    """

    def __init__(self, manager: ServiceManager) -> None:
        self._manager = manager
        self._detach: Callable[[], None] | None = None

    def wire(self, app: Any) -> None:
        """Make it a part of the application's life."""
        app.extensions["specter"] = self._manager
        app.while_serving_gens.append(self)

    def __aiter__(self) -> Lifespan:
        return self

    async def __anext__(self) -> None:
        if self._detach is None:
            await self._begin()
        else:
            await self._end()
            raise StopAsyncIteration

    async def _begin(self) -> None:
        detach = attach(self._manager)
        try:
            await self._manager.boot()
        except BaseException as error:
            detach()
            # Quart logs whatever comes out of here, with a traceback of ours.
            if isinstance(error, ServiceError) and self._manager.app is not None:
                logger = self._manager.app.logger
                logger.addFilter(_Logged(error, logger))
            raise
        self._detach = detach

    async def _end(self) -> None:
        detach, self._detach = self._detach, None
        try:
            await self._manager.shutdown()
        finally:
            if detach is not None:
                detach()


class _Logged(logging.Filter):
    """
    Stops the next record of an error that is in the log already.

    Args:
        error: Logged by the service that it comes from.
        logger: Which it is a filter of until then.
    """

    def __init__(self, error: BaseException, logger: logging.Logger) -> None:
        super().__init__()
        self._error = error
        self._logger = logger

    def filter(self, record: logging.LogRecord) -> bool:
        """Let pass what is not of that error."""
        if record.exc_info is None or record.exc_info[1] is not self._error:
            return True
        self._logger.removeFilter(self)
        return False


def check_app(app: Any) -> None:
    """
    Refuse what is no Quart application.

    Raises:
        TypeError: *app* is none; a Flask application is told of the backend switch.
    """
    if app is None or hasattr(app, "while_serving_gens"):
        return
    if comes_from(app, "flask"):
        raise WrongCompanion("a Flask application cannot be served by the asyncio runtime", needs="gevent")
    raise TypeError(f"app must be a Quart application or None, got {type(app).__name__}")


def check_unmanaged(app: Any) -> None:
    """
    Refuse an application that another manager boots with: each would undo what the other has put in the registry.

    Raises:
        RuntimeError: It has one.
    """
    if app is not None and "specter" in app.extensions:
        raise RuntimeError(
            f"application {app.name!r} has a manager already: register more parts with that one, or make another "
            "application"
        )


def check_socketio(socketio: Any) -> None:
    """
    Refuse what is no server of python-socketio for asyncio.

    Raises:
        TypeError: *socketio* is none; names what is needed.
    """
    if socketio is None or (hasattr(socketio, "eio") and getattr(socketio, "is_asyncio_based", lambda: False)()):
        return
    problem = f"socketio must be a socketio.AsyncServer(async_mode='asgi') or None, got {type(socketio).__name__}"
    if comes_from(socketio, "flask_socketio"):
        raise WrongCompanion(f"{problem}, which needs the gevent runtime", needs="gevent")
    raise TypeError(problem)


def behind_gate(app: Any, socketio: Any) -> Gate:
    """The ASGI application of both, behind a gate."""
    if socketio is None:
        return Gate(app)
    import socketio as python_socketio

    return Gate(python_socketio.ASGIApp(socketio, app))
