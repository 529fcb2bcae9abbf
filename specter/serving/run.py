"""
`specter run` in the process that holds the application: load it, serve it, leave with the right exit code.

    0    ended in order                       2            the command line is wrong
    1    something failed or was abandoned    128 + signal ended at once: a second signal, or a blocked loop
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import click

from .application import behind_gate
from .listener import Listener
from .load import BrokenModule
from .options import Options
from .process import exit_code, leave, set_up_logging
from .sequence import Sequence
from .servers import find_server
from .shared import Shared
from .signals import Signals
from .threads import THREAD_TIME, threads_left

log = logging.getLogger(__name__)

# They say at info what `specter run` says itself, or every request.
_TALKATIVE = ("hypercorn.error", "uvicorn.access", "uvicorn.error")


def run_here(find: Callable[[], Any], options: Options, shared: Shared, *, supervised: bool) -> int:
    """
    Serve an application in this process, until a signal ends it.

    Args:
        find: Gives the application; see `behind_gate` for what it may be.
        options: Of the command line.
        shared: With the supervisor, or of this process alone.
        supervised: Whether there is a supervisor.

    Returns:
        The exit code.

    Raises:
        Problem: It cannot begin; the text says what to mend.
    """
    signals = Signals(shared, supervised=supervised)
    signals.install()
    name = options.server or "hypercorn"
    server = find_server(name)
    with Listener(options.host, options.port) as listener:
        try:
            application = behind_gate(options.target, find())
        except BrokenModule as error:
            click.echo(f"{error}\nError: {options.target} could not be loaded", err=True)
            return 1
        set_up_logging(_TALKATIVE)

        def announce() -> None:
            click.echo(f"{options.target} is served on {listener.url} by {name}; Ctrl-C ends it")

        return _Process(Sequence(application, server, options, signals), signals).run(listener, announce)


class _Process:
    """The loop and the threads of one sequence."""

    def __init__(self, sequence: Sequence, signals: Signals) -> None:
        self._sequence = sequence
        self._signals = signals
        self._runner = asyncio.Runner()
        # A pool of our own: that of the loop is waited for without a time limit on Python 3.11.
        self._pool = ThreadPoolExecutor(thread_name_prefix="asyncio")
        self._code = 0

    def run(self, listener: Listener, announce: Callable[[], None]) -> int:
        """Return the exit code, or leave the process with it if something would hold it."""
        try:
            self._run_loop(self._sequence.run(listener, announce))
        except Exception:
            log.exception("specter run failed")
            self._code = 1
        if not self._sequence.clean:
            self._code = self._code or 1
        self._pool.shutdown(wait=False, cancel_futures=True)
        threads = threads_left(self._signals.share(THREAD_TIME))
        for thread in threads:
            log.error("did not end: %s", thread)
        if threads or self._sequence.left:
            leave(self._code or bool(threads))
        self._runner.close()
        return self._code

    def _run_loop(self, main: Coroutine[Any, Any, None]) -> None:
        loop = self._runner.get_loop()
        loop.set_default_executor(self._pool)
        task = loop.create_task(main, name="specter run")
        while not task.done():
            try:
                loop.run_until_complete(task)
            except (SystemExit, KeyboardInterrupt) as error:
                # Out of a task of the application: it stops the loop, but ends nothing.
                log.info("the application asked for the end: %r", error)
                self._code = exit_code(error)
                self._sequence.stop()
