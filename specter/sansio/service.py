"""What a service can be made of; anything else is refused where it comes in, not where it is used."""

from __future__ import annotations

from typing import Any


def checked_name(name: Any, kind: str = "service") -> str:
    """
    Refuse what nobody could find in a log or in the registry.

    Args:
        name: What was given.
        kind: What has that name, for the error.

    Raises:
        TypeError: *name* is no string, or has nothing in it but white space.
    """
    if not isinstance(name, str) or not name.strip():
        raise TypeError(f"the name of a {kind} must be a non-empty string, got {name!r}")
    return name


def checked_state(name: str, state: Any) -> dict[str, Any]:
    """
    Refuse what is no state, or no part of one.

    Args:
        name: Of the service, for the error.
        state: Its entries. Not copied.

    Raises:
        TypeError: *state* is no dict.
    """
    if not isinstance(state, dict):
        raise TypeError(f"the state of service {name!r} must be a dict, got {type(state).__name__}: {state!r}")
    return state


def check_stop_timeout(name: str, seconds: Any) -> None:
    """
    Refuse what is no time in which a service could stop. Infinity is one: such a stop waits for whatever it owns.

    Args:
        name: Of the service, for the error.
        seconds: Its ``stop_timeout``.

    Raises:
        TypeError: *seconds* is no number.
        ValueError: It is less than 0, or not a number to the machine either.
    """
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        raise TypeError(f"stop_timeout of service {name!r} must be a number of seconds, got {seconds!r}")
    if not seconds >= 0:  # so that nan is refused, too
        raise ValueError(f"stop_timeout of service {name!r} must be 0 seconds or more, got {seconds!r}")
