"""A nested state of 1,000 keys, in ten groups. Another key is set than those that are subscribed to."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from benchmarks.cases import OLD, SPECTER, TWIN, Case, Goal
from benchmarks.run import Run, expect

TITLE = "one path of a nested state changes"
SET = Case(
    "Model.set, 1,000 keys, {n} subscribers to other paths",
    sizes=(0, 10, 100),
    goals=(Goal(SPECTER, 0.01, OLD), Goal(TWIN, 0.05, OLD)),
)
HEARD = Case(
    "Model.set, 1,000 keys, a subscriber to this path", goals=(Goal(SPECTER, 0.01, OLD), Goal(TWIN, 0.05, OLD))
)

State = dict[str, dict[str, int]]


def initial() -> State:
    """The state at first."""
    return {f"group{i}": {f"key{j}": j for j in range(100)} for i in range(10)}


def other_paths(n: int) -> list[tuple[str, str]]:
    """The paths that are subscribed to and not set."""
    return [(f"group{i // 10}", f"key{i % 10}") for i in range(n)]


def never(value: object, model: object) -> None:
    """Hear of a path that is not set."""
    raise AssertionError("a subscriber to another path was told")


@SET.all_three
def _(run: Run, n: int) -> float:
    from specter import Model

    model: Any = Model("measured", initial())
    for path in other_paths(n):
        model.subscribe(never, selector=path)
    numbers = count(-1, -1)
    return run.per_call(lambda: model.set("group5.key50", next(numbers)), check=lambda: model.get("group5.key50") == -1)


@SET.contender("pyrsistent", needs=("pyrsistent",))
def _(run: Run, n: int) -> float:
    from pyrsistent import freeze

    state = freeze(initial())

    def change(value: int) -> None:
        nonlocal state
        before, state = state, state.transform(["group5", "key50"], value)
        tell(before, state, paths)

    paths = other_paths(n)
    numbers = count(-1, -1)
    return run.per_call(lambda: change(next(numbers)), check=lambda: state["group5"]["key50"] == -1)


@SET.contender("path copying by hand")
def _(run: Run, n: int) -> float:
    state = initial()

    def change(value: int) -> None:
        nonlocal state
        state = {**state, "group5": {**state["group5"], "key50": value}}
        for subscriber in by_path.get(("group5", "key50"), ()):
            subscriber(value, None)

    by_path: dict[tuple[str, str], list[Callable[..., None]]] = {}
    for path in other_paths(n):
        by_path.setdefault(path, []).append(never)
    numbers = count(-1, -1)
    return run.per_call(lambda: change(next(numbers)), check=lambda: state["group5"]["key50"] == -1)


def tell(before: Any, after: Any, paths: list[tuple[str, str]]) -> None:
    """Compare each slice that is subscribed to."""
    for group, key in paths:
        if before[group] is not after[group] and before[group][key] != after[group][key]:
            never(after[group][key], None)


@HEARD.all_three
def _(run: Run) -> float:
    from specter import Model

    heard: list[int] = []
    model: Any = Model("measured", initial())
    model.subscribe(lambda value, model: heard.__setitem__(slice(None), [value]), selector="group5.key50")
    numbers = count(-1, -1)
    figure = run.per_call(lambda: model.set("group5.key50", next(numbers)), check=lambda: heard == [-1])
    expect(heard, [model.get("group5.key50")], "what the subscriber heard last")
    return figure
