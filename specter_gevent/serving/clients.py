"""The Socket.IO clients of one server, and the handlers that run for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from gevent import getcurrent
from gevent.event import Event

from specter_gevent._limit import within
from specter_gevent._where import where


class Clients:
    """
    Knows the handlers of a python-socketio server while they run.

    Args:
        server: Its ``start_background_task`` is stood in for: with that it runs the handlers of events.

    Attributes:
        engineio: The Engine.IO server below it.
    """

    def __init__(self, server: Any) -> None:
        self.engineio = server.eio
        self._server = server
        self._handlers: dict[_Handler, None] = {}
        self._idle = Event()
        self._closed = False
        self._start = server.start_background_task
        server.start_background_task = self._start_known

    def wait_until_idle(self) -> None:
        """Wait until no handler runs."""
        while self._handlers:
            self._idle.clear()
            self._idle.wait()

    def end_handlers(self) -> None:
        """Begin no handler from now on, and kill those that run, once. None of them sends an acknowledgement."""
        self._closed = True
        for handler in list(self._handlers):
            handler.kill()

    def describe(self) -> list[str]:
        """Each handler that has not ended, and where it waits."""
        return [f"a socket handler, {handler.state}" for handler in self._handlers]

    def disconnect(self, seconds: float) -> None:
        """
        Tell every client to go, by Engine.IO: clients take that for a restart and come back by themselves.

        Args:
            seconds: How long a client may take to fetch its goodbye.
        """
        telling = [gevent.spawn(self.engineio.disconnect, sid) for sid in list(self.engineio.sockets)]
        with within(seconds):  # not `joinall`'s own: it counts from when the hub has last run
            gevent.joinall(telling)
        gevent.killall(telling, block=False)  # of a client that does not read

    def _start_known(self, target: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if getattr(target, "__self__", None) is not self._server:
            return self._start(target, *args, **kwargs)  # a task of the application, which may have no end
        if self._closed:
            return None
        handler = _Handler()
        self._handlers[handler] = None

        def run() -> None:
            try:
                handler.greenlet = getcurrent()
                if not self._closed:
                    target(*args, **kwargs)
            finally:
                del self._handlers[handler]
                if not self._handlers:
                    self._idle.set()

        return self._start(run)


class _Handler:
    """One that runs, or is about to."""

    greenlet: Any = None

    @property
    def state(self) -> str:
        return "which has not begun" if self.greenlet is None else f"waits at {where(self.greenlet)}"

    def kill(self) -> None:
        if self.greenlet is not None:
            gevent.kill(self.greenlet)
