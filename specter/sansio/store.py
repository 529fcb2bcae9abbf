"""
Rules of Store: one flat dict. Its values are the application's own objects and are not copied.

`merge` edits the state in one operation of the dict, the others give a new one: so a store that shows nothing but
copies of its state can be read while another thread changes it. `drop` is for one that no other thread reads.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

from .callables import require_answer

State = dict[str, Any]


def initial(state: State | None) -> State:
    """
    The first state: a copy of what was given.

    Raises:
        TypeError: *state* is neither a dict nor `None`.
    """
    if state is not None and not isinstance(state, dict):
        raise TypeError(f"initial_state must be a dict, got {type(state).__name__}")
    return dict(state or {})


def merge(state: State, partial: State) -> State:
    """
    Set the entries of *partial* in the state itself. Returns it.

    Raises:
        TypeError: *partial* is no dict.
    """
    if not isinstance(partial, dict):
        raise _no_dict(partial, "set")
    state.update(partial)
    return state


def replaced(state: State, new: State) -> State:
    """
    A copy of *new* in the place of the state.

    Raises:
        TypeError: *new* is no dict.
    """
    if not isinstance(new, dict):
        raise _no_dict(new, "replace")
    return dict(new)


def without(state: dict[Any, Any], keys: Iterable[Hashable]) -> State | None:
    """A copy of the state without *keys*; `None` if it has none of them."""
    return drop(state.copy(), keys)


def drop(state: dict[Any, Any], keys: Iterable[Hashable]) -> State | None:
    """Take *keys* out of the state itself. Returns it, or `None` if it has none of them."""
    before = len(state)
    for key in keys:
        state.pop(key, None)
    return None if len(state) == before else state


def updated(state: State, mutator: Callable[[State], State | None], *, restore: bool = True) -> State:
    """
    The state after *mutator* has edited a draft of it.

    Args:
        state: As it stands. Not edited.
        mutator: Gets a copy of the state. Edits it, or returns a dict that takes its place.
        restore: If *mutator* raises, the dicts, lists and sets within the state get back what they held before it ran.

    Raises:
        TypeError: *mutator* cannot be called, or returned something else.
    """
    if not callable(mutator):
        raise TypeError("[SPECTER:store] update() requires a callable mutator")
    draft = state.copy()
    before = _contents(state) if restore else ()
    try:
        result = mutator(draft)
        if result is None:
            return draft
        if not isinstance(result, dict):
            require_answer(result, mutator, "a mutator")
            raise TypeError("[SPECTER:store] update() mutator must return a dict or None")
    except BaseException:
        for container, content in before:
            _restore(container, content)
        raise
    return dict(result)


def _no_dict(value: object, call: str) -> TypeError:
    return TypeError(f"[SPECTER:store] {call}() requires a dict, got {type(value).__name__}")


# What a mutator can edit in place, and this rule can put back. A subclass may have more to it than its entries.
_CONTAINERS = frozenset({dict, list, set})


def _contents(state: State) -> list[tuple[Any, Any]]:
    """Each plain dict, list and set below *state*, once, with a copy of what it holds."""
    found: dict[int, tuple[Any, Any]] = {}
    ahead = _containers_in(state)
    while ahead:
        container = ahead.pop()
        if id(container) not in found:
            found[id(container)] = (container, container.copy())
            ahead += _containers_in(container)
    return list(found.values())


def _containers_in(container: Any) -> list[Any]:
    return [value for value in _values(container) if type(value) in _CONTAINERS]


def _values(container: Any) -> Any:
    return container.values() if isinstance(container, dict) else container


def _restore(container: Any, content: Any) -> None:
    # Another thread may be reading the containers that the mutator left alone.
    if _ids(container) == _ids(content):
        return
    if isinstance(container, list):
        container[:] = content
    else:
        container.clear()
        container.update(content)


def _ids(container: Any) -> list[int]:
    """What is in it, by identity: comparing values would call their own `__eq__`."""
    if isinstance(container, set):
        return sorted(map(id, container))  # a copy of a set may have another order
    return [*map(id, container), *map(id, _values(container))]
