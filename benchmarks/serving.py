"""Servers for the areas that need one: an application of ``apps``, in a process of its own, on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.cases import ASYNCIO, GEVENT, OLD
from benchmarks.profiles import of_functions
from benchmarks.run import Run, SkippedError, Spent

APPS = Path(__file__).parent / "apps"
ROOT = Path(__file__).parent.parent
HOOK = Path(__file__).parent / "served"
PATIENCE = 20.0
"""Seconds that a server may take to begin, and to end."""


def python_of(backend: str) -> str:
    """
    The interpreter of a backend, as the worker was told of it.

    Raises:
        SkippedError: There is none with specter-runtime 0.1.1.
    """
    if backend != OLD:
        return sys.executable
    if not (python := sys.argv[-1]):
        raise SkippedError("no environment, see python -m benchmarks install-old")
    return python


def asgi_command(server: str, module: str, port: int) -> list[str]:
    """The command of an ASGI server, one process, nothing logged for a request."""
    target, where = f"{module}:asgi", f"127.0.0.1:{port}"
    commands = {
        "hypercorn": ["hypercorn", "-w", "0", "--bind", where, target],
        "uvicorn": ["uvicorn", "--port", str(port), "--no-access-log", "--log-level", "warning", target],
        "granian": [
            "granian",
            "--interface",
            "asgi",
            "--port",
            str(port),
            "--no-access-log",
            "--log-level",
            "warning",
            target,
        ],
    }
    return [sys.executable, "-m", *commands[server]]


def gevent_command(backend: str, module: str, port: int) -> list[str]:
    """Served by gevent without any help of ours."""
    return [python_of(backend), "-m", "gevent.monkey", "serve_gevent.py", module, str(port)]


def specter_run(module: str, port: int) -> list[str]:
    """Served by our own command, on gevent."""
    run = "from specter.cli import main; main()"
    return [sys.executable, "-c", run, "run", f"{module}:app", "--port", str(port)]


class Shared:
    """
    The figures that one run of a server gives to several cases.

    Args:
        measure: Runs it; the figure of each case.
    """

    def __init__(self, measure: Callable[[Run], Awaitable[dict[str, float]]]) -> None:
        self._measure = measure
        self._left: dict[str, float] = {}

    async def take(self, run: Run, case: str) -> float:
        """The figure of a case: of the latest run, or of another one if that was taken already."""
        if case not in self._left or run.profiling:
            self._left = await self._measure(run)
        return self._left.pop(case)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Server:
    """
    A server that runs.

    Args:
        pid: Of the process that was started; others may do the work for it.
        profiles: The folder of its profiles, see ``served/sitecustomize.py``; None if it makes none.
    """

    def __init__(self, pid: int, profiles: Path | None) -> None:
        self._pid = pid
        self._profiles = profiles

    @contextmanager
    def working(self, run: Run) -> Iterator[Spent]:
        """Take the processor time that the server needs for a block, and find out where it goes if that is asked."""
        spent, before = Spent(), {pid: processor_seconds(pid) for pid in processes(self._pid)}
        self._tell("begin", *before)
        yield spent
        used = {pid: processor_seconds(pid) - seconds for pid, seconds in before.items()}
        spent.seconds = sum(used.values())
        if self._profiles is not None:
            run.found = of_functions(self._handed_over(max(used, key=lambda pid: used[pid])))

    def _tell(self, command: str, *pids: int) -> None:
        """Tell processes something about their profiles, if they make some."""
        if self._profiles is not None:
            for pid in pids:
                with (self._profiles / str(pid)).open("a") as pipe:
                    pipe.write(f"{command}\n")

    def _handed_over(self, pid: int) -> str:
        """The profile of a process, once it has written it."""
        assert self._profiles is not None
        found, until = self._profiles / f"{pid}.profile", time.monotonic() + PATIENCE
        self._tell("end", pid)
        while not found.exists():
            if time.monotonic() > until:
                raise RuntimeError("the server does not hand over its profile")
            time.sleep(0.05)
        return str(found)


@contextmanager
def served(run: Run, command: list[str], port: int, backend: str = ASYNCIO) -> Iterator[Server]:
    """Serve while the block runs."""
    environment = {**os.environ, "PYTHONPATH": str(HOOK)}
    if backend == OLD:
        environment.pop("SPECTER_BACKEND", None)
    else:
        environment["PYTHONPATH"] += os.pathsep + str(ROOT)
        environment["SPECTER_BACKEND"] = GEVENT if backend == GEVENT else ASYNCIO
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory() as folder:
        if run.profiling:
            environment["BENCHMARK_PROFILES"] = folder
        process = subprocess.Popen(command, cwd=APPS, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_for_answer(process, port)
            yield Server(process.pid, Path(folder) if run.profiling else None)
        except Exception as error:
            log.seek(0)
            error.add_note(f"the server's log: {log.read()[-2000:].decode()}")
            raise
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and wait for that; a server that does not is killed."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for_answer(process: subprocess.Popen[bytes], port: int) -> None:
    """Come back when the server answers, whatever its answer."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/none", timeout=PATIENCE).close()
        except urllib.error.HTTPError as answer:
            answer.close()
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{process.args!r} does not serve")


def processes(pid: int) -> list[int]:
    """
    A process, and what it has started.

    Raises:
        SkippedError: The system has no ``/proc`` to tell by.
    """
    if not Path("/proc/self/stat").exists():
        raise SkippedError("the system has no /proc")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(each for child in children for each in processes(int(child)))]


def processor_seconds(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
