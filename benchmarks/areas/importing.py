"""What an import adds to a process that has just begun."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.cases import OLD, SPECTER, TWIN, Case, Goal
from benchmarks.profiles import Found, of_amounts
from benchmarks.run import Run

TITLE = "an import in a new process"
PARTS = ("where the time goes", "modules, by the time in themselves")
PACKAGE = Case("import specter", unit="ms", goals=(Goal(SPECTER, 30.0), Goal(TWIN, 30.0)))
SERVICE = Case("from specter import Service", unit="ms", goals=(Goal(SPECTER, 0.5, OLD), Goal(TWIN, 1.0, OLD)))
BOOT = Case("from specter import Controller, boot", unit="ms", goals=(Goal(TWIN, 1.0, OLD),))


BEGIN = "from here on\n"


def imported(run: Run, statement: str) -> float:
    """Milliseconds of processor time that it takes; the same `specter` as in this process."""
    import specter

    assert specter.__file__ is not None
    script = (
        f"import sys; sys.path.insert(0, {str(Path(specter.__file__).parent.parent)!r})\n"
        "from time import process_time\nstart = process_time()\n"
        f"sys.stderr.write({BEGIN!r})\n{statement}\nprint((process_time() - start) * 1e3)"
    )
    # An installed package has its bytecode; one in a tree gets it by the first sample.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    options = ["-X", "importtime"] if run.profiling else []
    command = [sys.executable, *options, "-c", script]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    if run.profiling:
        run.found = modules(done.stderr.partition(BEGIN)[2])
    return float(done.stdout)


def modules(told: str) -> Found:
    """What Python tells of each import: ``import time: SELF | CUMULATIVE | MODULE``, in microseconds."""
    lines = [line.removeprefix("import time:").split("|") for line in told.splitlines() if "|" in line]
    return of_amounts({name.strip(): float(own) for own, _, name in lines}, "µs")


@PACKAGE.all_three
def _(run: Run) -> float:
    return imported(run, "import specter")


@SERVICE.all_three
def _(run: Run) -> float:
    return imported(run, "from specter import Service")


@BOOT.all_three
def _(run: Run) -> float:
    return imported(run, "from specter import Controller, boot")


@SERVICE.contender("anyio")
def _(run: Run) -> float:
    return imported(run, "import anyio, anyio._backends._asyncio")


@SERVICE.contender("asyncio")
def _(run: Run) -> float:
    return imported(run, "import asyncio")


@BOOT.contender("quart")
def _(run: Run) -> float:
    return imported(run, "from quart import Quart")


@BOOT.contender("flask")
def _(run: Run) -> float:
    return imported(run, "from flask import Flask")
