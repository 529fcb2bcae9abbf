"""Prints the table."""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

AREAS = Path(__file__).parent / "areas"
COLUMNS = "{:<60} {:>6} {:>10} {:>10} {:>8}  {:<12} {}\n"


def main() -> None:
    """Measure the areas asked for, alternating between the two, and print a line for each."""
    options = arguments()
    yardstick = python_of(options.yardstick) if options.yardstick else None
    if yardstick is None:
        sys.stdout.write("no yardstick: see benchmarks/__init__.py\n")
    sys.stdout.write(COLUMNS.format("", "", "ours", "0.1.1", "ratio", "at most", ""))
    for name in options.areas or names():
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(options.rounds):
            ours.append(figure(sys.executable, name, "ours"))
            if yardstick is not None:
                theirs.append(figure(yardstick, name, "theirs"))
        sys.stdout.write(line(area(name), min(ours), min(theirs, default=None)))
        sys.stdout.flush()


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Specter beside specter-runtime 0.1.1.")
    parser.add_argument("areas", nargs="*", metavar="area", help=", ".join(names()))
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many rounds counts (default: 3)")
    parser.add_argument(
        "--yardstick",
        default=os.environ.get("SPECTER_YARDSTICK"),
        help="the environment of specter-runtime 0.1.1, or its Python (default: SPECTER_YARDSTICK)",
    )
    options = parser.parse_args()
    if unknown := set(options.areas) - set(names()):
        parser.error(f"no such area: {', '.join(sorted(unknown))} (there are {', '.join(names())})")
    return options


def names() -> list[str]:
    """The areas, by the names of their files."""
    return sorted(path.stem for path in AREAS.glob("*.py") if path.stem != "measuring")


def area(name: str) -> ModuleType:
    """The file of an area, as it is when it runs as a script."""
    sys.path.insert(0, str(AREAS))
    return importlib.import_module(name)


def python_of(yardstick: str) -> str:
    """The interpreter of an environment that is given by its folder or by that interpreter itself."""
    path = Path(yardstick)
    return str(path / "bin" / "python") if path.is_dir() else yardstick


def figure(python: str, name: str, side: str) -> float:
    """One figure of one side, measured in a process of its own."""
    script = [python, str(AREAS / f"{name}.py"), side]
    return float(subprocess.run(script, check=True, stdout=subprocess.PIPE, text=True).stdout)


def line(area: ModuleType, ours: float, theirs: float | None) -> str:
    """A line of the table."""
    verdict = {True: "yes", False: "NO", None: ""}[area.GOAL.met(ours, theirs)]
    if theirs is None:
        return COLUMNS.format(area.TITLE, area.UNIT, f"{ours:.2f}", "", "", str(area.GOAL), verdict)
    ratio = f"{ours / theirs:.4f}"
    return COLUMNS.format(area.TITLE, area.UNIT, f"{ours:.2f}", f"{theirs:.2f}", ratio, str(area.GOAL), verdict)


main()
