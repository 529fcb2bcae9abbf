"""Converters, and types to convert to."""

import enum
from typing import Any

import pytest

from specter.sansio.conversion import BENDING, REFUSING, Converter, converter_of
from specter.sansio.problems import Mismatch


def refusing(kind: Any) -> Converter:
    """To *kind*, by the table that refuses what does not fit."""
    return converter_of(kind, REFUSING, lambda part: None)


def bending(kind: Any) -> Converter:
    """To *kind*, by the table that bends as 0.1.1 did."""
    return converter_of(kind, BENDING, lambda part: None)


def named(value: Any) -> str:
    """The same in every process, which an address is not."""
    return getattr(value, "__name__", None) or repr(value)


def problems(convert: Converter, value: Any) -> dict[str, str]:
    """What *convert* finds wrong with *value*, whose place is ``x``."""
    with pytest.raises(Mismatch) as caught:
        convert(value)
    return {place.path: place.head + text for place, text in caught.value.under("x")}


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1
