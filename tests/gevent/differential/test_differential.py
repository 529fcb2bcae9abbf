"""
What an application sees is what it sees with specter-runtime 0.1.1.

Each function in ``scenarios/`` runs with both; it is marked there, with the reason, if they are meant to differ.
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


def names() -> list[str]:
    """The scenarios, read off: importing them would import `specter` on the runtime of this process."""
    return [
        f"{file.stem}.{node.name}"
        for file in sorted(HERE.glob("scenarios/*.py"))
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]


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
    if "reason" in observed[scenario][0]:
        meant = {"returned": observed[scenario][1]["ours"]}
        assert theirs != meant, "they agree: take the mark off"
        assert ours == meant
    else:
        assert ours == theirs


def test_no_primitive_is_left_out():
    assert {name.partition(".")[0].partition("_")[0] for name in names()} == PRIMITIVES | {"fakes", "names"}
    assert len(names()) >= 150
