"""
From the first client to the end of the process, under `specter run` on gevent.

    serve > signal > calls and handlers in flight get the grace > what is left is ended > clients are told to go >
    the server stops > managers shut down, the last booted first
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import gevent
from gevent import get_hub
from gevent.event import Event

from specter.serving.cut import tell_cut
from specter.serving.listener import Listener
from specter.serving.options import GRACEFUL_TIMEOUT, Options
from specter.serving.signals import Signals
from specter_gevent._limit import within
from specter_gevent._where import where
from specter_gevent.manager import ServiceManager, booted_managers

from .application import Application
from .calls import Call
from .server import Server

log = logging.getLogger(__name__)

# Seconds. A `finally` that waits gets the first; a client that fetches its goodbye the second; a connection that is
# idle, or whose client does not read, the third; the last is kept back for the threads and the end of the process.
CLEANUP_TIME = 1.0
GOODBYE_TIME = 1.0
CLOSING_TIME = 0.3
RESERVE = 1.0


class Sequence:
    """
    Serves one application once, and ends it.

    Args:
        options: Of the command line.
        signals: Installed already.

    Attributes:
        clean: Whether nothing failed, and nothing of the application had to be abandoned.
    """

    def __init__(self, options: Options, signals: Signals) -> None:
        self.clean = True
        self._signals = signals
        self._grace = GRACEFUL_TIMEOUT if options.graceful_timeout is None else options.graceful_timeout
        self._stop = Event()

    def stop(self) -> None:
        """Have `serve` end. From a signal handler, which may interrupt the hub in its sleep."""
        get_hub().loop.run_callback_threadsafe(self._stop.set)

    def serve(self, application: Application, listener: Listener, announce: Callable[[], None]) -> None:
        """
        Serve until `stop`, and end what clients have begun.

        Args:
            application: What is served.
            listener: Where clients come in.
            announce: Called when they can.

        Raises:
            SystemExit, KeyboardInterrupt: A greenlet of the application has raised it; all is ended by then.
        """
        server = Server(application.wsgi, listener)
        server.start()
        try:
            announce()
            self._stop.wait()
        finally:
            log.info("%s: shutting down", self._signals.name)
            for left in _Drain(server, application, self._signals).run(self._grace):
                log.error("did not end: %s", left)
                self.clean = False

    def end_managers(self) -> None:
        """Shut down every manager that has booted. One that hangs does not keep the others from it."""
        for manager in reversed(booted_managers()):
            self._end(manager)

    def _end(self, manager: ServiceManager) -> None:
        ending = gevent.spawn(manager.shutdown)
        ending.join(max(0.0, self._signals.time_left() - RESERVE))
        if not ending.ready():
            log.error("did not end: the shutdown of %r, waits at %s", manager.name, where(ending))
            self.clean = False
        elif not ending.successful():
            log.error("the shutdown of %r failed", manager.name, exc_info=ending.exception)
            self.clean = False


class _Drain:
    """The end of what clients have begun."""

    def __init__(self, server: Server, application: Application, signals: Signals) -> None:
        self._server = server
        self._calls = server.calls
        self._clients = application.clients
        self._share = signals.share

    def run(self, grace: float) -> list[str]:
        """Take each step in its time. Returns what did not end, and where that waits."""
        self._calls.closed = True
        self._within(grace, self._work_done)
        self._end_work()
        self._within(CLEANUP_TIME, self._all_gone)
        left = self._left()
        if self._clients is not None:
            self._calls.engineio = self._clients.engineio
            self._clients.disconnect(self._share(GOODBYE_TIME))
        self._server.stop(self._share(CLOSING_TIME))
        return left

    def _within(self, seconds: float, wait: Callable[[], None]) -> None:
        with within(self._share(seconds)):
            wait()

    def _work_done(self) -> None:
        """Wait until no request and no handler is left; streams, which would never end, are ended meanwhile."""
        while any(call.request for call in self._calls):
            self._end(lambda call: call.stream)
            self._calls.wait_for_change()
        self._end(lambda call: call.stream)
        self._handlers_done()

    def _all_gone(self) -> None:
        """Wait until no handler is left, and no call but those that carry clients."""
        while any(not call.engineio for call in self._calls):
            self._calls.wait_for_change()
        self._handlers_done()

    def _handlers_done(self) -> None:
        if self._clients is not None:
            self._clients.wait_until_idle()

    def _end_work(self) -> None:
        tell_cut(self._describe(call for call in self._calls if call.request))
        if self._clients is not None:
            self._clients.end_handlers()
        self._end(lambda call: not call.engineio)

    def _end(self, which: Callable[[Call], bool]) -> None:
        for call in filter(which, self._calls):
            call.end()

    def _left(self) -> list[str]:
        return self._describe(call for call in self._calls if not call.engineio)

    def _describe(self, calls: Iterable[Call]) -> list[str]:
        """These calls, and the handlers that run, each with the line at which it waits."""
        described = [f"{call!r}, waits at {where(call.greenlet)}" for call in calls]
        return described if self._clients is None else described + self._clients.describe()
