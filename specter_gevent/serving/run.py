"""
`specter run` in the process that holds a gevent application: load it, serve it, leave with the right exit code.

    0    ended in order                       2            the command line is wrong
    1    something failed or was abandoned    128 + signal ended at once: a second signal, or a blocked hub
"""

from __future__ import annotations

import atexit
import logging
from collections.abc import Callable
from typing import Any, NoReturn

import click
from gevent import get_hub
from greenlet import getcurrent

from specter.serving.listener import Listener
from specter.serving.load import BrokenModule
from specter.serving.options import Options
from specter.serving.problem import Problem
from specter.serving.process import exit_code, leave, set_up_logging
from specter.serving.shared import Shared
from specter.serving.signals import Signals
from specter.serving.threads import THREAD_TIME, threads_left
from specter.serving.wakeup import wake_by_signals

from .application import application
from .sequence import Sequence

log = logging.getLogger(__name__)

# Each request at info, and each packet.
_TALKATIVE = ("engineio.server", "geventwebsocket.handler", "socketio.server")


def run(find: Callable[[], Any], options: Options, shared: Shared, *, supervised: bool) -> NoReturn:
    """
    Serve an application in this process, which gevent has patched, until a signal ends it; leave with the exit code.

    Args:
        find: Gives the application; see `application` for what it may be.
        options: Of the command line.
        shared: With the supervisor, or of this process alone.
        supervised: Whether there is a supervisor.

    Raises:
        Problem: It cannot begin; the text says what to mend.
    """
    if options.server is not None:
        raise Problem(f"--server {options.server} is for asyncio: gevent has a server of its own")
    signals = Signals(shared, supervised=supervised)
    signals.install()
    wake_by_signals(_watch)
    sequence = Sequence(options, signals)
    with Listener(options.host, options.port) as listener:
        try:
            code = _serve(find, options, sequence, signals, listener)
        finally:
            sequence.end_managers()
    if not sequence.clean:
        code = code or 1
    threads = threads_left(signals.share(THREAD_TIME))
    for thread in threads:
        log.error("did not end: %s", thread)
    if threads or not sequence.clean:
        leave(code or 1)
    # Not by the end of the interpreter: where greenlets are left, as those of clients often are, its last garbage
    # collection now and then goes round for ever (CPython 3.11, greenlet 3.5, after one end in five under load).
    atexit._run_exitfuncs()
    leave(code)


def _serve(find: Callable[[], Any], options: Options, sequence: Sequence, signals: Signals, listener: Listener) -> int:
    loading = _Loading()
    signals.listen(loading.interrupt)
    try:
        found = application(options.target, find())
        signals.listen(sequence.stop)
        loading.end()
    except BrokenModule as error:
        click.echo(f"{error}\nError: {options.target} could not be loaded", err=True)
        return 1
    except _Interrupted:
        log.error("stopped during the boot, which is rolled back")
        return 1
    set_up_logging(_TALKATIVE)
    try:
        sequence.serve(
            found,
            listener,
            lambda: click.echo(f"{options.target} is served on {listener.url} by gevent; Ctrl-C ends it"),
        )
    except (SystemExit, KeyboardInterrupt) as error:
        log.info("the application asked for the end: %r", error)
        return exit_code(error)
    return 0


def _watch(number: int, call: Callable[[], None]) -> None:
    # Not counted among what the hub waits for: a boot that waits for nothing is told so, as without it.
    get_hub().loop.io(number, 1, ref=False).start(call)


class _Interrupted(KeyboardInterrupt):
    """A signal has come while the application was loaded."""


class _Loading:
    """The import of a Flask application, which boots in it, in the main greenlet: there a signal interrupts it."""

    def __init__(self) -> None:
        self._main = getcurrent()
        self._interrupted = self._ended = False

    def interrupt(self) -> None:
        """Interrupt it. From a signal handler, which runs in whatever greenlet the signal finds."""
        self._interrupted = True
        if getcurrent() is self._main:
            raise _Interrupted
        # Raised here it would end this greenlet, which the application waits for, and be raised where it does so once
        # more: in the middle of the rollback.
        get_hub().loop.run_callback_threadsafe(self._throw)

    def end(self) -> None:
        """Tell that it is over. Raises `_Interrupted` if a signal has come."""
        self._ended = True
        if self._interrupted:
            raise _Interrupted

    def _throw(self) -> None:
        if not self._ended:
            self._ended = True
            self._main.throw(_Interrupted)
