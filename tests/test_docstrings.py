"""The docstrings of the public names have the house form."""

import inspect
import re
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import pytest

import specter

VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
SECTIONS = {"Args", "Attributes", "Example", "Examples", "Raises", "Returns", "Source", "Yields"}


def is_ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "specter"


def public() -> Iterator[tuple[str, object]]:
    """Every public class and function, and every public method and property of these classes that is ours."""
    for name in specter.__all__:
        value = getattr(specter, name)
        if not isinstance(value, type | FunctionType):
            continue
        yield name, value
        for base in value.__mro__ if isinstance(value, type) else ():
            if not is_ours(base):
                continue
            for member, plain in vars(base).items():
                foreign = any(member in vars(other) for other in value.__mro__ if not is_ours(other))
                ours = isinstance(plain, FunctionType | property | staticmethod | classmethod) and not foreign
                if ours and not member.startswith("_") and getattr(value, member, None) is not None:
                    yield f"{base.__name__}.{member}", inspect.unwrap(getattr(plain, "__func__", plain))


EVERYTHING = dict(public())
each = pytest.mark.parametrize("name", sorted(EVERYTHING))


def docstring(name: str) -> str:
    value = EVERYTHING[name]
    if isinstance(value, type) and value.__doc__ is None:
        return ""
    return value.__doc__ or ""


def parameters(value: object, *, variable: bool) -> list[str]:
    """The names of the parameters, those like ``*args`` only if *variable*."""
    call: Callable[..., Any] = value.__init__ if isinstance(value, type) else value  # type: ignore[misc, assignment]
    if isinstance(value, property) or not isinstance(call, FunctionType):
        return []
    found = inspect.signature(call).parameters.values()
    return [one.name for one in found if one.name not in ("self", "cls") and (variable or one.kind not in VARIABLE)]


def sections(text: str) -> dict[str, str]:
    """``{section: its body}`` of a docstring; a section is a word and a colon alone on a line."""
    parts = re.split(r"^([A-Z][a-z]+):$", inspect.cleandoc(text), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@each
def test_a_public_name_says_in_one_line_what_it_gives(name: str) -> None:
    lines = inspect.cleandoc(docstring(name)).splitlines()

    assert lines, "no docstring"
    assert lines[0].endswith("."), lines[0]
    assert len(lines) == 1 or lines[1] == "", "a blank line follows the first"


@each
def test_quotes_stand_on_their_own_lines_when_it_is_longer(name: str) -> None:
    text = docstring(name)

    assert "\n" not in text or (text.startswith("\n") and text.rstrip(" ").endswith("\n"))


@each
def test_every_parameter_is_described_or_plain(name: str) -> None:
    text = docstring(name)
    described = sections(text).get("Args", "")
    missing = [
        parameter
        for parameter in parameters(EVERYTHING[name], variable=False)
        if not re.search(rf"^ +([*\w, ]+, )?\*{{0,2}}{parameter}(, [*\w, ]+)?:", described, re.MULTILINE)
        if not re.search(rf"[*`(]{parameter}[*`,)]", text)
    ]

    # Said once, at the name that it refers to; or a single one, in a sentence that could only repeat its name.
    refers = not described and re.search(r"`[A-Za-z_.]+`", text.replace("`None`", "").replace("``", ""))
    assert not missing or refers or (len(missing) == 1 and not described), missing


@each
def test_what_is_described_exists(name: str) -> None:
    found = sections(docstring(name))
    entries = re.findall(r"^    ([*\w, ]+):", found.get("Args", ""), re.MULTILINE)
    named = {part.strip(" *") for entry in entries for part in entry.split(",")}

    assert found.keys() <= SECTIONS
    assert named <= set(parameters(EVERYTHING[name], variable=True))
