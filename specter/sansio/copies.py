"""
Copies of nested values, so that nobody shares with a model what either can change.

Most of what a model holds is plain: dicts and lists of numbers and strings. Copying those by hand is several times as
fast as `copy.deepcopy`, which is left to do the rest.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

# Types whose values nobody can change: they need no copy.
ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes})

# Room for any real document, and far from Python's limit of 1000 calls, of which a level takes two at most.
MAX_LEVELS = 200


class Node(dict[Any, Any]):
    """
    A dict that a model made for itself.

    Attributes:
        edition: The edition of the model in which it was made: only in that one the model may still edit it.
        flat: It holds plain values alone, so that a copy of it needs no look at them. Never true of one that does not.
    """

    __slots__ = ("edition", "flat")

    edition: object
    flat: bool


class TooDeep(ValueError):
    """A value has more levels than may be left, or contains itself."""


def copied(value: Any, levels: int = MAX_LEVELS) -> Any:
    """
    Copy a value and all that it contains. Plain values come out plain, others as `copy.deepcopy` makes them.

    Args:
        value: Anything. Two places that hold one object hold two afterwards.
        levels: How many containers may lie one within the other.

    Raises:
        TooDeep: There are more, for instance because the value contains itself.
        TypeError: Something in it cannot be copied.
    """
    kind = type(value)
    if kind in ATOMS:
        return value
    if kind is Node:
        return _copied_node(value, levels)
    if kind is dict:
        new = value.copy()
        _copy_items(new, value.values(), value.items(), levels)
        return new
    if kind is list or kind is tuple:
        items = list(value)
        _copy_items(items, value, enumerate(value), levels)
        return items if kind is list else tuple(items)
    return copy.deepcopy(value)


def noded(value: Any) -> Any:
    """
    Make what a model holds of a copied value: it, and each dict in it that a path can lead to, as a `Node`.

    Args:
        value: Its plain dicts are not used any more.
    """
    if type(value) is not dict:
        return value
    node = Node(value)
    node.edition = None
    node.flat = ATOMS.issuperset(map(type, value.values()))
    if not node.flat:
        for key, inner in value.items():
            if type(inner) is dict:
                node[key] = noded(inner)
    return node


def _copied_node(node: Node, levels: int) -> dict[Any, Any]:
    new = node.copy()
    if node.flat:
        return new
    if levels < 1:
        raise TooDeep
    for key, value in node.items():
        kind = type(value)
        # Most nodes are in another one and flat.
        if kind is Node and value.flat:
            new[key] = value.copy()
        elif kind not in ATOMS:
            new[key] = copied(value, levels - 1)
    return new


def _copy_items(new: Any, values: Iterable[Any], items: Iterable[tuple[Any, Any]], levels: int) -> None:
    """Put copies in the place of those *values* that need one; *items* are these with their keys."""
    if levels < 1:
        raise TooDeep
    # Asked in C, as for most containers there is nothing more to do.
    if ATOMS.issuperset(map(type, values)):
        return
    for key, value in items:
        if type(value) not in ATOMS:
            new[key] = copied(value, levels - 1)
