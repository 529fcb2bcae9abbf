"""
Bringing what came from outside into the type of its field, or saying what is wrong with it.

A converter is a plain function: it takes a value, gives a new one that is the caller's own, or raises `Mismatch`. Those
of ``list[int]`` and the like are made of the converters of their parts.

`REFUSING` takes a value only if nothing is lost by it. `BENDING` takes what 0.1.1 took, for applications written
against it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any, NamedTuple, TypeAlias, Union, get_args, get_origin

from .copies import ATOMS, MAX_LEVELS, TooDeep, copied
from .problems import MAX_PROBLEMS, Mismatch, Problem, mismatch, name_of_type, quoted, quoted_whole

Converter: TypeAlias = Callable[[Any], Any]

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})


def unconvertible(value: object, kind: type, quote: Callable[[object], str] = quoted) -> str:
    """Say that *kind* makes nothing of a value; *quote* gives the value's text."""
    name = kind.__name__
    return f" must be {name}: Cannot convert {type(value).__name__} '{quote(value)}' to {name}"


def _unconvertible(value: object, kind: type, quote: Callable[[object], str] = quoted) -> Mismatch:
    return mismatch(unconvertible(value, kind, quote))


def _unexpected(value: object, name: str) -> Mismatch:
    return mismatch(f" must be {name}: Expected {name}, got {type(value).__name__}")


def own_copy(value: Any) -> Any:
    """
    A copy of plain containers and of all that is in them.

    Raises:
        Mismatch: It has more than `MAX_LEVELS` levels, or something in it cannot be copied.
    """
    try:
        return copied(value)
    except TooDeep as error:
        raise mismatch(f" must not be nested deeper than {MAX_LEVELS} levels") from error
    except Exception as error:
        raise mismatch(f" cannot be copied: {error}") from error


def to_dict(value: Any) -> dict[Any, Any]:
    """A copy of a dict; nothing else is taken for one."""
    if not isinstance(value, dict):
        raise _unexpected(value, "dict")
    for item in value.values():
        if type(item) not in ATOMS:
            return own_copy(dict(value))  # type: ignore[no-any-return]
    return dict(value)


def to_list(value: Any) -> list[Any]:
    """A copy of a list; nothing else is taken for one."""
    if not isinstance(value, list):
        raise _unexpected(value, "list")
    for item in value:
        if type(item) not in ATOMS:
            return own_copy([*value])  # type: ignore[no-any-return]
    return [*value]


def anything(value: Any) -> Any:
    """Any value as it is, and a copy of a plain container."""
    return own_copy(value) if type(value) in (list, dict, tuple, set) else value


_NO_TEXT = (bool, bytes, bytearray, list, dict, tuple, set, frozenset)


def _to_str(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, _NO_TEXT):
        raise _unconvertible(value, str)
    try:
        return str(value)
    except ValueError as error:  # an int of more digits than Python prints
        raise _unconvertible(value, str) from error


