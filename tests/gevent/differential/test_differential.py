"""
What an application sees is what it sees with specter-runtime 0.1.1.

Each function in ``scenarios/`` runs with both. If they are meant to differ it is marked there with its row in
``docs/differences.md``.
"""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cached import original
from fresh import ROOT

HERE = Path(__file__).parent
PRIMITIVES = {
    "bus", "cache", "controller", "handler", "http", "ingress", "manager", "model", "operation", "ownership",
    "process", "queue", "registry", "router", "schema", "service", "store", "watcher",
}  # fmt: skip
# Rows that cannot be seen by a scenario, as they need much time, an old Flask or several processes: the test for each.
ELSEWHERE = {
    "The wait after errors never gets shorter again in poll mode.":
        "gevent/test_watcher.py::test_a_poll_that_had_answers_begins_anew",
    "A child goes on when the application dies.":
        "e2e/test_process_watchdog.py::test_no_child_outlives_a_killed_application",
    "What an error subscriber returns lets a client in whom another handler of `connect` failed to check.":
        "gevent/test_socket_ingress.py::test_error_subscribers_do_not_let_in_whom_another_handler_failed_to_check",
    "A list from a view is an error with Flask before 2.2.":
        "gevent/test_router.py::test_lists_are_json_on_every_flask",
    "Both processes of Flask's reloader boot the application.":
        "gevent/test_reloader.py::test_flask_run_boots_in_the_process_that_serves_alone",
}  # fmt: skip


def names() -> list[str]:
    """The scenarios, read off: importing them would import `specter` on the runtime of this process."""
    return [
        f"{file.stem}.{node.name}"
        for file in sorted(HERE.glob("scenarios/*.py"))
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]


def marks() -> set[str]:
    """The rows that scenarios stand for."""
    return {
        ast.literal_eval(mark.args[0])
        for file in HERE.glob("scenarios/*.py")
        for mark in ast.walk(ast.parse(file.read_text()))
        if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "differs"
    }


def rows() -> list[str]:
    """What 0.1.1 does, of each row in the documentation."""
    lines = (ROOT / "docs" / "differences.md").read_text().splitlines()
    cells = [line.removeprefix("| ").partition(" | ")[0] for line in lines if line.startswith("| ")]
    return [cell for cell in cells if cell not in ("0.1.1", "---")]


def start(package: Path) -> subprocess.Popen[str]:
    """Start a process that observes all scenarios with the `specter` in a folder."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("SPECTER_", "PYTHON"))}
    env["PYTHONPATH"] = os.pathsep.join(map(str, [package, HERE, ROOT / "tests"]))
    command = [sys.executable, "-m", "gevent.monkey", str(HERE / "process.py"), str(package)]
    return subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=HERE, start_new_session=True
    )


def told(process: subprocess.Popen[str]) -> dict[str, dict[str, object]]:
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors[-3000:]
    return {line["name"]: line for line in map(json.loads, output.splitlines())}


@pytest.fixture(scope="module")
def observed() -> dict[str, tuple[dict[str, object], dict[str, object]]]:
    """``{scenario: (with 0.1.1, with this package)}``; the two processes run side by side."""
    theirs, ours = start(original()), start(ROOT)
    seen, seen_here = told(theirs), told(ours)
    assert seen.keys() == seen_here.keys() == set(names())
    return {name: (seen[name], seen_here[name]) for name in seen}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", names())
def test_the_same_is_seen_as_with_the_original(scenario, observed):
    theirs, ours = (told["observed"] for told in observed[scenario])

    assert "returned" in theirs, f"no observation, but {theirs}"
    if "row" in observed[scenario][0]:
        meant = {"returned": observed[scenario][1]["ours"]}
        assert theirs != meant, "they agree: take the mark off"
        assert ours == meant
    else:
        assert ours == theirs


def test_each_difference_is_documented_and_each_row_is_tested():
    assert marks() == set(rows()) - ELSEWHERE.keys()
    assert ELSEWHERE.keys() <= set(rows())
    assert len(rows()) == len(set(rows()))
    for place in ELSEWHERE.values():
        file, _, name = place.partition("::")
        assert f"def {name}(" in (ROOT / "tests" / file).read_text()


def test_no_primitive_is_left_out():
    others = {"fakes", "logs", "names", "overrides"}

    assert {name.partition(".")[0].partition("_")[0] for name in names()} == PRIMITIVES | others
    assert len(names()) >= 150
