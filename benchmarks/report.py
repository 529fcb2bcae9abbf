"""What a run found out, as markdown."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.growth import fits
from benchmarks.results import Area, Entry, Results, Row
from benchmarks.table import number

BEGIN = "<!-- figures: python -m benchmarks report FILE.json --into PAGE.md -->"
END = "<!-- end of the figures -->"

SMALLEST = 0.03
"""The part of the whole from which on something is worth a word."""


class NoMarksError(Exception):
    """The page has no place for the figures."""


def markdown(results: Results, pictures: dict[str, Path], page: Path | None = None) -> str:
    """
    All tables.

    Args:
        pictures: Of the areas that have one, by their names.
        page: Where the text is to stand, so that the pictures are named from there.
    """
    lines = [*about(results), ""]
    for area in results.areas:
        lines += [f"### {area.name}: {area.title}", ""]
        if picture := pictures.get(area.name):
            name = os.path.relpath(picture, page.parent) if page else picture
            lines += [f"![{area.title}]({name})", ""]
        curved = {case: rows for case, rows in area.curves().items() if len(rows) > 1}
        for row in area.rows:
            if row.case not in curved:
                lines += [*table(row), ""]
        for case, rows in curved.items():
            lines += [*curve(case, rows), ""]
        lines += profiles(area)
    lines += [*missed(results), ""]
    return "\n".join(lines)


def about(results: Results) -> Iterator[str]:
    """The machine and the versions."""
    yield f"Measured on {results.date}: " + ", ".join(f"{key} {value}" for key, value in results.machine.items()) + "."
    for backend, versions in results.versions.items():
        yield f"{backend}: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + "."
    yield f"The best of {results.repeats} samples each, of fewer where one takes long." + (
        " **A quick run: the figures mean nothing.**" if results.quick else ""
    )


def table(row: Row) -> Iterator[str]:
    """The table of a case at one size."""
    yield f"| {row.title} | {row.unit} | spread | × {row.baseline} | goal |"
    yield "| --- | ---: | ---: | ---: | --- |"
    for entry in row.entries:
        if entry.samples:
            yield line(row, entry)


def line(row: Row, entry: Entry) -> str:
    """The line of a contender."""
    figure, ratio = row.figure(entry.name), row.ratio(entry.name)
    assert figure is not None
    times = "" if ratio is None else f"{ratio:.3g}"
    return f"| {entry.name} | {number(figure)} | {row.spread(entry.name):.0%} | {times} | {goals(row, entry.name)} |"


def goals(row: Row, name: str) -> str:
    """The goals of a contender; what was reached instead in bold."""
    return "; ".join(
        f"{goal}" if met else f"{goal}: **{'not measured' if reached is None else f'{reached:.3g}'}**"
        for goal, reached, met in row.verdicts(name)
    )


def curve(case: str, rows: list[Row]) -> Iterator[str]:
    """The table of a case that shows how a figure grows: a column for each size, and the exponent."""
    yield f"| {case}, {rows[0].unit} | " + " | ".join(f"n = {row.n:,}" for row in rows) + " | grows as |"
    yield "| --- |" + " ---: |" * (len(rows) + 1)
    for name, exponent in fits(rows).items():
        figures = (row.figure(name) for row in rows)
        cells = " | ".join("" if figure is None else number(figure) for figure in figures)
        yield f"| {name} | {cells} | n^{exponent:.2f} |"


def profiles(area: Area) -> Iterator[str]:
    """Where the time of ours goes, or the memory: a line for each case."""
    if area.profiles:
        yield "| " + " | ".join(area.parts) + " |"
        yield "| --- | --- |"
        for profile in area.profiles:
            told = ((name.replace("|", "\\|"), part) for name, part in profile.parts if part >= SMALLEST)
            parts = ", ".join(f"`{name}` {part:.0%}" for name, part in told)
            yield f"| {profile.title} ({profile.contender}) | {parts} |"
        yield ""


def missed(results: Results) -> Iterator[str]:
    """The goals that are not reached, in one table."""
    rows = [(area, row) for area in results.areas for row in area.rows]
    found = [
        f"| {area.name} | {row.title} | {entry.name} | {goal} | {reached:.3g} |"
        for area, row in rows
        for entry in row.entries
        for goal, reached, met in row.verdicts(entry.name)
        if met is False
    ]
    if found:
        yield "### Goals that are not reached"
        yield ""
        yield "| area | case | contender | goal | reached |"
        yield "| --- | --- | --- | --- | ---: |"
        yield from found


def put_into(page: Path, text: str) -> None:
    """
    Put the figures between the marks of a page, in place of what is there.

    Raises:
        NoMarksError: It has no marks.
    """
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoMarksError(f"{page} has no lines {BEGIN!r} and {END!r}")
    page.write_text(f"{before}{begin}\n\n{text.rstrip()}\n\n{end}{after}", encoding="utf-8")
