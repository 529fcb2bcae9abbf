"""A set that keeps the order in which its items came."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import TypeVar

T = TypeVar("T")


class OrderedSet(dict[T, None]):
    """
    A set, oldest first.

    It is a dict of which the keys count, so that what is asked most often, whether it is empty and what is in it, costs
    what it costs with a dict. Equal to a set of the same items, in whatever order.

    Args:
        items: The first ones.
    """

    __slots__ = ()
    # As of a set: its items change.
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, items: Iterable[T] = ()) -> None:
        super().__init__((item, None) for item in items)

    def add(self, item: T) -> None:
        """Put *item* at the end, unless it is there."""
        if item not in self:
            self[item] = None

    def discard(self, item: T) -> None:
        """Take *item* out, if it is there."""
        self.pop(item, None)

    def remove(self, item: T) -> None:
        """
        Take *item* out.

        Raises:
            KeyError: It is not there.
        """
        del self[item]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, dict | Set):
            return self.keys() == set(other)
        return NotImplemented

    def __repr__(self) -> str:
        return f"OrderedSet({list(self)!r})"
