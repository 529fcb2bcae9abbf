"""
`specter run --reload`: a process that watches the files, and below it `specter run`, anew after each change.

The application is loaded below alone: it boots once for each change, and an error in it ends nothing up here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from types import FrameType

import click

from .listener import Listener
from .options import SHUTDOWN_TIMEOUT, Options
from .problem import Problem
from .signals import KILL_AFTER, stop_signals

# Tells the process below who has to live for it to live.
PARENT = "SPECTER_RELOAD_PARENT"

# Milliseconds in which the end of the process below is noticed, and a signal heard.
_TURN = 200


def run_reloading(options: Options) -> int:
    """
    Serve an application, and start it anew when a Python file below the current folder changes.

    Args:
        options: Of the command line.

    Returns:
        The exit code of the last one.

    Raises:
        Problem: It cannot begin; the text says what to mend.
    """
    try:
        import watchfiles
    except ModuleNotFoundError as error:
        raise Problem("--reload needs the package 'watchfiles': pip install watchfiles") from error
    # One port for all of them, also if any will do.
    listener = Listener(options.host, options.port)
    listener.close()
    below = _Below(replace(options, port=listener.port))
    below.start()
    for changes in watchfiles.watch(
        os.getcwd(), watch_filter=watchfiles.PythonFilter(), rust_timeout=_TURN, yield_on_timeout=True
    ):
        if below.is_over():
            break
        if changes:
            click.echo(f"changed: {', '.join(sorted(os.path.relpath(path) for _, path in changes))}")
            below.stop()
            below.start()
    return below.stop()


class _Below:
    """`specter run` in a session of its own: Ctrl-C at the terminal comes to this process alone, which passes it on."""

    def __init__(self, options: Options) -> None:
        self._command = [sys.executable, "-m", "specter", "run", *options.arguments()]
        # Of a longer one that the manager has nothing is known here.
        self._shutdown_timeout = options.shutdown_timeout or SHUTDOWN_TIMEOUT
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = False
        self._starts = 0
        for number in stop_signals():
            signal.signal(number, self._pass_on)

    def start(self) -> None:
        """Start it, unless a signal has come."""
        if not self._asked:
            self._starts += 1
            environment = {**os.environ, PARENT: str(os.getpid())}
            self._process = subprocess.Popen(self._command, env=environment, start_new_session=True)

    def is_over(self) -> bool:
        """Whether a signal has come, or the first one could not begin. A later one that ends waits for a change."""
        return self._asked or (self._starts == 1 and self._process is not None and self._process.poll() == 2)

    def stop(self) -> int:
        """End it, by force if it does not listen. Returns its exit code."""
        if self._process is None:
            return 0
        if self._process.poll() is None and not self._asked:
            self._process.terminate()
        try:
            return self._process.wait(self._shutdown_timeout + 2 * KILL_AFTER)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        if self._process is not None:
            self._process.send_signal(number)
