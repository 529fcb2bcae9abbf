"""
The gevent twin of `specter.testing`: the same harness, on greenlets.

Tests import `specter.testing`, which is this module where `specter` is on gevent. A name is imported when it is first
used.
"""

from __future__ import annotations

from specter._testing import names

__all__ = names.names_on("gevent")


def __getattr__(name: str) -> object:
    value = globals()[name] = names.load(name, __name__, "gevent")
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
