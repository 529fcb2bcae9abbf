"""
The fixtures of tests that pytest-asyncio runs.

Set-up, test and teardown are three tasks there, on the event loop of the scope that the test has chosen. For virtual
time the project chooses the loop: its ``conftest.py`` has ``pytest_asyncio_loop_factories`` give `loop_factory`. If
this plugin had that hook, it would choose the loop of every test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from .running_tests import Here, here_async


def loop_scope(item: pytest.Item) -> str:
    """Tell whose event loop a test runs on: that of its function, class, module, package or session."""
    marker = item.get_closest_marker("asyncio")
    assert marker is not None
    return str(marker.kwargs.get("loop_scope") or item.config.getini("asyncio_default_test_loop_scope"))


def _parts() -> tuple[Any, ...]:
    # Made anew for each scope, which pytest-asyncio notes on the functions themselves.

    async def here(request: pytest.FixtureRequest, _specter_around: None) -> AsyncIterator[Here]:
        async with here_async(request.node) as here:
            yield here

    async def harness() -> AsyncIterator[Any]:
        from specter.testing import Harness

        async with Harness() as harness:
            yield harness

    return here, harness


for _scope in ("function", "class", "module", "package", "session"):
    for _part in _parts():
        _name = f"_specter_{_part.__name__}_asyncio_{_scope}"
        globals()[_name] = pytest_asyncio.fixture(loop_scope=_scope, name=_name)(_part)
