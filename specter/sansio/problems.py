"""What is wrong with a value that came from outside, in words for its sender."""

from __future__ import annotations

from typing import Any, Self

# Enough for a person to mend a payload; more would let a small payload ask for a large answer.
MAX_PROBLEMS = 100
# Of a value that an error quotes, in characters; for the same reason.
MAX_QUOTED = 200


class Problem:
    """
    One thing that is wrong with a value: `before`, its name in quotes, `after`.

    Args:
        after: The end of the message.
        before: The beginning of the message.
    """

    __slots__ = ("_labelled", "_shown", "after", "before", "path")

    def __init__(self, after: str, before: str = "") -> None:
        self.after = after
        self.before = before
        self.path = ""  # dotted; empty as long as nothing holds the value
        self._shown = ""
        self._labelled = False

    def under(self, name: str, label: str | None = None) -> Self:
        """
        Say that what holds the value is called *name*.

        A person reads *label* in its place, and then no names of what lies further out. Returns itself.
        """
        self.path = f"{name}.{self.path}" if self.path else name
        if not self._labelled:
            self._shown = f"{label or name}.{self._shown}" if self._shown else label or name
            self._labelled = label is not None
        return self

    @property
    def message(self) -> str:
        """The whole sentence."""
        return f"{self.before}'{self._shown}'{self.after}"


class Mismatch(Exception):
    """A value does not fit. Its arguments are the problems, at least one."""

    args: tuple[Problem, ...]

    def under(self, name: str, label: str | None = None) -> list[Problem]:
        """The problems, seen from one level further out."""
        return [problem.under(name, label) for problem in self.args]


def quoted(value: object) -> str:
    """A value's text, at most `MAX_QUOTED` characters of it: for a message that its sender reads."""
    text = quoted_whole(value)
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}..."


def quoted_whole(value: object) -> str:
    """A value's text, however long."""
    try:
        return str(value)
    except (ValueError, RecursionError):  # an int of more digits than Python prints; containers nested too deeply
        return f"a large {type(value).__name__}"


def name_of_type(kind: Any) -> str:
    """The name by which messages call a type or a function that is used as one."""
    return getattr(kind, "__name__", None) or type(kind).__name__
