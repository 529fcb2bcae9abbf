"""
Functions that applications of 0.1.x have taken from `specter.core.model` and `specter.core.schema` for themselves.

They work on plain dicts and values; nothing here calls them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from specter.sansio.conversion import BENDING, bent_to_bool
from specter.sansio.problems import Mismatch


def get_path(state: Any, path: Sequence[Any], default: Any = None) -> Any:
    """What is at a path of nested dicts; *default* if there is nothing."""
    for key in path:
        if not isinstance(state, dict) or key not in state:
            return default
        state = state[key]
    return state


def set_path(state: dict[Any, Any], path: Sequence[Any], value: Any) -> None:
    """
    Set what is at a path, in the dict itself. What is missing on the way, or no dict, becomes one.

    Raises:
        ValueError: *path* is empty.
    """
    if not path:
        raise ValueError("[SPECTER:model] set() requires a non-empty path")
    *way, last = path
    for key in way:
        if not isinstance(state.get(key), dict):
            state[key] = {}
        state = state[key]
    state[last] = value


def delete_path(state: Any, path: Sequence[Any]) -> bool:
    """Delete what is at a path, in the dict itself. Whether there was something."""
    *way, last = path or (None,)
    holder = get_path(state, way)
    if not path or not isinstance(holder, dict) or last not in holder:
        return False
    del holder[last]
    return True


def coerce(value: Any, target_type: Any) -> Any:
    """
    What a field of a type makes of a value.

    Raises:
        ValueError: It is no number.
        TypeError: It is no list or dict where one is wanted, or *target_type* is neither a type nor a function.
        Exception: What a type or a function of the application raises.
    """
    if target_type is bool:
        return bent_to_bool(value)
    kept = target_type in (list, dict)
    convert = BENDING.table[target_type] if kept else BENDING.other(target_type)
    if convert is None or not callable(target_type):
        raise TypeError(f"Unsupported coercion target: {target_type}")
    try:
        return convert(value)
    except Mismatch as mismatch:
        text = mismatch.args[0][1].partition(": ")[2]
        if kept:
            raise TypeError(text) from None
        if target_type in (int, float):
            raise ValueError(text) from mismatch.__cause__
        raise mismatch.__cause__ or mismatch from None
