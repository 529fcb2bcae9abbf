"""A worker's side of the conversation."""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import json
import os
import sys
import traceback
from types import ModuleType
from typing import Any, TextIO

from benchmarks.cases import Case
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
        request: ``{"case": index, "contender": index, "n": size or null, "quick": bool}``.

    Returns:
        ``{"sample": figure}``, ``{"skipped": reason}`` or ``{"failed": traceback}``.
    """
    contender = cases[request["case"]].contenders[request["contender"]]
    if reason := contender.missing():
        return {"skipped": reason}
    sizes = () if request["n"] is None else (request["n"],)
    gc.collect()
    gc.disable()
    try:
        figure = contender.fn(Run(quick=request["quick"]), *sizes)
        if inspect.iscoroutine(figure):
            figure = asyncio.run(figure)
        return {"sample": figure}
    except SkippedError as error:
        return {"skipped": str(error)}
    except Exception:
        return {"failed": traceback.format_exc()}
    finally:
        gc.enable()
