"""The state of an object swapped, and the object left where it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def fresh(*instances: object) -> Iterator[None]:
    """Have *instances* as they are when they are made, without arguments, and give them back what they were."""
    kept = [dict(vars(instance)) for instance in instances]
    for instance in instances:
        vars(instance).clear()
        type(instance).__init__(instance)
    try:
        yield
    finally:
        for instance, state in zip(instances, kept, strict=True):
            vars(instance).clear()
            vars(instance).update(state)
