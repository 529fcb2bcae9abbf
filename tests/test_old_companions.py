"""The gevent suite once more, with the companions that applications on specter-runtime 0.1 are pinned to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cached import PYTHON, cached, original, pip
from fresh import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

OLD = ["flask==2.1.3", "werkzeug==2.0.3", "flask-socketio==5.3.6", "gevent==25.5.1"]
# What the tests themselves need there, in the versions of the other tests.
TOOLS = ["anyio", "httpx", "hypothesis", "pytest", "pytest-timeout", "websocket-client"]


def pinned() -> list[str]:
    """The tools as ``requirements/test.txt`` has them."""
    lines = (ROOT / "requirements" / "test.txt").read_text().splitlines()
    return [line for line in lines if line.partition("==")[0] in TOOLS]


def old_python() -> Path:
    """The interpreter of an environment with the old companions, made once."""

    def fill(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        pip("--python", folder / "bin" / "python", "install", "--quiet", *OLD, *pinned())

    return cached("-".join([PYTHON, *OLD, *pinned()]), fill) / "bin" / "python"


def test_the_gevent_suite_passes_with_old_companions() -> None:
    original()  # that environment has no pip to install it with
    env = {key: value for key, value in os.environ.items() if not key.startswith(("SPECTER_BACKEND", "PYTHON"))}
    command = [old_python(), "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/gevent"]
    done = subprocess.run(
        command, cwd=ROOT, env=env | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout[-10_000:]
