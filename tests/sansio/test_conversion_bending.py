"""Bringing values into types as 0.1.1 did: what it made of them, and what it refused."""

import functools
import re
from decimal import Decimal
from typing import Any

import pytest
from sansio.conversions import Color, Level, bending, named, problems

from specter.sansio.problems import quoted

# What 0.1.1 answered to these, run side by side with it.
BENT = [
    (str, True, "True"),
    (str, [1], "[1]"),
    (str, b"x", "b'x'"),
    (int, 1.5, 1),
    (int, True, 1),
    (int, Level.LOW, Level.LOW),
    (float, True, 1.0),
    (float, "nan", None),
    (bool, "maybe", True),
    (bool, "none", True),
    (bool, 2, True),
    (bool, [1], True),
    (bool, {}, False),
    (tuple, "ab", ("a", "b")),
    (set, {"b": 1}, {"b"}),
    (list, [1], [1]),
    (dict, {"b": 1}, {"b": 1}),
    (Color, "red", Color.RED),
    (str.upper, "a", "A"),
    (lambda value: [value], None, [None]),
    (object, True, True),
    (Any, None, None),
]


@pytest.mark.parametrize(("kind", "value", "expected"), BENT, ids=named)
def test_the_bending_table_is_as_lenient_as_0_1_1(kind: Any, value: Any, expected: Any) -> None:
    converted = bending(kind)(value)

    assert converted == expected or converted != converted
    assert type(converted) is kind or kind not in (str, int, float, bool, tuple, set) or isinstance(value, Level)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (int, "x", "must be int: Cannot convert str 'x' to int"),
        (float, "", "must be float: Cannot convert str '' to float"),
        (list, "", "must be list: Expected list, got str"),
        (tuple, 1, "must be tuple: 'int' object is not iterable"),
        (Color, "blue", "must be Color: 'blue' is not a valid Color"),
        (functools.partial(int, base=2), "5", "coercion failed: invalid literal for int() with base 2: '5'"),
        (None, 1, "coercion failed: Unsupported coercion target: None"),
        (functools, 1, f"must be functools: Unsupported coercion target: {functools}"),
        (int, "x" * 300, f"must be int: Cannot convert str '{'x' * 300}' to int"),
    ],
    ids=lambda value: quoted(value)[:40],
)
def test_the_bending_table_refuses_what_0_1_1_refused(kind: Any, value: Any, text: str) -> None:
    assert problems(bending(kind), value) == {"x": f"'x' {text}"}


def test_infinity_for_a_whole_number_is_refused_where_0_1_1_let_the_error_out() -> None:
    assert problems(bending(int), float("inf")) == {"x": "'x' must be int: Cannot convert float 'inf' to int"}


@pytest.mark.parametrize(
    ("kind", "value"),
    [(lambda value: value["key"], {}), (Decimal, "text"), (re.compile, "("), (lambda value: 1 / value, 0)],
    ids=["KeyError", "InvalidOperation", "re.error", "ZeroDivisionError"],
)
def test_an_error_of_pythons_refuses_the_value(kind: Any, value: Any) -> None:
    assert problems(bending(kind), value).keys() == {"x"}


class NotFoundError(LookupError):
    """An application answers this one itself."""


def test_an_error_of_the_applications_own_goes_on_to_its_handlers() -> None:
    def find(value: Any) -> Any:
        raise NotFoundError

    with pytest.raises(NotFoundError):
        bending(find)(1)


def test_none_for_a_text_or_a_bool_is_none_at_all() -> None:
    assert problems(bending(str), None) == problems(bending(bool), None) == {"x": "'x' is required"}
