"""Where the time of a contender goes, or the memory."""

from __future__ import annotations

import io
import pstats
import sys
from collections.abc import Mapping
from cProfile import Profile as Profiler
from dataclasses import dataclass
from pathlib import Path

KEPT = 8
"""So many parts are kept of each profile."""

BUILT_IN = "~"
"""What a profile says in place of the file of a function that is not written in Python."""

HERE = str(Path(__file__).parent)


@dataclass(frozen=True)
class Found:
    """
    What a profile tells.

    Attributes:
        parts: The largest first: the name, and the part of the whole.
        text: All of it, for a terminal.
    """

    parts: list[tuple[str, float]]
    text: str


def of_functions(source: Profiler | str, *, by_file: bool = False) -> Found:
    """
    The functions that took the most time in themselves; those of the benchmarks are left out.

    Args:
        source: A profiler, or the file that one has written.
        by_file: The parts are files, where each function takes too little for itself.
    """
    text = io.StringIO()
    stats = pstats.Stats(source, stream=text).sort_stats("tottime").print_stats(25)
    seconds: dict[str, float] = {}
    for (file, _, function), (_, _, own, _, _) in stats.stats.items():  # type: ignore[attr-defined]
        if not file.startswith(HERE):
            name = imported(file) if by_file and file != BUILT_IN else named(file, function)
            seconds[name] = seconds.get(name, 0.0) + own
    return Found(largest(seconds), text.getvalue())


def of_amounts(amounts: Mapping[str, float], unit: str) -> Found:
    """What was counted in another way: the name and how much, in *unit*."""
    lines = [f"{amount:12,.1f} {unit}  {name}" for name, amount in sorted(amounts.items(), key=lambda part: -part[1])]
    return Found(largest(amounts), "\n".join(lines[:25]) + "\n")


def largest(amounts: Mapping[str, float]) -> list[tuple[str, float]]:
    """The largest of them, as parts of the sum of all."""
    whole = sum(amounts.values()) or 1.0
    found = sorted(amounts.items(), key=lambda part: part[1], reverse=True)
    return [(name, amount / whole) for name, amount in found[:KEPT]]


def named(file: str, function: str) -> str:
    """A function as one would look it up: its file as it is imported, and its name."""
    if file == BUILT_IN:
        return function.strip("<>").replace("built-in method ", "").removeprefix("builtins.")
    return f"{imported(file)} {function}"


def imported(file: str) -> str:
    """The name of a file below the folder from which it is imported."""
    folders = [folder for folder in sys.path if folder and file.startswith(folder + "/")]
    return file[len(max(folders, key=len, default="")) :].lstrip("/")
