"""What a run found out, as it is kept in a JSON file."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.cases import Goal


@dataclass
class Entry:
    """A contender's samples, or why it has none."""

    name: str
    samples: list[float] = field(default_factory=list)
    skipped: str | None = None
    failed: str | None = None


@dataclass
class Row:
    """A case at one size."""

    case: str
    title: str
    n: int | None
    unit: str
    baseline: str
    more_is_better: bool
    curve: bool
    goals: list[Goal]
    entries: list[Entry]

    def figure(self, name: str) -> float | None:
        """The best sample of a contender; None if it has none."""
        samples = next((entry.samples for entry in self.entries if entry.name == name), [])
        return (max if self.more_is_better else min)(samples, default=None)

    def spread(self, name: str) -> float:
        """How far the median of the samples lies from the best, as a part of that."""
        entry = next(entry for entry in self.entries if entry.name == name)
        best = self.figure(name)
        return abs(statistics.median(entry.samples) / best - 1) if best else 0.0

    def ratio(self, name: str) -> float | None:
        """The figure as a part of the baseline's."""
        figure, base = self.figure(name), self.figure(self.baseline)
        return None if figure is None or not base else figure / base

    def verdicts(self, name: str) -> list[tuple[Goal, float | None, bool | None]]:
        """Each goal of a contender at this size, what was reached (in the goal's terms), whether that is enough."""
        found = []
        for goal in self.goals:
            if goal.contender != name or goal.n not in (None, self.n) or (figure := self.figure(name)) is None:
                continue
            reached = goal.reached(figure, self.figure(goal.of) if goal.of else None)
            found.append((goal, reached, goal.met(reached)))
        return found


@dataclass
class Profile:
    """Where the time of a contender goes, or the memory: into what, and the part of the whole."""

    title: str
    contender: str
    parts: list[tuple[str, float]]


@dataclass
class Area:
    """
    All rows of an area; profiles, if they were asked for.

    Attributes:
        parts: What the profiles tell: the question, and what the answer consists of.
    """

    name: str
    title: str
    rows: list[Row]
    profiles: list[Profile] = field(default_factory=list)
    parts: tuple[str, str] = ("where the time goes", "functions, by the time in themselves")

    def curves(self) -> dict[str, list[Row]]:
        """The rows of each case that shows how a figure grows, by the title of the case."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            if row.curve:
                found.setdefault(row.case, []).append(row)
        return found


@dataclass
class Results:
    """A run."""

    date: str
    machine: dict[str, str]
    versions: dict[str, dict[str, str]]
    quick: bool
    repeats: int
    areas: list[Area] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Keep it."""
        path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Results:
        """What `write` kept."""
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**data, "areas": [_area(area) for area in data["areas"]]})


def _area(data: dict[str, Any]) -> Area:
    profiles = [
        Profile(**{**each, "parts": [(name, part) for name, part in each["parts"]]}) for each in data["profiles"]
    ]
    read = {"rows": [_row(row) for row in data["rows"]], "profiles": profiles}
    return Area(**{**data, **read, "parts": tuple(data["parts"])})


def _row(data: dict[str, Any]) -> Row:
    goals = [Goal(**goal) for goal in data["goals"]]
    return Row(**{**data, "goals": goals, "entries": [Entry(**entry) for entry in data["entries"]]})
