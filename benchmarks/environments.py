"""The Pythons that the workers run on, and what is in them."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.cases import ASYNCIO, GEVENT, OLD

OLD_PACKAGES = ("specter-runtime==0.1.1", "gevent", "flask", "flask-socketio")
DEFAULT_OLD = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "specter-benchmarks" / "0.1.1"
NOTED = (
    ("anyio", "gevent", "quart", "flask", "python-socketio", "flask-socketio", "hypercorn", "uvicorn", "granian")
    + ("blinker", "pyee", "psygnal", "mode-streaming", "aiomisc", "asphalt", "pyrsistent", "msgspec", "pydantic")
    + ("cachetools", "aiocache", "cashews", "async-lru", "websockets")
)
"""Distributions whose versions belong to the figures."""


class NoOldError(Exception):
    """What was named as the environment of specter-runtime 0.1.1 is none."""


def install_old(folder: Path) -> None:
    """Make an environment with specter-runtime 0.1.1 and today's gevent and Flask."""
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", *OLD_PACKAGES], check=True)


def pythons(old: str | None) -> dict[str, str]:
    """
    The interpreter of each worker; `OLD` is left out where there is none.

    Args:
        old: The interpreter with specter-runtime 0.1.1, or the folder of its environment; None: where
            ``install-old`` puts it.

    Raises:
        NoOldError: *old* is given, and has no specter-runtime 0.1.1.
    """
    found = {ASYNCIO: sys.executable, GEVENT: sys.executable}
    path = Path(old) if old else DEFAULT_OLD
    python = path / "bin" / "python" if path.is_dir() else path
    if python.is_file() and versions(str(python), ("specter-runtime",)).get("specter-runtime") == "0.1.1":
        found[OLD] = str(python)
    elif old:
        raise NoOldError(f"no specter-runtime 0.1.1 at {old} (python -m benchmarks install-old {old} makes it)")
    return found


def versions(python: str, names: tuple[str, ...] = NOTED) -> dict[str, str]:
    """The versions of those of the distributions that an interpreter has."""
    script = (
        "import json, sys; from importlib import metadata as m\n"
        "found = {d.metadata['Name'].lower().replace('_', '-'): d.version for d in m.distributions()}\n"
        "print(json.dumps({n: found[n] for n in sys.argv[1:] if n in found}))"
    )
    # -I: not the tree that this runs in, whose metadata could be found as well.
    done = subprocess.run([python, "-I", "-c", script, *names], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": f"{os.cpu_count()} × {processor()}",
    }


def processor() -> str:
    """The name of the processor, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
