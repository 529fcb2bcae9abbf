"""A server in a process of its own, as a user starts it."""

import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from npm import Lines

MAIN = "from specter.cli import main; main()"
# A warning of ours is an error; what the companions deprecate is their own matter.
WARNINGS = ["-W", "error"]
SPECTER = (sys.executable, *WARNINGS, "-c", MAIN)
APPS = Path(__file__).parent / "apps"


class Served:
    """
    A `specter` command that serves.

    Args:
        args: Of the command line, after ``specter``.
        folder: Where it is started.
        program: What is started instead of this Python's ``specter``.
        environment: Added to that of the tests.
    """

    def __init__(
        self, *args: str, folder: Path, program: Sequence[str] = SPECTER, environment: Mapping[str, str] | None = None
    ) -> None:
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [*program, *args],
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self._lines = Lines(self.process)
        self.url = ""

    def __enter__(self) -> Self:
        try:
            while not self.url:
                found = re.search(r"http://[^\s/]+", self._lines.next(timeout=30))
                self.url = found[0] if found else ""
        except (queue.Empty, EOFError):
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it does not serve: {self.said()}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.stop(signal.SIGTERM)
        if self.process.returncode:
            sys.stderr.write(f"exit code {self.process.returncode}, after: {self.said()}\n")
        self._lines.close()
        self.log.close()

    def stop(self, number: int = signal.SIGINT) -> int:
        """End it as Ctrl-C does; the exit code."""
        self.process.send_signal(number)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def said(self) -> str:
        """What it has written to stderr so far."""
        # By itself, without a place in the file: that is shared with the process, which would write over what it said.
        number = self.log.fileno()
        return os.pread(number, os.fstat(number).st_size, 0).decode(errors="replace")


def command(
    *args: str,
    folder: Path,
    timeout: float = 30,
    program: Sequence[str] = SPECTER,
    environment: Mapping[str, str] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run a `specter` command to its end; see `Served`."""
    return subprocess.run(
        [*program, *args],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )
