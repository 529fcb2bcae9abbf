"""The docstrings of the public names have the house form."""

import inspect
import re
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import specter
import specter_gevent

VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
SECTIONS = {"Args", "Attributes", "Example", "Examples", "Raises", "Returns", "Source", "Yields"}


def is_ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in ("specter", "specter_gevent")


def public(package: Any) -> Iterator[tuple[str, object]]:
    """Every public class and function, and every public method and property of these classes that is ours."""
    for name in package.__all__:
        value = getattr(package, name)
        if not isinstance(value, type | FunctionType):
            continue
        yield f"{package.__name__}.{name}", value
        for base in value.__mro__ if isinstance(value, type) else ():
            if not is_ours(base):
                continue
            for member, plain in vars(base).items():
                foreign = any(member in vars(other) for other in value.__mro__ if not is_ours(other))
                ours = isinstance(plain, FunctionType | property | staticmethod | classmethod) and not foreign
                if ours and not member.startswith("_") and getattr(value, member, None) is not None:
                    yield (
                        f"{package.__name__}.{base.__name__}.{member}",
                        inspect.unwrap(getattr(plain, "__func__", plain)),
                    )


EVERYTHING = dict(public(specter)) | dict(public(specter_gevent))


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


def test_a_public_name_says_in_one_line_what_it_gives() -> None:
    lines = {name: inspect.cleandoc(docstring(name)).splitlines() for name in EVERYTHING}

    assert not [name for name, said in lines.items() if not said]
    assert not [said[0] for said in lines.values() if not said[0].endswith(".")]
    assert not [name for name, said in lines.items() if len(said) > 1 and said[1]], "a blank line follows the first"


def test_quotes_stand_on_their_own_lines_when_it_is_longer() -> None:
    long = {name: text for name in EVERYTHING if "\n" in (text := docstring(name))}

    assert not [name for name, text in long.items() if not (text.startswith("\n") and text.rstrip(" ").endswith("\n"))]


def undescribed(name: str) -> list[str]:
    """The parameters that a docstring leaves without a word."""
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
    return [] if refers or (len(missing) == 1 and not described) else missing


def test_every_parameter_is_described_or_plain() -> None:
    assert {name: missing for name in EVERYTHING if (missing := undescribed(name))} == {}


def test_what_is_described_exists() -> None:
    for name, value in EVERYTHING.items():
        found = sections(docstring(name))
        entries = re.findall(r"^    ([*\w, ]+):", found.get("Args", ""), re.MULTILINE)
        named = {part.strip(" *") for entry in entries for part in entry.split(",")}

        assert found.keys() <= SECTIONS, name
        assert named <= set(parameters(value, variable=True)), name
