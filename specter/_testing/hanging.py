"""Whether a test waits for what will never come is looked after by a `watchdog`, where a test could do so."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from .collecting import is_async, is_used

if TYPE_CHECKING:
    from .watchdog import Watchdog

_watchdog: Watchdog | None = None


@contextmanager
def watched(item: pytest.Item) -> Iterator[None]:
    """End a test that waits for what will never come."""
    global _watchdog
    if not (is_used(item.config) and is_async(getattr(item, "function", None)) and _has_threads()):
        yield
        return
    if _watchdog is None:
        from .watchdog import Watchdog

        _watchdog = Watchdog()
    with _watchdog.over(item):
        yield
    _let_go_of_runner()


def _has_threads() -> bool:
    """Whether a thread is one. Where gevent has patched it, it would be a greenlet, and go by virtual time."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is None or not monkey.is_module_patched("threading")


def told() -> str:
    """What was said when a wait in the running test was ended by force; empty if none was."""
    return "" if _watchdog is None else _watchdog.told


def _let_go_of_runner() -> None:
    """Have anyio's plugin make a new runner for the next test. It keeps one whose end has failed."""
    plugin: Any = sys.modules.get("anyio.pytest_plugin")
    if getattr(plugin, "_current_runner", None) is not None and getattr(plugin, "_runner_leases", 1) == 0:
        plugin._current_runner = plugin._runner_stack = None
