"""Each contender of each area does its work; how long that takes is no matter of a test."""

import subprocess
import sys
import tomllib
import xml.etree.ElementTree
from hashlib import sha256
from pathlib import Path

import pytest
from cached import PYTHON, cached, missing

from benchmarks import environments, measure
from benchmarks.cases import ASYNCIO, GEVENT, SPECTER, TWIN
from benchmarks.results import Area, Results

ROOT = Path(__file__).parent.parent.parent
LONG = ("http", "sockets", "timers", "memory", "importing")
HERE = {ASYNCIO: sys.executable, GEVENT: sys.executable}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in measure.names()]
)
def test_ours_and_the_twin_do_their_work(name: str) -> None:
    area = measure.measure(name, HERE, quick=True)

    assert failures(area) == []
    assert all(has_ours(row.entries) for row in area.rows)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_every_contender_does_its_work(tmp_path: Path) -> None:
    python, old = everything() / "bin" / "python", old_environment() / "bin" / "python"

    kept, drawn = tmp_path / "all.json", tmp_path / "all.svg"
    command = [python, "-m", "benchmarks", "--quick", "--old", old, "--json", kept, "--plot", drawn]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)

    assert done.returncode == 0, done.stderr
    areas = Results.read(kept).areas
    assert [area.name for area in areas] == measure.names()
    skipped = {entry.skipped for area in areas for row in area.rows for entry in row.entries if entry.skipped}
    assert skipped <= {"wrk is not installed"}
    for area in areas:
        xml.etree.ElementTree.parse(tmp_path / f"all-{area.name}.svg")


def failures(area: Area) -> list[str]:
    return [f"{row.title}, {entry.name}: {entry.failed}" for row in area.rows for entry in row.entries if entry.failed]


def has_ours(entries: list) -> bool:
    """Whether ours, or the twin, has a sample, or says that it lacks a program."""
    ours = [entry for entry in entries if entry.name.startswith(SPECTER) or entry.name == TWIN]
    return any(entry.samples or entry.skipped == "wrk is not installed" for entry in ours)


def old_environment() -> Path:
    """The environment of specter-runtime 0.1.1."""

    def fill(folder: Path) -> None:
        try:
            environments.install_old(folder)
        except subprocess.CalledProcessError:
            missing("a package index")

    return cached(f"benchmarks-old-{PYTHON}", fill)


def everything() -> Path:
    """An environment with all peers; ours is taken from the tree."""

    def fill(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        command = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", f"{ROOT}[bench]"]
        if subprocess.run(command, check=False).returncode:
            missing("a package index")

    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["bench"]
    return cached(f"benchmarks-{PYTHON}-{sha256(repr(extra).encode()).hexdigest()[:12]}", fill)
