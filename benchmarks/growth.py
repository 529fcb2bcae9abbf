"""How a figure grows with the size."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.results import Row


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The *e* for which ``figure ~ n ** e`` lies nearest to the points (least squares of the logarithms)."""
    xs = [math.log(n) for n, _ in points]
    ys = [math.log(figure) for _, figure in points]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)


def points(rows: Sequence[Row], name: str) -> list[tuple[float, float]]:
    """(size, figure) of a contender, where it has both."""
    return [(row.n, figure) for row in rows if row.n and (figure := row.figure(name))]


def fits(rows: Sequence[Row]) -> dict[str, float]:
    """The exponent of each contender that has at least two points."""
    names = [entry.name for entry in rows[0].entries]
    return {name: exponent(found) for name in names if len(found := points(rows, name)) > 1}
