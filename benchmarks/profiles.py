"""Where the time of a contender goes."""

from __future__ import annotations

import pstats
import sys
from cProfile import Profile as Profiler
from pathlib import Path
from typing import Any

KEPT = 8
"""So many functions are kept of each profile."""

HERE = str(Path(__file__).parent)


def busiest(profiler: Profiler) -> list[list[Any]]:
    """The functions that took the most time in themselves: the name and the part of the whole, the largest first."""
    parts: dict[str, float] = {}
    for (file, _, function), (_, _, seconds, _, _) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        if not file.startswith(HERE):
            name = named(file, function)
            parts[name] = parts.get(name, 0.0) + seconds
    whole = sum(parts.values()) or 1.0
    found = sorted(parts.items(), key=lambda part: part[1], reverse=True)
    return [[name, seconds / whole] for name, seconds in found[:KEPT]]


def named(file: str, function: str) -> str:
    """A function as one would look it up: its file as it is imported, and its name."""
    if file == "~":
        return function.strip("<>").replace("built-in method ", "").removeprefix("builtins.")
    folders = [folder for folder in sys.path if folder and file.startswith(folder + "/")]
    return f"{file[len(max(folders, key=len, default='')) :].lstrip('/')} {function}"
