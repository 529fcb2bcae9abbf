"""What a run found out, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.growth import fits
from benchmarks.results import Area, Entry, Row

LINE = "  {:<36} {:>11} {:>7} {:>22}   {}"


def lines(area: Area) -> Iterator[str]:
    """The lines of an area."""
    yield f"\n{area.name}: {area.title}"
    curves = area.curves()
    for row in area.rows:
        if len(curves.get(row.case, ())) < 2:
            yield ""
            yield f"  {row.title}"
            yield LINE.format("", row.unit, "spread", f"× {row.baseline}", "goal").rstrip()
            yield from (entry_line(row, entry) for entry in row.entries)
    for case, rows in curves.items():
        if len(rows) > 1:
            yield from curve_lines(case, rows)


def entry_line(row: Row, entry: Entry) -> str:
    """The line of a contender."""
    if (best := row.figure(entry.name)) is None:
        return LINE.format(entry.name, "-", "", "", f"skipped: {entry.skipped}" if entry.skipped else "FAILED")
    ratio = row.ratio(entry.name)
    times = "" if ratio is None else f"{ratio:.3g}"
    return LINE.format(
        entry.name, number(best), f"{row.spread(entry.name):.0%}", times, goals(row, entry.name)
    ).rstrip()


def goals(row: Row, name: str) -> str:
    """The goals of a contender and what was reached, in words."""
    words = []
    for goal, reached, met in row.verdicts(name):
        if reached is None:
            words.append(f"{goal}: not measured")
        else:
            words.append(f"{goal}: {'met' if met else f'MISSED with {reached:.3g}'}")
    return "; ".join(words)


def curve_lines(case: str, rows: list[Row]) -> Iterator[str]:
    """A case that shows how a figure grows: a column for each size, and the exponent."""
    yield ""
    yield f"  {case}, {rows[0].unit}"
    sizes = "".join(f"{row.n or 0:>12,}" for row in rows)
    yield f"  {'':<36}{sizes}   grows as"
    for name, exponent in fits(rows).items():
        figures = [row.figure(name) for row in rows]
        cells = "".join(f"{'-' if figure is None else number(figure):>12}" for figure in figures)
        yield f"  {name:<36}{cells}   n^{exponent:.2f}"


def number(figure: float) -> str:
    """A figure with three digits that matter."""
    if figure >= 1000:
        return f"{figure:,.0f}"
    return f"{figure:.3g}" if figure >= 100 else f"{figure:.2f}" if figure >= 1 else f"{figure:.3f}"
