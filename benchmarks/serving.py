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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.cases import ASYNCIO, GEVENT, OLD
from benchmarks.run import SkippedError

APPS = Path(__file__).parent / "apps"
ROOT = Path(__file__).parent.parent
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


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def served(command: list[str], port: int, backend: str = ASYNCIO) -> Iterator[int]:
    """Serve while the block runs; gives the process id."""
    environment = dict(os.environ)
    if backend == OLD:
        environment.pop("PYTHONPATH", None)
        environment.pop("SPECTER_BACKEND", None)
    else:
        environment |= {"PYTHONPATH": str(ROOT), "SPECTER_BACKEND": GEVENT if backend == GEVENT else ASYNCIO}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=APPS, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_for_answer(process, port)
            yield process.pid
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
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{process.args!r} does not serve")


def processor_seconds(pid: int) -> float:
    """
    What a process and its children have used so far.

    Raises:
        SkippedError: The system has no ``/proc`` to tell by.
    """
    if not Path("/proc/self/stat").exists():
        raise SkippedError("the system has no /proc")
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return used + sum(processor_seconds(int(child)) for child in children)
