"""``python -m benchmarks``: what it takes and what it prints."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import environments, measure, table
from benchmarks.cases import SPECTER
from benchmarks.results import Results


def main(arguments: Sequence[str]) -> int:
    """Run a command; the exit status."""
    commands = {"report": report, "profile": profile, "install-old": install_old}
    try:
        if arguments and arguments[0] in commands:
            return commands[arguments[0]](arguments[1:])
        return benchmark(arguments)
    except environments.NoOldError as error:
        say(str(error))
        return 2


def benchmark(arguments: Sequence[str]) -> int:
    """Measure, and show what was found."""
    options = benchmark_options(arguments)
    pythons = environments.pythons(options.old)
    results = measure.results(pythons, quick=options.quick, repeats=options.repeats)
    for name in options.areas or measure.names():
        area = measure.measure(
            name, pythons, quick=options.quick, repeats=options.repeats, only=options.only, progress=progress
        )
        if options.profile:
            area.profiles = list(measure.profiles(name, pythons, options.only, progress))
        progress("")
        sys.stdout.write("\n".join(table.lines(area)) + "\n")
        sys.stdout.flush()
        results.areas.append(area)
        if options.json:
            results.write(options.json)
    if options.plot:
        draw(results, options.plot)
    return tell_what_is_missing(results)


def benchmark_options(arguments: Sequence[str]) -> argparse.Namespace:
    """What the command line asks for."""
    names = measure.names()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Specter beside its peers. Other commands: report FILE.json, profile AREA, install-old [FOLDER].",
    )
    parser.add_argument("areas", nargs="*", metavar="AREA", help=", ".join(names))
    parser.add_argument("--only", default="", metavar="TEXT", help="only the cases with this in their title")
    parser.add_argument("--quick", action="store_true", help="one short sample each: does it work?")
    parser.add_argument("--repeats", type=int, default=measure.REPEATS, help="samples each (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep what was found")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw it, each area in a file (FILE-AREA.svg)")
    parser.add_argument("--profile", action="store_true", help="keep where the time of ours goes, for the report")
    add_old(parser)
    options = parser.parse_args(arguments)
    if unknown := set(options.areas) - set(names):
        parser.error(f"no such area: {', '.join(sorted(unknown))} (there are {', '.join(names)})")
    return options


def add_old(parser: argparse.ArgumentParser) -> None:
    """The option that names the other environment."""
    parser.add_argument(
        "--old",
        default=os.environ.get("SPECTER_OLD"),
        metavar="PYTHON",
        help="the Python with specter-runtime 0.1.1 (default: SPECTER_OLD, or where install-old puts it)",
    )


def tell_what_is_missing(results: Results) -> int:
    """Say what was skipped and what failed; 1 if something failed."""
    entries = [(row, entry) for area in results.areas for row in area.rows for entry in row.entries]
    for reason in sorted({f"{entry.name} was skipped: {entry.skipped}" for _, entry in entries if entry.skipped}):
        say(reason)
    failures = [(row, entry) for row, entry in entries if entry.failed]
    for row, entry in failures:
        say(f"{row.title}: {entry.name} failed\n{entry.failed}")
    return 1 if failures else 0


def report(arguments: Sequence[str]) -> int:
    """Print the tables of a run as markdown, or put them into a page; draw the pictures."""
    from benchmarks.report import markdown, put_into

    parser = argparse.ArgumentParser(prog="python -m benchmarks report", description=report.__doc__)
    parser.add_argument("file", type=Path, help="what --json kept")
    parser.add_argument("--into", type=Path, metavar="PAGE.md", help="put them between the marks of this page")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw it, each area in a file (FILE-AREA.svg)")
    options = parser.parse_args(arguments)
    results = Results.read(options.file)
    pictures = draw(results, options.plot) if options.plot else {}
    if options.into is None:
        sys.stdout.write(markdown(results, pictures))
    else:
        put_into(options.into, markdown(results, pictures, page=options.into))
    return 0


def profile(arguments: Sequence[str]) -> int:
    """Show where the time of a contender goes, in each case of an area at its largest size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks profile", description=profile.__doc__)
    parser.add_argument("area", choices=measure.names(), metavar="AREA", help=", ".join(measure.names()))
    parser.add_argument("--only", default="", metavar="TEXT", help="only the cases with this in their title")
    parser.add_argument("--contender", default=SPECTER, metavar="NAME", help="default: %(default)s")
    add_old(parser)
    options = parser.parse_args(arguments)
    pythons = environments.pythons(options.old)
    for title, text in measure.profile(options.area, pythons, options.contender, options.only):
        sys.stdout.write(f"{options.contender}: {title}\n{text}\n")
    return 0


def install_old(arguments: Sequence[str]) -> int:
    """Make the environment of specter-runtime 0.1.1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks install-old", description=install_old.__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=environments.DEFAULT_OLD, help="default: %(default)s")
    environments.install_old(parser.parse_args(arguments).folder)
    return 0


def draw(results: Results, path: Path) -> dict[str, Path]:
    """The pictures of a run, each in a file; by the names of the areas."""
    try:
        from benchmarks import plot
    except ImportError as error:
        say(f"no pictures: {error.name} is not installed (pip install -e '.[bench]')")
        return {}
    return plot.draw(results, path)


def progress(text: str) -> None:
    """What is done next, on a line that the next one replaces."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def say(text: str) -> None:
    """A line for the person in front of it."""
    sys.stderr.write(f"{text}\n")
