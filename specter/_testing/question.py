"""A predicate that is asked again and again, and what is said when it never came true."""

from __future__ import annotations

import inspect
import linecache
import os
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from specter.sansio.callables import name_of
from specter.sansio.ownership import require_callable

# What a predicate raises about something that is not there yet.
NOT_YET = (AssertionError, AttributeError, LookupError)


class Question:
    """
    A predicate and its last answer.

    Args:
        predicate: A function without parameters.

    Attributes:
        answer: What it gave last.

    Raises:
        TypeError: *predicate* cannot be called.
    """

    def __init__(self, predicate: Callable[[], Any]) -> None:
        require_callable(predicate, "a predicate")
        self.predicate = predicate
        self.answer: Any = None
        self._error: BaseException | None = None

    def is_answered(self, answer: Any) -> bool:
        """Take an answer. Returns whether it is true."""
        self.answer, self._error = answer, None
        return bool(answer)

    def is_refused(self, error: BaseException) -> bool:
        """Take an error. Returns whether it says no more than "not yet"; others are to be raised."""
        self._error = error
        return isinstance(error, NOT_YET)

    def unanswered(self, timeout: float) -> TimeoutError:
        """Make the error of a predicate that did not come true within *timeout* seconds."""
        last = f"gave {self.answer!r}" if self._error is None else f"raised {_in_short(self._error)}"
        if self._error is None and self.answer is None and getattr(self.predicate, "__name__", "") != "<lambda>":
            last += " (a function that only asserts returns True at its end)"
        error = TimeoutError(f"{source_of(self.predicate)} did not come true within {timeout} seconds: it last {last}")
        error.__cause__ = self._error
        return error


def _in_short(error: BaseException) -> str:
    """An error in one line: pytest writes many to explain an assertion. The traceback has them all."""
    lines = str(error).splitlines()
    return repr(error) if len(lines) < 2 else f"{type(error).__name__}: {lines[0]}"


def source_of(fn: Callable[..., Any]) -> str:
    """The text of a lambda, or the name of another function, and its line: ``x == 1 (test_x.py:31)``."""
    code = getattr(inspect.unwrap(fn), "__code__", None)
    if not isinstance(code, CodeType):
        return name_of(fn)
    text = _body(code) if code.co_name == "<lambda>" else name_of(fn)
    return f"{text or name_of(fn)} ({os.path.basename(code.co_filename)}:{code.co_firstlineno})"


def _body(code: CodeType) -> str:
    """The source of the expression of a lambda; empty if it cannot be found."""
    spans = list(_spans(code))
    if not spans:
        return ""
    (first, begin), (last, end) = min(start for start, _ in spans), max(end for _, end in spans)
    # Columns count bytes.
    lines = [linecache.getline(code.co_filename, number).encode() for number in range(first, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][begin:]
    return " ".join(line.decode().strip() for line in lines)


def _spans(code: CodeType) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Where each instruction comes from in the source: (line, column) of its begin and of its end."""
    for line, end_line, column, end_column in code.co_positions():
        if line is not None and end_line is not None and column is not None and end_column is not None:
            if (line, column) < (end_line, end_column):
                yield (line, column), (end_line, end_column)
