"""What a recorder keeps."""

from __future__ import annotations

from typing import Any, NamedTuple


class Recorded(NamedTuple):
    """
    One event. Equal to the pair of its name and data.

    Attributes:
        name: As emitted.
        data: As emitted: the object itself, not a copy.
    """

    name: str
    data: Any


class Records:
    """
    Events in the order in which they were emitted.

    Args:
        pattern: Of their names.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._kept: list[Recorded] = []

    @property
    def events(self) -> list[Recorded]:
        """The name and the data of each event so far, in a new list."""
        return list(self._kept)

    @property
    def names(self) -> list[str]:
        """The name of each event so far, in a new list."""
        return [event.name for event in self._kept]

    def clear(self) -> None:
        """Forget the events so far, and go on recording."""
        self._kept.clear()

    def _first(self, name: str) -> Recorded | None:
        return next((event for event in self._kept if matches(name, event.name)), None)

    def _missed(self, name: str, timeout: float | None) -> str:
        return f"no event {name!r} within {timeout} seconds; recorded: {', '.join(map(str, self.names)) or 'none'}"


def matches(pattern: str, name: object) -> bool:
    """Whether an event has the name *pattern*, or begins with it up to a ``*`` at its end."""
    if pattern.endswith("*") and isinstance(name, str):
        return name.startswith(pattern[:-1])
    return name == pattern


def require_bus(bus: Any, pattern: object) -> None:
    """
    Refuse what cannot be recorded.

    Raises:
        TypeError: *bus* is none, or *pattern* no non-empty string.
    """
    if not hasattr(bus, "_listeners"):
        raise TypeError(f"record(bus, pattern) records the events of an EventBus, got {bus!r}")
    if not isinstance(pattern, str) or not pattern:
        raise TypeError(f"a pattern must be a non-empty string, got {pattern!r}")
