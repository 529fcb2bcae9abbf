"""Asks for the samples, one contender after the other and round again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from benchmarks import areas, environments
from benchmarks.answering import area_module, cases_of
from benchmarks.cases import SPECTER, Case
from benchmarks.results import Area, Entry, Profile, Results, Row
from benchmarks.workers import Workers

REPEATS = 7
PROFILED = ("profile", "skipped", "failed")


def names() -> list[str]:
    """The areas, in the order in which they are measured."""
    return list(areas.ORDER)


def results(pythons: dict[str, str], *, quick: bool, repeats: int) -> Results:
    """A run in which nothing has been measured yet."""
    found = {backend: environments.versions(python) for backend, python in pythons.items() if backend != "gevent"}
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    return Results(date, environments.machine(), found, quick, repeats)


def measure(
    name: str,
    pythons: dict[str, str],
    *,
    quick: bool = False,
    repeats: int = REPEATS,
    only: str = "",
    progress: Callable[[str], None] = lambda text: None,
) -> Area:
    """
    Measure an area.

    Args:
        pythons: The interpreter of each worker.
        quick: One short sample of each contender, to see whether it works.
        repeats: Samples of each contender.
        only: Leave out the cases that do not have this in their title.
        progress: Told what is done next, in a few words.
    """
    module = area_module(name)
    cases = cases_of(module)
    planned = [
        (case, index, empty(case, n, goals=not quick), 1 if quick else min(repeats, case.repeats or repeats))
        for index, case in enumerate(cases)
        for n in (case.quick_sizes if quick else case.sizes) or (None,)
        if only in case.title_of(n)
    ]
    with Workers(pythons, name) as workers:
        # Round by round through all cases: a machine that is slow for seconds is so for none of them each time.
        for number in range(max((rounds for *_, rounds in planned), default=0)):
            for case, index, row, rounds in planned:
                if number < rounds:
                    progress(f"{name}: {row.title} ({number + 1} of {rounds})")
                    sample(workers, case, index, row, quick=quick, rotated=number)
    area = Area(name, module.TITLE, [row for _, _, row, _ in planned])
    area.parts = getattr(module, "PARTS", area.parts)
    return area


def empty(case: Case, n: int | None, *, goals: bool) -> Row:
    """A row without samples; a quick run tells nothing about goals."""
    entries = [Entry(contender.name) for contender in case.contenders]
    return Row(
        case.title,
        case.title_of(n),
        n,
        case.unit,
        case.baseline,
        case.more_is_better,
        case.curve,
        list(case.goals) if goals else [],
        entries,
    )


def sample(workers: Workers, case: Case, index: int, row: Row, *, quick: bool, rotated: int) -> None:
    """One sample of each contender; each round begins with another one."""
    count = len(case.contenders)
    for position in range(count):
        number = (position + rotated) % count
        contender, entry = case.contenders[number], row.entries[number]
        if entry.skipped or entry.failed:
            continue
        request = {"case": index, "contender": number, "n": row.n, "quick": quick}
        answer = workers.ask(contender.worker, request, timeout=case.timeout, fresh=case.fresh)
        if "sample" in answer:
            entry.samples.append(answer["sample"])
        else:
            entry.skipped, entry.failed = answer.get("skipped"), answer.get("failed")


def profiles(
    name: str, pythons: dict[str, str], only: str = "", progress: Callable[[str], None] = lambda text: None
) -> Iterator[Profile]:
    """Where the time of ours goes, in each case of an area that a profile can tell of, at its largest size."""
    with Workers(pythons, name) as workers:
        for index, case in enumerate(cases_of(area_module(name))):
            ours = next((each.name for each in case.contenders if each.name.startswith(SPECTER)), None)
            if ours and case.profiled and not case.curve and only in case.title_of(largest(case)):
                progress(f"{name}: a profile of {case.title_of(largest(case))}")
                title, answer = profiled(workers, case, index, ours)
                if "parts" in answer:
                    yield Profile(title, ours, [(part, of_all) for part, of_all in answer["parts"]])


def profile(name: str, pythons: dict[str, str], contender: str, only: str) -> Iterator[tuple[str, str]]:
    """The titles of the cases of an area that a contender takes part in, and where its time goes in each."""
    with Workers(pythons, name) as workers:
        for index, case in enumerate(cases_of(area_module(name))):
            taking_part = any(each.name == contender for each in case.contenders)
            if taking_part and only in case.title_of(largest(case)):
                title, answer = profiled(workers, case, index, contender)
                yield title, next(answer[key] for key in PROFILED if answer.get(key))


def profiled(workers: Workers, case: Case, index: int, contender: str) -> tuple[str, dict[str, Any]]:
    """The title of a case at its largest size, and what a worker answers that profiles a contender in it."""
    number = next(number for number, each in enumerate(case.contenders) if each.name == contender)
    n, worker = largest(case), case.contenders[number].worker
    request = {"case": index, "contender": number, "n": n, "quick": False, "profile": True}
    return case.title_of(n), workers.ask(worker, request, timeout=10 * case.timeout, fresh=case.fresh)


def largest(case: Case) -> int | None:
    """The largest size of a case, if it has sizes."""
    return case.sizes[-1] if case.sizes else None
