"""The state of an object swapped, and the object left where it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def fresh(*instances: object) -> Iterator[list[dict[str, Any]]]:
    """
    Have *instances* as they are when they are made, without arguments, and give them back what they were.

    Returns:
        What they were: the attributes of each.
    """
    kept = [dict(vars(instance)) for instance in instances]
    for instance in instances:
        vars(instance).clear()
        type(instance).__init__(instance)
    try:
        yield kept
    finally:
        for instance, state in zip(instances, kept, strict=True):
            vars(instance).clear()
            vars(instance).update(state)
