"""The parent's side of the conversation with the workers."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from benchmarks.cases import OLD

SCRIPT = Path(__file__).with_name("worker.py")


class Worker:
    """A process that gives samples of one area; a session of its own, so that what it started goes with it."""

    def __init__(self, pythons: dict[str, str], backend: str, area: str) -> None:
        environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "SPECTER_BACKEND")}
        if backend != OLD:
            environment["SPECTER_BACKEND"] = backend
        self._process = subprocess.Popen(
            [pythons[backend], SCRIPT, backend, area, pythons.get(OLD, "")],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """
        One sample, as `answering.reply` gives it.

        A worker that died or takes more than *timeout* seconds has failed, and is of no more use.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            line = self._line(timeout)
        except (BrokenPipeError, TimeoutError) as error:
            self.close()
            return {"failed": f"the worker gave no answer: {error!r}"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _line(self, timeout: float) -> bytes:
        """The next line that it writes."""
        assert self._process.stdout is not None
        out, line, until = self._process.stdout.fileno(), b"", monotonic() + timeout
        while not line.endswith(b"\n"):
            if not select.select([out], [], [], max(0.0, until - monotonic()))[0]:
                raise TimeoutError(f"not within {timeout:g} seconds")
            if not (more := os.read(out, 65536)):
                raise BrokenPipeError(f"it ended with {self._process.wait()}")
            line += more
        return line

    @property
    def closed(self) -> bool:
        """Whether it is of no more use."""
        return self._process.returncode is not None

    def close(self) -> None:
        """End it and what it left running."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it has ended, and left nothing
        self._process.communicate()


class Workers:
    """A worker per backend, started when it is first needed."""

    def __init__(self, pythons: dict[str, str], area: str) -> None:
        self._pythons = pythons
        self._area = area
        self._running: dict[str, Worker] = {}

    def ask(self, backend: str, request: dict[str, Any], *, timeout: float, fresh: bool) -> dict[str, Any]:
        """A sample from the worker of a backend, or from a new one if *fresh*."""
        if backend not in self._pythons:
            return {"skipped": "no environment, see python -m benchmarks install-old"}
        worker = self._running.get(backend)
        if worker is not None and (fresh or worker.closed):
            worker.close()
            worker = None
        if worker is None:
            worker = self._running[backend] = Worker(self._pythons, backend, self._area)
        return worker.ask(request, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._running.values():
            worker.close()
