"""
A harness for tests of applications: boot, virtual time, clients, probes, and what a test left behind.

Works with every test runner and with none. With pytest, a plugin gives the same as fixtures and needs no import.
On gevent this is the module `specter_gevent.testing`. A name is imported when it is first used.
"""

from __future__ import annotations

from specter._testing import names

__all__ = names.names_on("asyncio")


def __getattr__(name: str) -> object:
    value = globals()[name] = names.load(name, __name__, "asyncio")
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
