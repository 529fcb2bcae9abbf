"""What the fixtures of the test harness, and the report of leaks that goes with them, add to an empty test."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.cases import SPECTER, Case, Goal
from benchmarks.profiles import of_functions
from benchmarks.run import Run, expect

EMPTY = "anyio, no fixture"

TITLE = "a test with a fixture"
PARTS = ("where the time goes", "set-up and end of a test: files, by the time in their functions themselves")
# Milliseconds over an empty test. What the first tests import is not counted.
ASYNCIO = Case(
    "an empty async test on asyncio",
    unit="ms",
    baseline=EMPTY,
    goals=(Goal(SPECTER, of=EMPTY, more=2.0),),
)
TRIO = Case("an empty async test on trio", unit="ms", baseline=EMPTY, goals=(Goal(SPECTER, of=EMPTY, more=2.0),))

_WARM = 50
_CONFTEST = """
import cProfile
import time

import pytest

ended = []
profiler = cProfile.Profile()

@pytest.fixture
def anyio_backend():
    return {backend!r}

def pytest_runtest_logfinish():
    ended.append(time.process_time())

def profiled():
    # The set-up and the end of a fixture, and what looks for leaks after it.
    if {profiling} and len(ended) >= {warm}:
        profiler.enable()
    yield
    profiler.disable()

pytest_runtest_setup = pytest.hookimpl(wrapper=True, tryfirst=True)(lambda: (yield from profiled()))
pytest_runtest_teardown = pytest.hookimpl(wrapper=True, tryfirst=True)(lambda: (yield from profiled()))

def pytest_sessionfinish():
    profiler.dump_stats("found")
    print("each", (ended[-1] - ended[{warm} - 1]) / (len(ended) - {warm}) * 1e3)
"""
_TESTS = """
import pytest

@pytest.mark.anyio
@pytest.mark.parametrize("number", range({count}))
async def test_empty({arguments}):
    pass
"""
# What else may be installed here is none of its business.
_ALONE = ["hypothesispytest", "cacheprovider", "asyncio", "timeout", "xdist"]
_ALONE += ["looptime_chronometers", "looptime_plugin", "looptime_timeproxies"]


def tested(run: Run, backend: str, *fixtures: str) -> float:
    """Milliseconds of the processor for a test."""
    count = _WARM + run.count(1000, 10)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "conftest.py").write_text(_CONFTEST.format(backend=backend, warm=_WARM, profiling=run.profiling))
        arguments = ", ".join(("number", *fixtures))
        Path(folder, "test_empty.py").write_text(_TESTS.format(count=count, arguments=arguments))
        options = [option for name in _ALONE for option in ("-p", f"no:{name}")]
        command = [sys.executable, "-m", "pytest", "-q", "-s", *options, folder]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if run.profiling:
            run.found = of_functions(str(Path(folder, "found")), by_file=True)
    expect(f"{count} passed" in done.stdout, True, "all tests")
    return next(float(line.split()[-1]) for line in done.stdout.splitlines() if "each " in line)


def add(case: Case, backend: str, *needs: str) -> None:
    """Have a test without a fixture and those with each of ours take part."""
    fixtures: dict[str, tuple[str, ...]] = {EMPTY: (), SPECTER: ("specter_runtime",)}
    fixtures |= {f"specter, {name}": (name,) for name in ("harness", "virtual_clock")}
    for name, names in fixtures.items():

        @case.contender(name, needs=("pytest", *needs))
        def _(run: Run, names: tuple[str, ...] = names) -> float:
            return tested(run, backend, *names)


add(ASYNCIO, "asyncio")
add(TRIO, "trio", "trio")
