"""A dict that is used as a set, since it keeps the order in which its items came, seen as the set that it is."""

from __future__ import annotations

from collections.abc import Iterator, MutableSet
from typing import TypeVar

T = TypeVar("T")


class OrderedSet(MutableSet[T]):
    """
    The keys of a dict as a set that can be changed, oldest first.

    Args:
        items: The dict; it is changed, not copied.
    """

    __slots__ = ("_items",)

    def __init__(self, items: dict[T, None]) -> None:
        self._items = items

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: T) -> None:
        """Put *item* at the end, unless it is there."""
        self._items[item] = None

    def discard(self, item: T) -> None:
        """Take *item* out, if it is there."""
        self._items.pop(item, None)

    def __repr__(self) -> str:
        return f"OrderedSet({list(self)!r})"
