"""Where the time or the memory of what is measured goes, although another process has done the work."""

import asyncio
import os
import re
import subprocess
import sys
import urllib.request
from importlib.util import find_spec

import pytest

from benchmarks import serving
from benchmarks.areas import fixtures, importing, memory
from benchmarks.cases import ASYNCIO, GEVENT, SPECTER, Case
from benchmarks.profiles import of_amounts
from benchmarks.report import profiles
from benchmarks.results import Area, Profile
from benchmarks.run import Run

# Enough that the system, which counts a hundredth of a second, sees which process has answered them.
REQUESTS = 200


def test_parts_are_of_the_whole_and_the_largest_comes_first() -> None:
    found = of_amounts({"small": 1.0, "large": 3.0}, "B")

    assert found.parts == [("large", 0.75), ("small", 0.25)]
    assert found.text.index("3.0 B  large") < found.text.index("1.0 B  small")


def asgi(server: str):
    return lambda port: serving.asgi_command(server, "quart_specter", port)


@pytest.mark.parametrize(
    ("command", "backend", "needs"),
    [
        pytest.param(asgi("uvicorn"), ASYNCIO, "uvicorn", id="uvicorn"),
        pytest.param(asgi("granian"), ASYNCIO, "granian", id="granian, whose worker is a fork"),
        pytest.param(
            lambda port: serving.specter_run("flask_specter", port), GEVENT, "gevent", id="specter run, gevent"
        ),
    ],
)
def test_a_server_tells_where_its_time_goes(command, backend: str, needs: str) -> None:
    if not find_spec(needs):
        pytest.skip(f"{needs} is not installed")
    run, port = Run(profiling=True), serving.free_port()

    with serving.served(run, command(port), port, backend) as server, server.working(run):
        for _ in range(REQUESTS):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/hello").close()

    assert run.found is not None
    calls = [int(count) for count in re.findall(r"^ +(\d+)(?:/\d+)? .*\.py:", run.found.text, re.MULTILINE)]
    # The end of the last request may come after the end of the profile.
    assert max(calls) >= REQUESTS - 1, "something is called for each request"


def test_a_server_that_is_not_profiled_tells_nothing() -> None:
    run, port = Run(), serving.free_port()

    with serving.served(run, asgi("hypercorn")(port), port) as server, server.working(run) as spent:
        pass

    assert run.found is None
    assert spent.seconds >= 0


def test_no_garbage_is_collected_in_a_server() -> None:
    script = "import gc; print(gc.isenabled())"
    environment = {**os.environ, "PYTHONPATH": str(serving.HOOK)}

    told = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)

    assert told.stdout == "False\n"


def test_one_run_of_a_server_gives_each_case_a_figure() -> None:
    runs = []

    async def measure(run: Run) -> dict[str, float]:
        runs.append(run)
        return {"rate": 10.0 * len(runs), "cost": 1.0 * len(runs)}

    async def taken() -> list[float]:
        figures = serving.Shared(measure)
        return [await figures.take(Run(), case) for case in ("rate", "cost", "rate", "rate", "cost")]

    assert asyncio.run(taken()) == [10, 1, 20, 30, 3]


def found_by(case: Case, name: str = SPECTER):
    """What the contender of this name finds in a short run."""
    run = Run(quick=True, profiling=True)
    (contender,) = (each for each in case.contenders if each.name == name)
    figure = contender.fn(run)
    if asyncio.iscoroutine(figure):
        asyncio.run(figure)
    assert run.found is not None
    return run.found


def test_an_import_is_told_by_its_modules() -> None:
    found = found_by(importing.PACKAGE)

    assert "specter._backend" in found.text
    assert "encodings" not in found.text, "what was imported before is none of it"


@pytest.mark.parametrize(
    ("case", "line"),
    [
        (memory.SERVICE, "specter/service.py self._ledger"),
        (memory.INTERVAL, "specter/_timing.py timer = "),
        (memory.SUBSCRIPTION, "specter/event_bus.py subscription"),
        (memory.TASK, "specter/service.py task = Task("),
    ],
    ids=lambda value: value.title if isinstance(value, Case) else "",
)
def test_memory_is_told_by_the_lines_that_asked_for_it(case: Case, line: str) -> None:
    assert line in found_by(case).text


def test_a_fixture_is_told_by_what_is_done_before_and_after_a_test() -> None:
    run = Run(quick=True, profiling=True)

    fixtures.tested(run, "asyncio", "specter_runtime")

    assert run.found is not None
    # What takes longest differs from run to run, but for the loop that the fixture is run in.
    assert re.search(r"specter/|asyncio/|anyio/|pytest/", run.found.text) and "test_empty" not in run.found.text


def test_a_report_has_the_parts_of_an_area_in_one_table() -> None:
    profile = Profile("a service", SPECTER, [("x: int | None", 0.5), ("y", 0.01)])
    area = Area("memory", "of each", [], [profile], ("where the memory goes", "lines"))

    assert list(profiles(area))[:3] == [
        "| where the memory goes | lines |",
        "| --- | --- |",
        "| a service (specter) | `x: int \\| None` 50% |",
    ]
