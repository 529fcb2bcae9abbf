"""What an import adds to a process that has just begun."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.cases import OLD, SPECTER, TWIN, Case, Goal
from benchmarks.run import Run

TITLE = "an import in a new process"
PACKAGE = Case("import specter", unit="ms", goals=(Goal(SPECTER, 30.0), Goal(TWIN, 30.0)), profiled=False)
SERVICE = Case(
    "from specter import Service", unit="ms", goals=(Goal(SPECTER, 0.5, OLD), Goal(TWIN, 1.0, OLD)), profiled=False
)
BOOT = Case("from specter import Controller, boot", unit="ms", goals=(Goal(TWIN, 1.0, OLD),), profiled=False)


def imported(statement: str) -> float:
    """Milliseconds of processor time that it takes; the same `specter` as in this process."""
    import specter

    assert specter.__file__ is not None
    script = (
        f"import sys; sys.path.insert(0, {str(Path(specter.__file__).parent.parent)!r})\n"
        "from time import process_time\nstart = process_time()\n"
        f"{statement}\nprint((process_time() - start) * 1e3)"
    )
    # An installed package has its bytecode; one in a tree gets it by the first sample.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout)


@PACKAGE.all_three
def _(run: Run) -> float:
    return imported("import specter")


@SERVICE.all_three
def _(run: Run) -> float:
    return imported("from specter import Service")


@BOOT.all_three
def _(run: Run) -> float:
    return imported("from specter import Controller, boot")


@SERVICE.contender("anyio")
def _(run: Run) -> float:
    return imported("import anyio, anyio._backends._asyncio")


@SERVICE.contender("asyncio")
def _(run: Run) -> float:
    return imported("import asyncio")


@BOOT.contender("quart")
def _(run: Run) -> float:
    return imported("from quart import Quart")


@BOOT.contender("flask")
def _(run: Run) -> float:
    return imported("from flask import Flask")
