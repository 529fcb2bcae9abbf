"""
Who watches which slice of a model's tree, and who hears of a change.

A slice is what is at a path, or what a function selects from a snapshot. Its watcher hears when it differs (``==``)
from what it was. The watched paths are a tree of their own, so that a change looks only at those that lead to its place
and at those that go on from there.

    watched   ()   a   a.b   a.c   a.b.d        a change at a.b: (), a, a.b, and a.b.d if that part of it differs
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from .copies import copied
from .model import MISSING, Change, Path

W = TypeVar("W", bound=Hashable)


def equal(one: Any, other: Any) -> bool:
    """Whether two slices are equal. Those that cannot be compared (arrays, for one) are not."""
    if one is other:
        return True
    try:
        return bool(one == other)
    except Exception:
        return False


class Selected:
    """
    The slice that a function selects, as its watcher knows it.

    Args:
        selector: A plain function of a snapshot, which is its own.
        root: The tree at present.

    Attributes:
        value: The slice, a copy of it.
    """

    def __init__(self, selector: Callable[[dict[Any, Any]], Any], root: dict[Any, Any]) -> None:
        self._selector = selector
        self.value = self._select(root)

    def changed(self, root: dict[Any, Any]) -> bool:
        """Select anew, and tell whether the slice differs from the one known before."""
        known, self.value = self.value, self._select(root)
        return not equal(known, self.value)

    def _select(self, root: dict[Any, Any]) -> Any:
        # Copied once more, as the selector may have kept what it returned.
        return copied(self._selector(copied(root)))


class _Branch(Generic[W]):
    """Those who watch one path, and the watched paths that go on from there."""

    __slots__ = ("below", "here")

    def __init__(self) -> None:
        self.here: dict[W, None] = {}
        self.below: dict[Hashable, _Branch[W]] = {}


class Slices(Generic[W]):
    """
    The watchers.

    Attributes:
        watchers: ``{watcher: (its place in the order in which they came, its path)}``
    """

    def __init__(self) -> None:
        self.watchers: dict[W, tuple[int, Path | None]] = {}
        self._top: _Branch[W] = _Branch()
        self._always: dict[W, None] = {}
        self._serials = itertools.count()

    def __len__(self) -> int:
        """How many watch."""
        return len(self.watchers)

    def __iter__(self) -> Iterator[W]:
        """The watchers in the order in which they came."""
        return iter(self.watchers)

    def add(self, watcher: W, path: Path | None) -> None:
        """
        Add a watcher.

        Args:
            watcher: Opaque here. Not added before.
            path: What it watches, ``()`` for the whole tree. `None` for one that is told of every change and looks for
                itself whether that makes a difference.
        """
        self.watchers[watcher] = (next(self._serials), path)
        if path is None:
            self._always[watcher] = None
            return
        branch = self._top
        for key in path:
            below = branch.below.get(key)
            if below is None:
                below = branch.below[key] = _Branch()
            branch = below
        branch.here[watcher] = None

    def remove(self, watcher: W) -> None:
        """Remove a watcher. An unknown one is ignored."""
        _, path = self.watchers.pop(watcher, (0, None))
        self._always.pop(watcher, None)
        if path is None:
            return
        way = [self._top]
        for key in path:
            way.append(way[-1].below[key])
        del way[-1].here[watcher]
        while len(way) > 1:
            branch = way.pop()
            if branch.here or branch.below:
                return
            del way[-1].below[path[len(way) - 1]]

    def clear(self) -> list[W]:
        """Remove all watchers. Returns them."""
        gone = list(self.watchers)
        for watcher in gone:
            self.remove(watcher)
        return gone

    def heard(self, root: dict[Any, Any], changes: Sequence[Change]) -> list[tuple[W, Any]]:
        """
        Who hears of these changes.

        Args:
            root: The tree after them.
            changes: Of one call of the model.

        Returns:
            ``(watcher, its slice)`` in the order in which they came, each once. For those who are told of every change
            the slice is the whole tree. Slices are parts of the tree, to be given out by `Tree.give`; `None` where
            nothing is.
        """
        found: dict[W, Any] = {}
        for path, old, new in changes:
            if old is not new and not equal(old, new):
                self._along(path, root, old, new, found)
        if self._always and any(change.old is not change.new for change in changes):
            found.update(dict.fromkeys(self._always, root))
        heard = [*found.items()]
        if len(heard) > 1:
            heard.sort(key=lambda item: self.watchers[item[0]])
        return heard

    def _along(self, path: Path, value: Any, old: Any, new: Any, found: dict[W, Any]) -> None:
        # What lies above a place that differs differs too: it need not be compared.
        branch = self._top
        for key in path:
            for watcher in branch.here:
                found[watcher] = value
            below = branch.below.get(key)
            if below is None:
                return
            branch, value = below, value.get(key)
        old, new = None if old is MISSING else old, None if new is MISSING else new
        if old is not None or new is not None:
            _below(branch, old, new, found)


def _below(branch: _Branch[W], old: Any, new: Any, found: dict[W, Any]) -> None:
    """Find who watches a place that differs, and who what differs below it."""
    for watcher in branch.here:
        found[watcher] = new
    for key, below in branch.below.items():
        inner_old, inner_new = _inner(old, key), _inner(new, key)
        if not equal(inner_old, inner_new):
            _below(below, inner_old, inner_new, found)


def _inner(value: Any, key: Hashable) -> Any:
    return value.get(key) if isinstance(value, dict) else None
