"""
The function that checks payloads against the fields of one schema.

It is written as text and compiled: a value that fits as it is then costs a look at its type, a number or word in a text
(a form or a query has nothing else) one call of a builtin, and all others go to `PlannedField.fixed`.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from .conversion import FALSE_WORDS, TRUE_WORDS, Conversions, Converter, is_nullable, unconvertible
from .copies import ATOMS
from .field import Field
from .problems import HERE, Mismatch, Place, Problem

# Takes a payload and a list, gives a new dict, and adds to the list all that is wrong: then the dict is worth nothing.
Check: TypeAlias = Callable[[dict[Any, Any], list[Problem]], dict[str, Any]]


class PlannedField:
    """A field, and what its type and options come to."""

    def __init__(self, name: Any, field: Field, to_type: Converter, conversions: Conversions) -> None:
        self.name = name
        self.label = field.label
        self.place = HERE.within(name, field.label)
        self.kind = field.type
        self.required = field.required
        self.nullable = is_nullable(field.type)
        # None may then be a value: only a field that is not there at all is missing.
        self.asks_presence = field.required and (self.nullable or not conversions.none_is_missing)
        self.default = field.default
        self.choices = field.choices or ()
        self.validator = field.validator
        self.to_type = to_type
        self.copies = conversions.copies
        self.quote = conversions.quote

    def fixed(self, value: Any, problems: list[Problem]) -> Any:
        """
        Give what the field holds for a value that cannot be kept as it is.

        Args:
            value: From the payload; ``None`` if it has none, or `_MISSING` for one that `asks_presence`.
            problems: What is wrong is added here.
        """
        if value is _MISSING or (value is None and not self.asks_presence):
            return self._absent(problems)
        if value is None and self.nullable:
            return None
        try:
            value = self.to_type(value)
        except Mismatch as refusal:
            problems += refusal.under(self.name, self.label)
            return None
        if self.choices and value not in self.choices:
            problems.append((self.place, f"{self.must_be_listed}, got '{self.quote(value)}'"))
            return None
        return value if self.validator is None else self.asked(value, problems)

    def unread(self, text: str, problems: list[Problem]) -> None:
        """Report a text that is no number: that is what `fixed` comes to, which would read it once more."""
        problems.append((self.place, unconvertible(text, self.kind, self.quote)))

    def asked(self, value: Any, problems: list[Problem]) -> Any:
        """Give a value of the right type, if its validator has nothing against it. Only for a field that has one."""
        try:
            verdict = self.validator(value)  # type: ignore[misc]
        except Exception as error:
            refusal = f" validation error: {error}"
        else:
            if verdict is not False:
                return value
            refusal = " failed validation"
        problems.append((self.place, refusal))
        return None

    @functools.cached_property
    def must_be_listed(self) -> str:
        """The beginning of what is said of a value that is none of the choices."""
        return f" must be one of {list(self.choices)}"

    def _absent(self, problems: list[Problem]) -> Any:
        if self.required:
            problems.append((self.place, " is required"))
            return None
        return self.default() if _is_factory(self.default) else _made_anew(self.default)


_MISSING: Any = object()
_CONTAINERS = (list, dict, set, tuple)

# How a text is read; the converters come to the same.
_READ = {int: "int({})", float: "float({})", bool: "WORDS[{}]"}
_LOCAL = "type=type, str=str, int=int, float=float, bool=bool, WORDS=WORDS"
_WORDS = dict.fromkeys(TRUE_WORDS, True) | dict.fromkeys(FALSE_WORDS, False)


def _is_made(default: Any) -> bool:
    """Whether a default is made for each payload: by its function, or as a copy."""
    return isinstance(default, _CONTAINERS) or _is_factory(default)


def _is_factory(default: Any) -> bool:
    return callable(default) and not isinstance(default, type)


def _made_anew(default: Any) -> Any:
    """A copy of a container and of those in it; what is no container is the same for all payloads."""
    kind = type(default)
    if kind is dict:
        return {key: _made_anew(value) for key, value in default.items()}
    if kind is list or kind is tuple:
        return kind(map(_made_anew, default))
    return copy.copy(default) if isinstance(default, _CONTAINERS) else default


def uncompiled(plan: Sequence[PlannedField], conversions: Conversions, *, strict: bool) -> Check:
    """The function that `compiled` makes, at once and several times as slow."""
    known = frozenset([field.name for field in plan])

    def check(data: dict[Any, Any], problems: list[Problem]) -> dict[str, Any]:
        if strict:
            problems += _unknown(known, conversions, data)
        return {
            field.name: field.fixed(data.get(field.name, _MISSING if field.asks_presence else None), problems)
            for field in plan
        }

    return check


def compiled(plan: Sequence[PlannedField], conversions: Conversions, *, strict: bool) -> Check:
    """
    Write the function that checks a payload, and compile it.

    For ``{"title": Field(str, required=True), "year": Field(int), "tags": Field(list)}`` it is::

        def check(data, problems, type=type, str=str, int=int, float=float, bool=bool, WORDS=WORDS):
            value_0 = data.get('title')
            if type(value_0) is not str:
                value_0 = fixed_0(value_0, problems)
            value_1 = data.get('year')
            if type(value_1) is not int:
                if type(value_1) is str:
                    try: value_1 = int(value_1)
                    except ValueError: value_1 = unread_1(value_1, problems)
                else: value_1 = default_1 if value_1 is None else fixed_1(value_1, problems)
            value_2 = data.get('tags')
            if type(value_2) is list:
                for item in value_2:
                    if type(item) not in ATOMS:
                        value_2 = fixed_2(value_2, problems)
                        break
                else:
                    value_2 = value_2.copy()
            else:
                value_2 = default_2 if value_2 is None else fixed_2(value_2, problems)
            return {'title': value_0, 'year': value_1, 'tags': value_2}

    Args:
        plan: The fields in their order.
        conversions: How values are taken.
        strict: Whether unknown fields are errors.
    """
    names: dict[str, Any] = {"ATOMS": ATOMS, "MISSING": _MISSING, "WORDS": _WORDS}
    names["unknown"] = functools.partial(_unknown, frozenset([field.name for field in plan]), conversions)
    lines = ["problems += unknown(data)"] if strict else []
    for index, field in enumerate(plan):
        names |= {
            f"name_{index}": field.name,
            f"fixed_{index}": field.fixed,
            f"unread_{index}": field.unread,
            f"asked_{index}": field.asked,
            f"default_{index}": field.default,
            f"choices_{index}": field.choices,
        }
        lines += _lines(index, field)
    result = ", ".join([f"{_name(index, field)}: value_{index}" for index, field in enumerate(plan)])
    lines.append(f"return {{{result}}}")
    # Of what users wrote, the text has only the names of fields, each by its repr: a literal, whatever is in it.
    exec(f"def check(data, problems, {_LOCAL}):\n " + "\n ".join(lines), names)
    return names["check"]  # type: ignore[no-any-return]


def _name(index: int, field: PlannedField) -> str:
    return repr(field.name) if type(field.name) is str else f"name_{index}"


def _lines(index: int, field: PlannedField) -> list[str]:
    """Bring one field of the payload into its variable."""
    value, name = f"value_{index}", _name(index, field)
    get = f"{value} = data.get({name})"
    convert = f"{value} = fixed_{index}({f'data.get({name}, MISSING)' if field.asks_presence else value}, problems)"
    fix = convert
    if not field.required and not _is_made(field.default):
        fix = f"{value} = default_{index} if {value} is None else fixed_{index}({value}, problems)"
    if field.kind in (str, int, float, bool):
        return [get, *_plain_lines(index, field, fix, convert)]
    if field.validator is None and not field.choices and field.kind in (list, dict):
        return [get, *_container_lines(field, value, fix, convert)]
    return [convert] if field.asks_presence else [get, fix]


def _plain_lines(index: int, field: PlannedField, fix: str, convert: str) -> list[str]:
    value = f"value_{index}"
    allowed = f" or {value} not in choices_{index}" if field.choices else ""
    lines = [f"if type({value}) is not {field.kind.__name__}{allowed}:"]
    if field.validator is not None:
        return [*lines, f" {fix}", f"else: {value} = asked_{index}({value}, problems)"]
    if field.choices or field.kind is str:
        return [*lines, f" {fix}"]
    lines += [f" if type({value}) is str:", f"  try: {value} = {_READ[field.kind].format(value)}"]
    # White space round a word, for one, is left to the converter.
    unread = (
        f"KeyError: {convert}" if field.kind is bool else f"ValueError: {value} = unread_{index}({value}, problems)"
    )
    return [*lines, f"  except {unread}", f" else: {fix}"]


def _container_lines(field: PlannedField, value: str, fix: str, convert: str) -> list[str]:
    name = field.kind.__name__
    if not field.copies:
        return [f"if type({value}) is not {name}:", f" {fix}"]
    items = f"{value}.values()" if field.kind is dict else value
    return [
        f"if type({value}) is {name}:",
        f" for item in {items}:",
        "  if type(item) not in ATOMS:",
        f"   {convert}",
        "   break",
        f" else: {value} = {value}.copy()",
        f"else: {fix}",
    ]


def _unknown(known: frozenset[Any], conversions: Conversions, data: dict[Any, Any]) -> list[Problem]:
    """Problems of the fields that a strict schema does not know."""
    if known.issuperset(data):
        return []
    names = [name for name in data if name not in known][: conversions.most_unknown]
    return [(Place(before="Unknown field ").within(conversions.quote(name)), "") for name in names]
