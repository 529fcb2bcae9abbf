"""The Pythons under which an application is run: that of the tests, and those in ``SPECTER_PYTHONS``."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

# Like a PATH: executables, each with this package and its test companions installed.
OTHERS = [python for python in os.environ.get("SPECTER_PYTHONS", "").split(os.pathsep) if python]


def pythons() -> list[Any]:
    """Parameters: each Python once, by its version; a skip in place of the others if there are none."""
    this = pytest.param(sys.executable, id=f"python{sys.version_info.major}.{sys.version_info.minor}")
    if not OTHERS:
        reason = "SPECTER_PYTHONS names no other Python"
        return [this, pytest.param("", id="another", marks=pytest.mark.skip(reason=reason))]
    return [this, *(pytest.param(python, id=python) for python in OTHERS if python != sys.executable)]
