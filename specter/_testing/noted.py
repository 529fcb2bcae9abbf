"""Notes of objects, for as long as these live."""

from __future__ import annotations

from typing import Any, Generic, TypeVar
from weakref import ref

N = TypeVar("N")


class Noted(Generic[N]):
    """
    A mapping of living objects to notes, by identity.

    Attributes:
        notes: ``{id: (weak reference to the object, note)}``. A plain dictionary, so that it takes no time to see that
            it is empty: a virtual clock looks at each tick.
    """

    def __init__(self) -> None:
        self.notes: dict[int, tuple[ref[Any], N]] = {}

    def add(self, it: object, note: N) -> None:
        """Note something of an object."""
        key = id(it)
        self.notes[key] = ref(it, lambda gone: self.notes.pop(key, None)), note

    def discard(self, it: object) -> None:
        """Forget an object."""
        self.notes.pop(id(it), None)

    def items(self) -> list[tuple[Any, N]]:
        """Give ``(object, note)`` of each that lives, oldest first."""
        found = [(reference(), note) for reference, note in list(self.notes.values())]
        return [(it, note) for it, note in found if it is not None]