def _to_int(value: Any) -> int:
    try:
        number = int(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise _unconvertible(value, int) from error
    if isinstance(value, str) or number == value:
        return number
    raise _unconvertible(value, int)


def _to_bool(value: Any) -> bool:
    if isinstance(value, str):
        word = value.strip().lower()
        if word in TRUE_WORDS or word in FALSE_WORDS:
            return word in TRUE_WORDS
    elif isinstance(value, (bool, int, float)) and value in (0, 1):
        return bool(value)
    raise _unconvertible(value, bool)


def _to_bytes(value: Any) -> bytes:
    # Never bytes(5): a number from outside would choose how much memory is taken.
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise _unexpected(value, "bytes")
    return bytes(value)


def _to_float(value: Any) -> float:
    try:
        return value if isinstance(value, float) else float(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise _unconvertible(value, float) from error


def _bent(kind: Any, make: Callable[[Any], Any] | None = None) -> Converter:
    """What a type or a function itself makes of a value, or *make* in its place; what has that type already is kept."""
    used: Callable[[Any], Any] = kind if make is None else make

    def convert(value: Any) -> Any:
        try:
            if isinstance(kind, type) and isinstance(value, kind) and not isinstance(value, bool):
                return value
            return used(value)
        except Exception as error:
            if not _refuses(error):
                raise
            if kind in (int, float):
                raise _unconvertible(value, kind, quoted_whole) from error
            problem = error if callable(kind) else f"Unsupported coercion target: {kind}"
            wanted = f"must be {kind.__name__}" if hasattr(kind, "__name__") else "coercion failed"
            raise mismatch(f" {wanted}: {problem}") from error

    return convert


def _refuses(error: Exception) -> bool:
    """Whether an error says that a value does not fit. One of the application's own is meant for its own handlers."""
    kind = type(error)
    return issubclass(kind, (ValueError, TypeError)) or kind.__module__.partition(".")[0] in sys.stdlib_module_names


def bent_to_bool(value: Any) -> bool:
    """Whether a value counts as true: not the words for false, and otherwise as Python has it."""
    return value.strip().lower() not in FALSE_WORDS if isinstance(value, str) else bool(value)


def _given(converter: Converter) -> Converter:
    """The converter of what may not be None, though anything can be made of that."""

    def convert(value: Any) -> Any:
        if value is None:
            raise mismatch(" is required")
        return converter(value)

    return convert


def _kept(kind: type) -> Converter:
    """A container as it is, the payload's own; nothing else is taken for one."""

    def convert(value: Any) -> Any:
        if not isinstance(value, kind):
            raise _unexpected(value, kind.__name__)
        return value

    return convert


def _as_it_is(value: Any) -> Any:
    return value


def called(kind: Callable[[Any], Any]) -> Converter:
    """The converter of a type of the user's own, or of a function: what has that type already is kept."""

    def convert(value: Any) -> Any:
        if isinstance(kind, type) and isinstance(value, kind):
            return value
        try:
            return kind(value)
        except Exception as error:
            raise mismatch(f" must be {name_of_type(kind)}: {error}") from error

    return convert


def sequence(
    kind: Callable[[list[Any]], Any], item: Converter = anything, sources: tuple[type[Any], ...] = (list,)
) -> Converter:
    """
    The converter of ``list[T]``, ``set[T]`` and their like.

    Args:
        kind: ``list`` or another; it is called with the list of converted items.
        item: The converter of each item.
        sources: What is taken for such a sequence. No text, though it can be iterated.
    """
    name = name_of_type(kind)

    def convert(value: Any) -> Any:
        if not isinstance(value, sources):
            raise _unexpected(value, name)
        items: list[Any] = []
        problems: list[Problem] = []
        for index, entry in enumerate(value):
            try:
                items.append(item(entry))
            except Mismatch as refusal:
                problems.extend(refusal.under(str(index)))
                if len(problems) >= MAX_PROBLEMS:
                    break
        if problems:
            raise Mismatch(*problems)
        try:
            return kind(items)
        except TypeError as error:  # a set of what cannot be hashed
            raise mismatch(f" must be {name}: {error}") from error

    return convert


def mapping(key: Converter, item: Converter) -> Converter:
    """The converter of ``dict[K, V]``. A key that does not fit is a problem of the entry under it."""

    def convert(value: Any) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise _unexpected(value, "dict")
        entries: dict[Any, Any] = {}
        problems: list[Problem] = []
        for name, entry in value.items():
            try:
                entries[key(name)] = item(entry)
            except Mismatch as refusal:
                problems.extend(refusal.under(quoted(name)))
                if len(problems) >= MAX_PROBLEMS:
                    break
        if problems:
            raise Mismatch(*problems)
        return entries

    return convert


def nullable(converter: Converter) -> Converter:
    """The converter of ``T | None``."""

    def convert(value: Any) -> Any:
        return None if value is None else converter(value)

    return convert


def either(kinds: Mapping[Any, Converter]) -> Converter:
    """
    The converter of ``A | B``: a value that is of one of the types keeps it, any other takes the first that it fits.

    Args:
        kinds: The types, each with its converter, in the order written.
    """
    names = " or ".join(map(name_of_type, kinds))

    def convert(value: Any) -> Any:
        if type(value) in kinds:
            return kinds[type(value)](value)
        for converter in kinds.values():
            try:
                return converter(value)
            except Mismatch:
                continue
        raise mismatch(f" must be {names}, got {type(value).__name__} '{quoted(value)}'")

    return convert


class Conversions(NamedTuple):
    """
    How values are taken.

    Attributes:
        table: The converters of plain types.
        other: Makes the converter of a type or function that is not in the table; `None` if it is neither.
        none_is_missing: ``None`` in a required field counts as no value; otherwise it is converted.
        copies: A list or dict that fits is copied; otherwise it is handed on.
        quote: Gives the text of a value in an error.
        most_unknown: How many unknown fields are reported; `None` for all.
    """

    table: Mapping[Any, Converter]
    other: Callable[[Any], Converter | None]
    none_is_missing: bool
    copies: bool
    quote: Callable[[object], str]
    most_unknown: int | None


def _called_if_callable(kind: Any) -> Converter | None:
    return called(kind) if callable(kind) and get_origin(kind) is None else None


_ARRAYS = (list, tuple, set, frozenset)
REFUSING = Conversions(
    {
        list: to_list,
        dict: to_dict,
        object: anything,
        Any: anything,
        str: _to_str,
        int: _to_int,
        float: _to_float,
        bool: _to_bool,
        bytes: _to_bytes,
        tuple: sequence(tuple, sources=_ARRAYS),
        set: sequence(set, sources=_ARRAYS),
        frozenset: sequence(frozenset, sources=_ARRAYS),
    },
    other=_called_if_callable,
    none_is_missing=True,
    copies=True,
    quote=quoted,
    most_unknown=MAX_PROBLEMS,
)
BENDING = Conversions(
    {
        list: _kept(list),
        dict: _kept(dict),
        object: _as_it_is,
        Any: _as_it_is,
        str: _given(_bent(str)),
        int: _bent(int),
        float: _bent(float),
        bool: _given(_bent(bool, bent_to_bool)),
    },
    other=_bent,
    none_is_missing=False,
    copies=False,
    quote=quoted_whole,
    most_unknown=None,
)


def is_nullable(kind: Any) -> bool:
    """Whether a type takes ``None``: ``int | None`` does."""
    return type(kind) is not type and get_origin(kind) in (Union, UnionType) and type(None) in get_args(kind)


def converter_of(kind: Any, conversions: Conversions, nested: Callable[[Any], Converter | None]) -> Converter:
    """
    Make the converter of a field's type.

    Args:
        kind: A type, ``list[T]``, ``tuple[T, ...]``, ``set[T]``, ``frozenset[T]``, ``dict[K, V]`` or a union of types,
            a function of one value, or what *nested* knows.
        conversions: `REFUSING` or `BENDING`.
        nested: Gives the converter of a schema, ``None`` for anything else.

    Raises:
        TypeError: It is none of these.
    """

    # Most fields are of a plain type.
    if type(kind) is type and kind in conversions.table:
        return conversions.table[kind]

    def inner(part: Any) -> Converter:
        return converter_of(part, conversions, nested)

    origin, parts = get_origin(kind), get_args(kind)
    plain = kind if origin is None else origin if not parts else None  # typing.List says no more than list
    known = nested(kind) or (conversions.table.get(plain) if isinstance(plain, type) or plain is Any else None)
    if known is not None:
        return known
    if origin in (Union, UnionType):
        kinds = {part: inner(part) for part in parts if part is not type(None)}
        union = either(kinds) if len(kinds) > 1 else next(iter(kinds.values()))
        return nullable(union) if len(kinds) < len(parts) else union
    if origin is dict and len(parts) == 2:
        return mapping(*map(inner, parts))
    if origin is list and parts:
        return sequence(list, inner(parts[0]))
    if (origin in (set, frozenset) and parts) or (origin is tuple and parts[1:] == (...,)):
        return sequence(origin, inner(parts[0]), _ARRAYS)
    converter = None if inspect.iscoroutinefunction(kind) else conversions.other(kind)
    if converter is not None:
        return converter
    raise TypeError(f"type must be a type, list[T], dict[K, V], a plain function or a Schema, got {kind!r}")
