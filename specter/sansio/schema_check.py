"""
The function that checks payloads against the fields of one schema.

It is written as text and compiled: a value that fits as it is then costs a look at its type, a number or word in a text
(a form or a query has nothing else) one call of a builtin, and all others go to `PlannedField.fixed`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from .conversion import FALSE_WORDS, TRUE_WORDS, Converter, is_nullable, own_copy
from .copies import ATOMS
from .field import Field
from .problems import MAX_PROBLEMS, Mismatch, Problem, quoted

Check: TypeAlias = Callable[[dict[Any, Any]], dict[str, Any]]


class PlannedField:
    """A field, and what its type and options come to."""

    def __init__(self, name: str, field: Field, to_type: Converter, *, none_is_missing: bool) -> None:
        self.name = name
        self.label = field.label
        self.kind = field.type
        self.required = field.required
        self.nullable = is_nullable(field.type)
        # None may then be a value: only a field that is not there at all is missing.
        self.asks_presence = field.required and (self.nullable or not none_is_missing)
        self.default = field.default
        self.choices = () if field.choices is None else tuple(field.choices)
        self.validator = field.validator
        self.to_type = to_type

    def fixed(self, value: Any, problems: list[Problem]) -> Any:
        """
        Give what the field holds for a value that cannot be kept as it is.

        Args:
            value: From the payload; ``None`` if it has none, or `_MISSING` for one that `asks_presence`.
            problems: What is wrong is added here.
        """
        if value is _MISSING or (value is None and not self.asks_presence):
            return self._absent(problems)
        try:
            return None if value is None and self.nullable else self._converted(value)
        except Mismatch as mismatch:
            problems += mismatch.under(self.name, self.label)
            return None

    def _absent(self, problems: list[Problem]) -> Any:
        if self.required:
            problems.append(Problem(" is required").under(self.name, self.label))
            return None
        # Only a default that is made anew comes here: any other is in the text of the check.
        return self.default() if callable(self.default) else own_copy(self.default)

    def _converted(self, value: Any) -> Any:
        value = self.to_type(value)
        if self.choices and value not in self.choices:
            raise Mismatch(Problem(f" must be one of {list(self.choices)}, got '{quoted(value)}'"))
        if self.validator is not None:
            _ask(self.validator, value)
        return value


_MISSING: Any = object()
_CONTAINERS = (list, dict, set, tuple)

# How a text that is written plainly is read. Others (white space round a word, for one) are left to the converters,
# which come to the same for these.
_READ = {int: "int({})", float: "float({})", bool: "WORDS[{}]"}
_LOCAL = "type=type, str=str, int=int, float=float, bool=bool, WORDS=WORDS"
_WORDS = dict.fromkeys(TRUE_WORDS, True) | dict.fromkeys(FALSE_WORDS, False)


def _ask(validator: Callable[[Any], Any], value: Any) -> None:
    """Raise what a validator has against a value."""
    try:
        verdict = validator(value)
    except Exception as error:
        raise Mismatch(Problem(f" validation error: {error}")) from error
    if verdict is False:
        raise Mismatch(Problem(" failed validation"))


def _made_anew(default: Any) -> bool:
    """Whether a default is made for each payload: by its function, or as a copy."""
    return isinstance(default, _CONTAINERS) or (callable(default) and not isinstance(default, type))


def compiled(plan: Sequence[PlannedField], *, strict: bool) -> Check:
    """
    Write the function that checks a payload, and compile it.

    For ``{"title": Field(str, required=True), "year": Field(int), "tags": Field(list)}`` it is::

        def check(data, type=type, str=str, int=int, float=float, bool=bool, WORDS=WORDS):
            problems = []
            value_0 = data.get('title')
            if type(value_0) is not str:
                value_0 = fixed_0(value_0, problems)
            value_1 = data.get('year')
            if type(value_1) is not int:
                if type(value_1) is str:
                    try: value_1 = int(value_1)
                    except (ValueError, KeyError): value_1 = fixed_1(value_1, problems)
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
            if problems:
                raise Mismatch(*problems)
            return {'title': value_0, 'year': value_1, 'tags': value_2}

    Args:
        plan: The fields in their order.
        strict: Whether unknown fields are errors.

    Returns:
        Takes a payload and gives a new dict, or raises `Mismatch` with all that is wrong.
    """
    names: dict[str, Any] = {"ATOMS": ATOMS, "MISSING": _MISSING, "Mismatch": Mismatch, "unknown": _unknown}
    names["WORDS"] = _WORDS
    names["known"] = frozenset([field.name for field in plan])
    lines = ["problems = unknown(data, known)" if strict else "problems = []"]
    for index, field in enumerate(plan):
        names |= {f"fixed_{index}": field.fixed, f"default_{index}": field.default, f"choices_{index}": field.choices}
        lines += _lines(index, field)
    result = ", ".join([f"{field.name!r}: value_{index}" for index, field in enumerate(plan)])
    lines += ["if problems:", " raise Mismatch(*problems)", f"return {{{result}}}"]
    # Of what users wrote, the text has only the names of fields, each by its repr: a literal, whatever is in it.
    exec(f"def check(data, {_LOCAL}):\n " + "\n ".join(lines), names)
    return names["check"]  # type: ignore[no-any-return]


def _lines(index: int, field: PlannedField) -> list[str]:
    """Bring one field of the payload into its variable."""
    value, name = f"value_{index}", repr(field.name)
    if field.asks_presence:
        return [f"{value} = fixed_{index}(data.get({name}, MISSING), problems)"]
    lines = [f"{value} = data.get({name})"]
    convert = f"{value} = fixed_{index}({value}, problems)"
    fix = convert
    if not field.required and not _made_anew(field.default):
        fix = f"{value} = default_{index} if {value} is None else fixed_{index}({value}, problems)"
    if field.validator is None and field.kind in (str, int, float, bool):
        allowed = f" or {value} not in choices_{index}" if field.choices else ""
        lines += [f"if type({value}) is not {field.kind.__name__}{allowed}:"]
        if field.choices or field.kind is str:
            return [*lines, f" {fix}"]
        lines += [f" if type({value}) is str:", f"  try: {value} = {_READ[field.kind].format(value)}"]
        return [*lines, f"  except (ValueError, KeyError): {convert}", f" else: {fix}"]
    if field.validator is None and not field.choices and field.kind in (list, dict):
        items = f"{value}.values()" if field.kind is dict else value
        lines += [f"if type({value}) is {field.kind.__name__}:", f" for item in {items}:"]
        lines += ["  if type(item) not in ATOMS:", f"   {convert}", "   break"]
        return [*lines, f" else: {value} = {value}.copy()", f"else: {fix}"]
    return [*lines, fix]


def _unknown(data: dict[Any, Any], known: frozenset[str]) -> list[Problem]:
    """Problems of the fields that a strict schema does not know."""
    if known.issuperset(data):
        return []
    names = [quoted(name) for name in data if name not in known]
    return [Problem("", "Unknown field ").under(name) for name in names[:MAX_PROBLEMS]]
