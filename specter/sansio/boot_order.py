"""The order in which services start: each after those it depends on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from .errors import ServiceError


def start_order(depends_on: Mapping[str, Collection[str]]) -> list[str]:
    """
    Put services in an order in which they can start.

    Args:
        depends_on: {name: names of those that must have started before it}, in order of registration.

    Returns:
        All names. Services that do not depend on each other keep the order in which they were registered.

    Raises:
        ServiceError: One depends on a name that is not there, or on itself by way of others; shows the way. Or what it
            depends on is no collection of names.
    """
    for name, needed in depends_on.items():
        if needed != ():
            _require_names(name, needed)
    order: list[str] = []
    done: set[str] = set()
    for name, needed in depends_on.items():
        if name not in done:
            if needed:
                _visit(name, depends_on, done, order)
            else:  # as most do: a third of the time
                done.add(name)
                order.append(name)
    return order


def _require_names(service: str, needed: Any) -> None:
    named = isinstance(needed, Collection) and not isinstance(needed, str)
    if named and all(isinstance(name, str) for name in needed):
        return
    hint = ": write a comma after it" if isinstance(needed, str) else ""
    raise ServiceError(service, f"must have a tuple of names as depends_on, got {needed!r}{hint}")


def _visit(first: str, depends_on: Mapping[str, Collection[str]], done: set[str], order: list[str]) -> None:
    # {name: what it still needs}, the way from the first one. Not recursion: a chain of a thousand is legitimate.
    way = {first: iter(depends_on[first])}
    while way:
        name = next(reversed(way))
        needed = next(way[name], None)
        if needed is None:
            del way[name]
            done.add(name)
            order.append(name)
        elif needed in way:
            names = list(way)
            cycle = " -> ".join([*names[names.index(needed) :], needed])
            raise ServiceError(needed, f"depends on itself: {cycle}")
        elif needed not in depends_on:
            known = ", ".join(depends_on)
            raise ServiceError(name, f"depends on {needed!r}, which is not registered; there are: {known}")
        elif needed not in done:
            way[needed] = iter(depends_on[needed])
