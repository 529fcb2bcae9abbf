"""What is registered with managers, kept for the time of a test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def parts_kept(managers: Iterable[object], *names: str) -> Iterator[None]:
    """
    Have *managers* know again, after the block, what was registered with them before it.

    Args:
        managers: Those that are there.
        names: Attributes of theirs, a list or a dict each, which stays the same object.
    """
    kept = [(table, table.copy()) for manager in managers for table in _tables(manager, names)]
    try:
        yield
    finally:
        for table, before in kept:
            table.clear()
            (table.update if isinstance(table, dict) else table.extend)(before)


def _tables(manager: object, names: Iterable[str]) -> list[Any]:
    return [getattr(manager, name) for name in names]
