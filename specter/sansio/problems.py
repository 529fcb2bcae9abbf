"""What is wrong with a value that came from outside, in words for its sender."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

# Enough for a person to mend a payload; more would let a small payload ask for a large answer.
MAX_PROBLEMS = 100
# Of a value that an error quotes, in characters; for the same reason.
MAX_QUOTED = 200


class Place(NamedTuple):
    """
    Where a value stands, seen from what was checked.

    Attributes:
        path: The names that lead to it, with dots between; empty as long as nothing holds the value.
        shown: The same for a person to read.
        labelled: Whether *shown* begins with a label, which stands for all that lies further out.
        before: The beginning of each message about it.
        head: *before*, and *shown* in quotes.
    """

    path: str = ""
    shown: str = ""
    labelled: bool = False
    before: str = ""
    head: str = "''"

    def within(self, name: str, label: str | None = None) -> Place:
        """
        The same place when what holds the value is called *name*.

        A person reads *label* in its place, and then no names of what lies further out.
        """
        path = f"{name}.{self.path}" if self.path else name
        shown, labelled = self.shown, self.labelled
        if not labelled:
            shown = f"{label or name}.{shown}" if shown else label or name
            labelled = label is not None
        return Place(path, shown, labelled, self.before, f"{self.before}'{shown}'")


# Nothing holds the value.
HERE = Place()

# A place, and what is wrong there: the sentence is ``place.head + text``. A plain pair, since a class of its own would
# double what a payload with errors costs.
Problem: TypeAlias = tuple[Place, str]


class Mismatch(Exception):
    """A value does not fit. Its arguments are the problems, at least one."""

    args: tuple[Problem, ...]

    def under(self, name: str, label: str | None = None) -> list[Problem]:
        """The problems, seen from one level further out."""
        return [(place.within(name, label), text) for place, text in self.args]


def mismatch(text: str) -> Mismatch:
    """Say of a value itself what is wrong: *text* follows its name."""
    return Mismatch((HERE, text))


def quoted(value: object) -> str:
    """A value's text, at most `MAX_QUOTED` characters of it: for a message that its sender reads."""
    text = value if type(value) is str else quoted_whole(value)
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
