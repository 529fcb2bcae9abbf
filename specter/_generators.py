"""Generators that somebody else wrote, ended when they are not needed any more."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, closing, nullcontext
from inspect import isgenerator
from typing import Any


def closed_after(source: Iterable[Any]) -> AbstractContextManager[Any]:
    """Close a generator when the block is left, so that its ``finally`` runs now; other iterables are not ours."""
    return closing(source) if isgenerator(source) else nullcontext()
