"""Telling what web framework an object is of, without importing any."""

from __future__ import annotations


def comes_from(value: object, package: str) -> bool:
    """Tell if one of the classes of *value* is defined in *package*, or below it."""
    return any(base.__module__.partition(".")[0] == package for base in type(value).__mro__)
