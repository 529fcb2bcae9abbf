"""What a run found out, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.growth import fits
from benchmarks.results import Area, Entry, Row

LINE = "  {:<62} {:>12} {:>6} {:>9}   {}"


def lines(area: Area) -> Iterator[str]:
    """The lines of an area."""
    yield f"\n{area.name}: {area.title}"
    for row in area.rows:
        yield LINE.format(row.title, row.unit, "spread", f"× {row.baseline}"[:9], "goal").replace("  ", "", 1)
        for entry in row.entries:
            yield entry_line(row, entry)
    for case, rows in area.curves().items():
        for name, found in fits(rows).items():
            yield f"{case}: {name} grows as n^{found:.2f}"


def entry_line(row: Row, entry: Entry) -> str:
    """The line of a contender."""
    if (best := row.figure(entry.name)) is None:
        return LINE.format(entry.name, "-", "", "", f"skipped: {entry.skipped}" if entry.skipped else "FAILED")
    ratio = row.ratio(entry.name)
    times = "" if ratio is None else f"{ratio:.3g}"
    return LINE.format(entry.name, number(best), f"{row.spread(entry.name):.0%}", times, goals(row, entry.name))


def goals(row: Row, name: str) -> str:
    """The goals of a contender and what was reached, in words."""
    words = []
    for goal, reached, met in row.verdicts(name):
        if reached is None:
            words.append(f"{goal}: not measured")
        else:
            words.append(f"{goal}: {'met' if met else f'MISSED with {reached:.3g}'}")
    return "; ".join(words)


def number(figure: float) -> str:
    """A figure with three digits that matter."""
    if figure >= 1000:
        return f"{figure:,.0f}"
    return f"{figure:.3g}" if figure >= 100 else f"{figure:.2f}" if figure >= 1 else f"{figure:.3f}"
