"""
Rules of Model: a tree of dicts, changed and watched by path.

All dicts of the tree are its own: a value is copied on the way in, and whoever is given a part of it copies that before
showing it to anybody (`copies.copied`). Paths lead through dicts alone; a list is a value like any other.

A change edits the dicts on its path in place, so its cost does not depend on the size of the model. When a part of
the tree is given out, a new *edition* begins: from then on the dicts of the old one are never edited; a change puts
copies of those on its path in their place and shares all others. So what was given out can be read without a lock, by
another thread and later.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable
from enum import Enum
from typing import Any, Final, NamedTuple

from .callables import require_answer
from .copies import ATOMS, MAX_LEVELS, Node, TooDeep, copied, noded

Path = tuple[Hashable, ...]


class Missing(Enum):
    """There is nothing at a path. `None` is a value."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


class Change(NamedTuple):
    """
    What one place of the tree held before and after.

    Attributes:
        path: The place; empty for the whole tree.
        old: As it was, `MISSING` if there was nothing.
        new: As it is, `MISSING` if it was deleted.
    """

    path: Path
    old: Any
    new: Any


def parts(path: Any) -> Path:
    """
    The keys of a path, outermost first.

    Args:
        path: ``"a.b"`` (empty parts do not count), or a tuple or list of keys, which are taken as they are.

    Returns:
        Empty for the whole model.

    Raises:
        TypeError: *path* is none of these, or one of its keys cannot be one.
    """
    if isinstance(path, str):
        found = path.split(".")
        return tuple(filter(None, found)) if "" in found else tuple(found)
    if not isinstance(path, list | tuple):
        raise TypeError(f"[SPECTER:model] Path must be str/list/tuple, got {type(path).__name__}")
    hash(keys := tuple(path))
    return keys


class Tree:
    """
    The tree, and how it is changed. Each change gives the list of `Change`, in the order in which they were made.

    Args:
        root: A dict or `None` for an empty one. Copied.

    Raises:
        TypeError: *root* is no dict.
        ValueError: *root* has more than `MAX_LEVELS` levels.
    """

    def __init__(self, root: dict[str, Any] | None = None) -> None:
        if root is not None and not isinstance(root, dict):
            raise TypeError(f"initial_state must be a dict, got {type(root).__name__}")
        self._edition = object()
        self.root: dict[Any, Any] = _taken_in((), root or {})

    def find(self, path: Path) -> Any:
        """What is at *path*, not copied; `MISSING` if there is nothing. To keep it, call `give` with it."""
        value: Any = self.root
        for key in path:
            if not isinstance(value, dict):
                return MISSING
            value = value.get(key, MISSING)
        return value

    def give(self, value: Any) -> Any:
        """Give out a part of the tree: it stays as it is, whatever becomes of the tree."""
        if type(value) not in ATOMS:
            self._edition = object()
        return value

    def put(self, path: Path, value: Any) -> list[Change]:
        """
        Set what is at *path*. Dicts that are missing on the way are made; what is in the way and no dict is replaced.

        Args:
            path: Not empty.
            value: Copied.

        Raises:
            ValueError: *path* is empty, or the tree would have more than `MAX_LEVELS` levels.
            TypeError: *value* cannot be copied.
        """
        if not path:
            raise ValueError("[SPECTER:model] set() requires a non-empty path")
        if type(value) not in ATOMS or len(path) > MAX_LEVELS:
            value = _taken_in(path, value)
        return [self._put(path, value)]

    def merge(self, partial: dict[Any, Any]) -> list[Change]:
        """
        Set the entries of *partial* at the top of the tree.

        Raises:
            TypeError: *partial* is no dict, or cannot be copied. Nothing is set then.
            ValueError: The tree would have more than `MAX_LEVELS` levels. Nothing is set then.
        """
        if not isinstance(partial, dict):
            raise TypeError(f"[SPECTER:model] patch() requires a dict, got {type(partial).__name__}")
        return [self._put((key,), value) for key, value in _taken_in((), partial).items()]

    def remove(self, path: Path) -> list[Change] | None:
        """Delete what is at *path*; `None` if there is nothing or *path* is empty."""
        if not path or self.find(path) is MISSING:
            return None
        return [Change(path, self._holder(path).pop(path[-1]), MISSING)]

    def replace(self, root: dict[Any, Any]) -> list[Change]:
        """Put a copy of *root* in the place of the whole tree."""
        old, self.root = self.root, _taken_in((), root)
        return [Change((), old, self.root)]

    def update(self, mutator: Callable[[dict[Any, Any]], dict[Any, Any] | None]) -> list[Change]:
        """
        Let *mutator* edit a draft, a copy of the tree, or return a dict that takes its place.

        Raises:
            TypeError: *mutator* cannot be called, or returned something else. Like any error of its own it leaves the
                tree as it was.
        """
        return self.replace(self.drafted(mutator))

    def drafted(self, mutator: Callable[[dict[Any, Any]], dict[Any, Any] | None]) -> dict[Any, Any]:
        """What *mutator* would put in the place of the tree: `update` without the change."""
        if not callable(mutator):
            raise TypeError("[SPECTER:model] update() requires a callable mutator")
        draft: dict[Any, Any] = copied(self.root)
        result = mutator(draft)
        if result is not None and not isinstance(result, dict):
            require_answer(result, mutator, "a mutator")
            raise TypeError("[SPECTER:model] update() mutator must return a dict or None")
        return draft if result is None else result

    def _put(self, path: Path, value: Any) -> Change:
        holder = self._holder(path)
        old = holder.get(path[-1], MISSING)
        holder[path[-1]] = value
        if type(value) not in ATOMS and type(holder) is Node:
            holder.flat = False
        return Change(path, old, value)

    def _holder(self, path: Path) -> dict[Any, Any]:
        """The dict that holds the last key of *path*: made if need be, and like all on the way to it editable."""
        node = self.root
        if type(node) is not Node or node.edition is not self._edition:
            node = self.root = self._made_editable(node)
        for key in path[:-1]:
            child = node.get(key)
            if type(child) is not Node or child.edition is not self._edition:
                node[key] = child = self._made_editable(child)
                if type(node) is Node:
                    node.flat = False
            node = child
        return node

    def _made_editable(self, node: Any) -> dict[Any, Any]:
        if isinstance(node, dict) and type(node) not in (dict, Node):
            return copy.copy(node)  # a subclass, which keeps its type
        new = Node(node) if isinstance(node, dict) else Node()
        new.edition = self._edition
        new.flat = node.flat if type(node) is Node else not new
        return new


def _taken_in(path: Path, value: Any) -> Any:
    try:
        if len(path) > MAX_LEVELS:
            raise TooDeep
        return noded(copied(value, MAX_LEVELS - len(path)))
    except TooDeep:
        place = f" at {'.'.join(map(str, path[:10]))!r}" if path else ""
        raise ValueError(
            f"a model has at most {MAX_LEVELS} levels, got more{place}: does the value contain itself?"
        ) from None
