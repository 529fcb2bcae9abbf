"""A worker's side of the conversation."""

from __future__ import annotations

import asyncio
import cProfile
import gc
import importlib
import inspect
import json
import os
import sys
import traceback
from types import ModuleType
from typing import Any, TextIO

from benchmarks.cases import Case, Contender
from benchmarks.profiles import of_functions
from benchmarks.run import Run, SkippedError


def answer(area: str) -> None:
    """Answer the requests about an area, until there are no more."""
    answers = standard_output()
    cases = cases_of(area_module(area))
    for line in sys.stdin:
        answers.write(json.dumps(reply(cases, json.loads(line))) + "\n")
        answers.flush()


def standard_output() -> TextIO:
    """Where the answers go. What others print goes to standard error from now on."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def area_module(name: str) -> ModuleType:
    """The file of an area."""
    return importlib.import_module(f"benchmarks.areas.{name}")


def cases_of(area: ModuleType) -> list[Case]:
    """The cases of an area, in the order of its file."""
    return [value for value in vars(area).values() if isinstance(value, Case)]


def reply(cases: list[Case], request: dict[str, Any]) -> dict[str, Any]:
    """
    One sample.

    Args:
        request: ``{"case": index, "contender": index, "n": size or null, "quick": bool}``, and ``"profile": true``
            to see where the time goes.

    Returns:
        ``{"sample": figure}``, ``{"skipped": reason}`` or ``{"failed": traceback}``; with a profile its text and its
        parts as well.
    """
    contender = cases[request["case"]].contenders[request["contender"]]
    if reason := contender.missing():
        return {"skipped": reason}
    sizes = () if request["n"] is None else (request["n"],)
    gc.collect()
    gc.disable()
    try:
        if request.get("profile"):
            return profiled(contender, sizes)
        return {"sample": figure_of(contender, Run(quick=request["quick"]), sizes)}
    except SkippedError as error:
        return {"skipped": str(error)}
    except Exception:
        return {"failed": traceback.format_exc()}
    finally:
        gc.enable()


def figure_of(contender: Contender, run: Run, sizes: tuple[int, ...]) -> float:
    """What a contender measures."""
    figure = contender.fn(run, *sizes)
    if inspect.iscoroutine(figure):
        figure = asyncio.run(figure)
    return float(figure)


def profiled(contender: Contender, sizes: tuple[int, ...]) -> dict[str, Any]:
    """A figure, which the profiler makes larger, and where the time goes."""
    figure_of(contender, Run(quick=True), sizes)  # the imports
    run, profiler = Run(profiling=True), cProfile.Profile()
    figure = profiler.runcall(figure_of, contender, run, sizes)
    found = run.found or of_functions(profiler)
    return {"sample": figure, "profile": found.text, "parts": found.parts}
