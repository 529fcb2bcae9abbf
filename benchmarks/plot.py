"""A picture of each area: bars for the cases, lines for what grows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "specter"  # the same figures give the same file
matplotlib.rcParams["svg.fonttype"] = "none"

from matplotlib import pyplot  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402

from benchmarks.growth import fits, points  # noqa: E402
from benchmarks.results import Area, Results, Row  # noqa: E402
from benchmarks.table import number  # noqa: E402

COLOURS = {"specter": "#2a6f97", "specter_gevent": "#61a5c2", "0.1.1": "#bc4749"}
OTHERS = "#adb5bd"


def draw(results: Results, path: Path) -> dict[str, Path]:
    """
    Draw the areas.

    Args:
        path: The file, or of several areas what theirs begin with: ``FILE-AREA.svg``.

    Returns:
        The files, by the names of the areas.
    """
    drawn = {}
    for area in results.areas:
        file = path if len(results.areas) == 1 else path.with_name(f"{path.stem}-{area.name}{path.suffix}")
        draw_area(area, file)
        drawn[area.name] = file
    return drawn


def draw_area(area: Area, file: Path) -> None:
    """One picture: a panel for each row, a panel for each curve."""
    curves = [rows for rows in area.curves().values() if len(rows) > 1]
    rows = [row for row in area.rows if not any(row in found for found in curves)]
    heights = [bar_height(row) for row in rows] + [3.0] * len(curves)
    figure, panels = pyplot.subplots(
        len(heights), 1, figsize=(8, sum(heights)), height_ratios=heights, squeeze=False, layout="constrained"
    )
    axes = [row[0] for row in panels]
    for axis, row in zip(axes, rows, strict=False):
        bars(axis, row)
    for axis, found in zip(axes[len(rows) :], curves, strict=True):
        lines(axis, found)
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


def bar_height(row: Row) -> float:
    """Inches for the bars of a row."""
    return 0.6 + 0.26 * sum(1 for entry in row.entries if entry.samples)


def bars(axis: Axes, row: Row) -> None:
    """A bar for each contender, with its figure and the ratio to the baseline's."""
    names = [entry.name for entry in row.entries if entry.samples][::-1]
    figures = [row.figure(name) or 0.0 for name in names]
    drawn = axis.barh(names, figures, color=[colour(name) for name in names], height=0.7)
    axis.bar_label(drawn, [label(row, name) for name in names], padding=3, fontsize=8)
    axis.set_title(f"{row.title}, {row.unit}", loc="left", fontsize=9)
    axis.tick_params(labelsize=8)
    axis.margins(x=0.2)
    axis.spines[["top", "right"]].set_visible(False)


def label(row: Row, name: str) -> str:
    """What stands beside a bar."""
    figure, ratio = row.figure(name) or 0.0, row.ratio(name)
    return number(figure) if ratio is None or name == row.baseline else f"{number(figure)}  (× {ratio:.2g})"


def lines(axis: Axes, rows: Sequence[Row]) -> None:
    """A line for each contender, both scales logarithmic, so that the slope is the exponent."""
    for name, exponent in fits(rows).items():
        xs, ys = zip(*points(rows, name), strict=True)
        axis.loglog(xs, ys, marker="o", label=f"{name}: n^{exponent:.2f}", color=COLOURS.get(name))
    axis.set_title(f"{rows[0].case}, {rows[0].unit}", loc="left", fontsize=9)
    axis.set_xlabel("n", fontsize=8)
    axis.tick_params(labelsize=8)
    axis.legend(fontsize=8)
    axis.grid(alpha=0.3)


def colour(name: str) -> str:
    """Ours, our twin's and the old package's; the others are grey."""
    return COLOURS.get(name) or (COLOURS["specter"] if name.startswith("specter ") else OTHERS)
