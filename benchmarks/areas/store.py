"""A flat state, of which one key is set to another value each time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from benchmarks.cases import LAW, OLD, SPECTER, TWIN, Case, Goal
from benchmarks.run import Run

TITLE = "a flat state changes and its subscribers hear of it"
LARGE = Case(
    "Store.set, 1,000 keys, {n} subscribers",
    sizes=(0, 100),
    goals=(Goal(SPECTER, 0.9, OLD, n=0), Goal(SPECTER, 0.6, OLD, n=100), Goal(TWIN, 1.0, OLD), LAW),
)
SMALL = Case(
    "Store.set, 10 keys, {n} subscribers",
    sizes=(0, 1, 10, 100),
    goals=(Goal(SPECTER, 1.0, OLD), Goal(TWIN, 1.0, OLD), LAW),
)
SERVICE = Case(
    "Service.set_state, {n} subscribers",
    sizes=(0, 1, 10),
    goals=(Goal(SPECTER, 1.0, OLD), Goal(TWIN, 1.0, OLD), LAW),
)
GET = Case("Store.get of a key", goals=(Goal(SPECTER, 1.0, OLD), Goal(TWIN, 1.0, OLD)))


class Heard:
    """How often a subscriber was told."""

    count = 0

    def subscriber(self) -> Callable[[Any, Any], None]:
        """A new one."""

        def hear(state: object, source: object) -> None:
            self.count += 1

        return hear


def initial(keys: int = 10) -> dict[str, int]:
    """The state at first."""
    return {f"key{number}": number for number in range(keys)}


def changing(change: Callable[[dict[str, int]], object]) -> Callable[[], None]:
    """A function that sets a key to another value each time."""
    numbers = count(-1, -1)

    def call() -> None:
        change({"key5": next(numbers)})

    return call


def store_set(run: Run, keys: int, n: int) -> float:
    """Ours; under 0.1.1 it reads the same."""
    from specter import Store

    store, heard = Store("measured", initial(keys)), Heard()
    for _ in range(n):
        store.subscribe(heard.subscriber())
    return run.per_call(changing(store.set), check=lambda: store.get("key5") == -1 and heard.count == n)


def pyrsistent_set(run: Run, keys: int, n: int) -> float:
    """A persistent map, which is the same for all subscribers."""
    from pyrsistent import pmap

    heard, state = Heard(), pmap(initial(keys))
    subscribers = [heard.subscriber() for _ in range(n)]

    def change(partial: dict[str, int]) -> None:
        nonlocal state
        state = state.update(partial)
        for subscriber in subscribers:
            subscriber(state, None)

    return run.per_call(changing(change), check=lambda: state["key5"] == -1 and heard.count == n)


def copied_set(run: Run, keys: int, n: int) -> float:
    """By hand: each subscriber gets a copy of its own."""
    heard, state = Heard(), initial(keys)
    subscribers = [heard.subscriber() for _ in range(n)]

    def change(partial: dict[str, int]) -> None:
        nonlocal state
        state = {**state, **partial}
        for subscriber in subscribers:
            subscriber(dict(state), None)

    return run.per_call(changing(change), check=lambda: state["key5"] == -1 and heard.count == n)


def add_store(case: Case, keys: int) -> None:
    """Those who set a key of so many."""
    case.all_three(lambda run, n: store_set(run, keys, n))
    case.contender("specter, in a thread without a loop")(lambda run, n: store_set(run, keys, n))
    case.contender("pyrsistent", needs=("pyrsistent",))(lambda run, n: pyrsistent_set(run, keys, n))
    case.contender("a copied dict")(lambda run, n: copied_set(run, keys, n))


add_store(LARGE, 1_000)
add_store(SMALL, 10)


@SERVICE.all_three
def _(run: Run, n: int) -> float:
    from specter import Service

    service, heard = Service("measured", initial()), Heard()
    for _ in range(n):
        service.subscribe(heard.subscriber())
    return run.per_call(changing(service.set_state), check=lambda: service.state["key5"] == -1 and heard.count == n)


@GET.all_three
def _(run: Run) -> float:
    from specter import Store

    store = Store("measured", initial())
    return run.per_call(store.get, "key5", check=lambda: store.get("key5") == 5)
